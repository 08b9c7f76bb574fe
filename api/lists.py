"""Lists: a page of JSON with a cursor, or the whole list as a stream of CSV or JSON lines."""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Annotated, Any, Final, Generic, TypeVar

import orjson
from fastapi import Depends, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from api.access import Caller, Contextual, View, door
from api.cursors import cursor_key, cursor_text
from api.errors import NotAcceptableError
from api.settings import Context
from documents.lines_csv import guarded
from ledger.keys import ApiKey, KeyRole
from projections.pages import Order, Wanted
from projections.session import reading

JSON: Final = "application/json"
JSON_LINES: Final = "application/jsonl"
CSV: Final = "text/csv"
FORMS: Final = (JSON, CSV, JSON_LINES)
MOST_ITEMS: Final = 500
STREAMED_ROWS: Final = 1_000
AMOUNT: Final = re.compile(r"-?\d+(\.\d+)?", re.ASCII)

QueryCursor = Annotated[
    str | None,
    Query(max_length=4_000, description="`next` of the page before, with the same filters and sort."),
]
Item = TypeVar("Item", bound=BaseModel)
Fetched = tuple[Item, Sequence[object]]
"""An item, and its place in the order that was asked for."""


class Page(BaseModel, Generic[Item]):
    """Some items of a list, and where to go on."""

    items: list[Item]
    next: str | None = Field(
        description="Give it back as `cursor` for the next page; null: this is the last.",
        examples=["WyI0ZjBhIixbMTJdXQ"],
    )


@dataclass(frozen=True, slots=True)
class Listed(Generic[Item]):
    """A list that the API has: its items' form, its orders, and how a page of them is read.

    `is_watched`: what it lists goes on meanwhile, so `fetch` needs a view each look of which is a fresh one.
    """

    name: str
    item: type[Item]
    orders: Mapping[str, Order]
    fetch: Callable[[View, Wanted], list[Fetched[Item]]]
    is_watched: bool = False


@dataclass(frozen=True, slots=True)
class Asking:
    """What every list is asked with."""

    request: Request
    context: Context
    key: ApiKey
    limit: int
    cursor: str | None


def asking(
    request: Request,
    context: Contextual,
    key: Caller,
    limit: Annotated[int, Query(ge=1, le=MOST_ITEMS, description="At most so many items a page.")] = 50,
    cursor: QueryCursor = None,
) -> Asking:
    """Gather what every list is asked with."""
    return Asking(request, context, key, limit, cursor)


Asked = Annotated[Asking, Depends(asking)]


def answer(
    listed: Listed[Item],
    asked: Asking,
    sort: str,
    filters: Mapping[str, object],
    *,
    form: str | None = None,
) -> Response:
    """Answer with a page, or with all of the list from the cursor on where CSV or JSON lines are wanted.

    `form` is one of FORMS; None: as the Accept header says.
    """
    question, wanted = _wanted(listed, sort, filters, asked.cursor, asked.limit)
    form = form or form_of(asked.request)
    if form == JSON:
        page = _page(listed, _read(listed, asked, wanted), asked.limit, question)
        return Response(page.model_dump_json(), media_type=JSON, headers={"Vary": "Accept"})
    encode = _csv_rows if form == CSV else _json_rows
    batches = _batches(listed, asked, wanted)
    # The first batch is read before anything is sent, so that what goes wrong there is answered as a problem.
    whole = chain([next(batches)], batches)
    name = f"{listed.name}.{'csv' if form == CSV else 'jsonl'}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Vary": "Accept"}
    return StreamingResponse(encode(listed.item, whole), media_type=form, headers=headers)


