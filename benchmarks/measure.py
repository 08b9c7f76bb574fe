"""Ours against a limit, in turn and in one run: machines are shared, so only the ratio means something."""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

RUNS: Final = 3


@dataclass(frozen=True, slots=True)
class Pair:
    """One measured round: seconds that ours and the limit took for the same `n` things."""

    ours_seconds: float
    limit_seconds: float


@dataclass(frozen=True, slots=True)
class Result:
    """What a bench measured; `aim` is the ratio that ARCHITECTURE.md §11 asks for."""

    bench: str
    n: int
    unit: str
    aim: float
    pairs: tuple[Pair, ...]

    @property
    def ratio(self) -> float:
        """The median over the rounds of limit seconds / ours seconds: 1.0 would be as fast as the limit."""
        return median(pair.limit_seconds / pair.ours_seconds for pair in self.pairs)

    def as_data(self) -> dict[str, Any]:
        """Return the JSON object that `--json` prints as its last line."""
        return {
            "bench": self.bench,
            "ours_per_s": round(self.n / median(pair.ours_seconds for pair in self.pairs)),
            "limit_per_s": round(self.n / median(pair.limit_seconds for pair in self.pairs)),
            "ratio": round(self.ratio, 3),
            "n": self.n,
            "runs": [
                {
                    "ours_s": round(pair.ours_seconds, 3),
                    "limit_s": round(pair.limit_seconds, 3),
                    "ratio": round(pair.limit_seconds / pair.ours_seconds, 3),
                }
                for pair in self.pairs
            ],
        }


def interleaved(
    ours: Callable[[], float],
    limit: Callable[[], float],
    *,
    runs: int,
    progress: Callable[[str], None],
) -> tuple[Pair, ...]:
    """Call `ours` and `limit` in turn, `runs` times each; each returns the seconds of what it measured."""
    pairs = []
    for number in range(1, runs + 1):
        pair = Pair(ours(), limit())
        progress(
            f"round {number} of {runs}: ours {pair.ours_seconds:.2f} s, limit {pair.limit_seconds:.2f} s, "
            f"ratio {pair.limit_seconds / pair.ours_seconds:.2f}"
        )
        pairs.append(pair)
    return tuple(pairs)
