"""Events from a file, one structured CloudEvent a line, counted like a partition of its own."""

import hashlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from consumers.decode import STRUCTURED_CONTENT, decode, trace_of_message
from consumers.records import (
    IMPORT,
    Beginning,
    Claim,
    Counts,
    Headers,
    Heard,
    Partition,
    PlainRecord,
    Refused,
    Slice,
)
from consumers.sink import Sink
from schemas.reading import Unreadable

BATCH_LINES: Final = 2_000
BATCH_BYTES: Final = 4 << 20
HASH_CHARACTERS: Final = 32
MAX_NAME_CHARACTERS: Final = 100
HEADERS: Final[Headers] = (("content-type", STRUCTURED_CONTENT),)

Progress = Callable[[int], None]
"""Told how many bytes of the file are done."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What this run did with a file; `first_line` is where it began, behind what an earlier run booked."""

    topic: str
    first_line: int
    counts: Counts
    refused: tuple[Refused, ...]


def import_file(
    path: Path, sink: Sink, *, tenant_sources: Collection[str], progress: Progress = lambda _: None
) -> Imported:
    """Book the events of a file. Importing it again, whole or half done, books nothing twice.

    The file is known by its content: its partition is `import:<SHA-256>`. Empty lines are no events.
    """
    partition = Partition(f"{IMPORT}:{_digest(path)}", 0)
    claim = sink.claim({partition: Beginning(0, "")})[partition]
    counts, refused = Counts(), list[Refused]()
    for part, position in _slices(path, claim, tenant_sources):
        landed = sink.flush({partition: part})
        counts += landed.counts[partition]
        refused += landed.refused
        progress(position)
    return Imported(partition.topic, claim.next_offset + 1, counts, tuple(refused))


def _slices(path: Path, claim: Claim, tenant_sources: Collection[str]) -> Iterator[tuple[Slice, int]]:
    """Yield the file in slices, each with the position behind it."""
    name = "".join(letter if letter.isprintable() else "_" for letter in path.name)[:MAX_NAME_CHARACTERS]
    part, size_bytes, position = _slice(claim, claim.next_offset), 0, 0
    with path.open("rb") as lines:
        for offset, line in enumerate(lines):
            position += len(line)
            if offset < claim.next_offset:
                continue
            part.high = offset + 1
            value = line.rstrip(b"\r\n")
            if value.strip():
                _decode_line(part, PlainRecord(offset, None, value, HEADERS), name, tenant_sources)
                size_bytes += len(value)
            if len(part) >= BATCH_LINES or size_bytes >= BATCH_BYTES:
                yield part, position
                part, size_bytes = _slice(claim, offset + 1), 0
    if part.high > part.low:
        yield part, position


def _decode_line(part: Slice, record: PlainRecord, name: str, tenant_sources: Collection[str]) -> None:
    origin = f"{IMPORT}:{name}/{record.offset + 1}"
    decoded = decode(record.headers, record.value, tenant_sources=tenant_sources)
    trace = trace_of_message(record.headers, decoded)
    if isinstance(decoded, Unreadable):
        part.refused.append(Refused(origin, record, decoded, trace))
    else:
        part.heard.append(Heard(origin, decoded, trace))
        part.records.append(record)


def _slice(claim: Claim, low: int) -> Slice:
    return Slice(low, low, claim.epoch, claim.incarnation)


def _digest(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()[:HASH_CHARACTERS]
