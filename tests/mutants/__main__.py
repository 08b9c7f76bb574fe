"""`make mutants`: which small changes of `billing/` does no test notice? Fails on one not explained."""

import argparse
import os
import re
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Annotated, get_args

import hypothesis.strategies  # noqa: F401 - read once here, so that no mutant's process has to
import jsonschema  # noqa: F401
import orjson  # noqa: F401
import rich.table  # noqa: F401
import typer.testing  # noqa: F401
import yaml  # noqa: F401
from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, model_validator

from tests.mutants.mutations import Kind, Mutant, mutants
from tests.mutants.trial import ROOT, SCENARIOS, GeneratedWorld, generated_worlds, killer, read_pytest

EXPLAINED = ROOT / "docs" / "explanation" / "mutants.md"
FENCE = "```text"
UNCHANGED = "(unchanged)"


class _ReadsAllOfPydantic(BaseModel):
    """It imports much of itself when the first model is made."""

    model_config = ConfigDict(extra="forbid")
    text: Annotated[str, StringConstraints(min_length=1), AfterValidator(str)] | None = None

    @model_validator(mode="after")
    def check(self) -> "_ReadsAllOfPydantic":
        return self


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


@dataclass
class Run:
    """The mutants of some files, several at a time; what killed one is tried first on the next."""

    worlds: Sequence[GeneratedWorld]
    paths: list[str]
    verbose: bool
    quick: bool
    notes: Path | None
    survivors: list[str] = field(default_factory=list)
    killed: int = 0
    _running: dict[int, tuple[Mutant, int]] = field(default_factory=dict)

    def start(self, mutant: Mutant) -> None:
        reading, writing = os.pipe()
        process = os.fork()
        if process == 0:
            self._try(mutant, writing)
        os.close(writing)
        self._running[process] = mutant, reading

    def _try(self, mutant: Mutant, writing: int) -> None:
        """In the mutant's own process: never return to the loop, whatever happens."""
        try:
            os.write(
                writing, (killer(mutant, self.paths, self.worlds, quick=self.quick) or "").encode()[:4000]
            )
            os._exit(0)
        finally:
            traceback.print_exc()
            os._exit(1)

    def finish(self, most: int) -> None:
        """Wait until no more than `most` are running."""
        while len(self._running) > most:
            process, status = os.wait()
            mutant, reading = self._running.pop(process)
            with os.fdopen(reading, "rb") as pipe:
                by = pipe.read().decode()
            if os.WIFEXITED(status) and os.WEXITSTATUS(status):
                raise SystemExit(f"the trial itself failed: {mutant.name}")
            if status:
                by = f"it was ended by signal {os.WTERMSIG(status)}"
            if self.verbose or not (by or mutant.name == UNCHANGED):
                _say(f"{by or 'SURVIVED'} <- {mutant.name}")
            if not by:
                self.survivors.append(mutant.name)
                continue
            self.killed += 1
            if self.notes is not None:
                with self.notes.open("a", encoding="utf-8") as noted:
                    noted.write(f"{_key(mutant)} {by}\n")
            if by in self.paths:
                self.paths.remove(by)
                self.paths.insert(0, by)


def _key(mutant: Mutant) -> str:
    return sha256(f"{mutant.module}\n{mutant.source}".encode()).hexdigest()


def noticed_before(notes: Path | None) -> frozenset[str]:
    """Return the keys of the mutants that an earlier run noted."""
    if notes is None or not notes.exists():
        return frozenset()
    return frozenset(line.split(" ", 1)[0] for line in notes.read_text(encoding="utf-8").splitlines())


def explained() -> Iterator[str]:
    """Yield the survivors that the docs explain: the lines of their blocks of text."""
    inside = False
    for line in EXPLAINED.read_text(encoding="utf-8").splitlines():
        if line.startswith("```"):
            inside = line == FENCE
        elif inside and line.strip():
            yield line.strip()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, help="files of billing/; all if none is named")
    parser.add_argument("--jobs", type=int, default=1, help="how many mutants are tried at a time")
    parser.add_argument("--verbose", action="store_true", help="say of each mutant what noticed it")
    parser.add_argument(
        "--kind", choices=get_args(Kind), action="append", help="try only these kinds of mutants"
    )
    parser.add_argument(
        "--only", default="", metavar="REGEX", help="try only mutants whose name has this in it"
    )
    parser.add_argument(
        "--quick", action="store_true", help="leave out the slow files of tests: more survives, and sooner"
    )
    parser.add_argument(
        "--notes",
        type=Path,
        metavar="FILE",
        help="note there what was noticed, and don't try again what stands there",
    )
    options = parser.parse_args()
    files = [path.resolve() for path in options.files] or sorted((ROOT / "billing").glob("*.py"))
    paths = sorted(str(path.relative_to(SCENARIOS)) for path in SCENARIOS.rglob("*") if path.is_file())
    read_pytest()
    run = Run(list(generated_worlds()), paths, options.verbose, options.quick, None)
    unchanged = ROOT / "billing" / "money.py"
    run.start(Mutant("billing.money", UNCHANGED, unchanged.read_text(encoding="utf-8")))
    run.finish(0)
    if run.survivors != [UNCHANGED]:
        raise SystemExit("the tests fail on the code as it is")
    run.survivors.clear()
    run.notes = options.notes
    before = noticed_before(options.notes)
    _say("file | mutants | killed | survived | seconds")
    for path in files:
        begun, killed, survived = time.monotonic(), run.killed, len(run.survivors)
        for mutant in mutants(path, ROOT, options.kind or get_args(Kind)):
            if not re.search(options.only, mutant.name):
                continue
            if _key(mutant) in before:
                run.killed += 1
                continue
            run.start(mutant)
            run.finish(options.jobs - 1)
        run.finish(0)
        killed, survived = run.killed - killed, len(run.survivors) - survived
        _say(f"{path.name} | {killed + survived} | {killed} | {survived} | {time.monotonic() - begun:.0f}")
    known = set(explained())
    new = [name for name in run.survivors if name not in known]
    for name in new:
        _say(f"nobody noticed: {name}")
    names = {path.name for path in files}
    gone = (
        []
        if options.only or options.kind or options.quick
        else sorted(name for name in known - set(run.survivors) if name.split()[0] in names)
    )
    for name in gone:
        _say(f"explained, but noticed or gone: {name}")
    return 1 if new or gone else 0


if __name__ == "__main__":
    sys.exit(main())