def list_door(*roles: KeyRole, item: type[BaseModel], errors: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return what a list's route takes: as `door`, with the forms that a list has beside JSON."""
    columns = ",".join(item.model_fields)
    answers: dict[int | str, dict[str, Any]] = {
        200: {
            "description": "A page; or, by `Accept`, all of the list from the cursor on.",
            "content": {
                CSV: {"schema": {"type": "string"}, "example": f"{columns}\r\n"},
                JSON_LINES: {"schema": {"type": "string", "description": "One item a line."}},
            },
        }
    }
    return door(*roles, errors=(*errors, "cursor_invalid", "not_acceptable"), answers=answers)


def form_of(request: Request) -> str:
    """Return the form that the Accept header likes best; JSON without one. Raises NotAcceptableError."""
    header = request.headers.get("accept", "*/*")
    ranges = sorted(_ranges(header), key=lambda found: -found[1])
    for media, quality in ranges:
        if quality <= 0:
            continue
        for form in FORMS:
            if media in {form, "*/*", form.partition("/")[0] + "/*"}:
                return form
    raise NotAcceptableError(f"Accept: {header[:100]!r}: there are {', '.join(FORMS)}")


def _ranges(header: str) -> Iterator[tuple[str, float]]:
    for part in header.split(","):
        media, *parameters = [text.strip().lower() for text in part.split(";")]
        quality = next((text[2:] for text in parameters if text.startswith("q=")), "1")
        try:
            yield media, float(quality)
        except ValueError:
            yield media, 1.0


def page_of(
    listed: Listed[Item],
    view: View,
    *,
    sort: str,
    filters: Mapping[str, object],
    cursor: str | None,
    limit: int,
) -> Page[Item]:
    """Return a page within an open view. Raises CursorInvalidError."""
    question, wanted = _wanted(listed, sort, filters, cursor, limit)
    return _page(listed, listed.fetch(view, wanted), limit, question)


def _wanted(
    listed: Listed[Item], sort: str, filters: Mapping[str, object], cursor: str | None, limit: int
) -> tuple[dict[str, object], Wanted]:
    """Return what a cursor is bound to, and the question: one row more than is shown tells of a next page."""
    order = sort.removeprefix("-")
    question: dict[str, object] = {"list": listed.name, "sort": sort, **filters}
    after = None if cursor is None else cursor_key(cursor, question, listed.orders[order].types)
    return question, Wanted(order, limit + 1, sort.startswith("-"), filters, after)


def _page(
    listed: Listed[Item], found: Sequence[Fetched[Item]], limit: int, question: Mapping[str, object]
) -> Page[Item]:
    shown = found[:limit]
    behind = cursor_text(question, shown[-1][1]) if len(found) > len(shown) else None
    return Page[listed.item](items=[item for item, _ in shown], next=behind)  # type: ignore[name-defined]


def _read(listed: Listed[Item], asked: Asking, wanted: Wanted) -> list[Fetched[Item]]:
    with (
        asked.context.pool.connection() as connection,
        reading(connection, asked.key.tenant_id, afresh=listed.is_watched) as cursor,
    ):
        return listed.fetch(View(cursor, asked.key.tenant_id, asked.context.clock), wanted)


def _batches(listed: Listed[Item], asked: Asking, wanted: Wanted) -> Iterator[list[Item]]:
    """Yield the list in batches, each read in a transaction of its own: a slow reader holds nothing."""
    after = wanted.after
    while True:
        batch = Wanted(wanted.order, STREAMED_ROWS, wanted.descending, wanted.filters, after)
        found = _read(listed, asked, batch)
        yield [item for item, _ in found]
        if len(found) < STREAMED_ROWS:
            return
        after = found[-1][1]


def _json_rows(_: type[BaseModel], batches: Iterable[Sequence[BaseModel]]) -> Iterator[bytes]:
    for batch in batches:
        yield b"".join(item.model_dump_json().encode() + b"\n" for item in batch)


def _csv_rows(item: type[BaseModel], batches: Iterable[Sequence[BaseModel]]) -> Iterator[bytes]:
    columns = list(item.model_fields)
    for number, batch in enumerate(batches):
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\r\n")
        if number == 0:
            writer.writerow(columns)
        for row in batch:
            values = row.model_dump(mode="json")
            writer.writerow([_cell(values[name]) for name in columns])
        yield text.getvalue().encode()


def _cell(value: object) -> str:
    """Return a value as a cell: what no spreadsheet runs as a formula, and amounts as they are."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value if AMOUNT.fullmatch(value) else guarded(value)
    return orjson.dumps(value).decode()
