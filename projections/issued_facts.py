"""Issued documents as their facts hold them, and what they leave standing; no read model."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from billing.days import Day, day
from billing.invoiced import InvoicedSpan
from billing.line import NO_SERVICE
from billing.money import exact, parse_minor
from ledger.accounts import CreditedDocument
from projections.facts import CloudEvent

ISSUED: Final = "invoice.issued"
Payloads = Sequence[tuple[int, bytes]]
"""Seq and payload of the facts of a stream, in order."""


@dataclass(slots=True)
class IssuedFacts:
    """An `invoice.issued` fact, its place in the account's stream, and the facts of its lines."""

    seq: int
    version: int
    payload: bytes
    event: CloudEvent
    parts: tuple[tuple[int, bytes], ...]
    _lines: list[dict[str, Any]] | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def issued(self) -> CloudEvent:
        """The data of the fact."""
        data: CloudEvent = self.event["data"]
        return data

    @property
    def number(self) -> str:
        """The document's number."""
        number: str = self.issued["number"]
        return number

    @property
    def currency(self) -> str:
        """The document's currency."""
        currency: str = self.issued["document"]["currency"]
        return currency

    @property
    def due_for(self) -> Day:
        """The day for which it was computed."""
        return day(self.issued["document"]["due_for"])

    @property
    def computed_at_seq(self) -> int:
        """The last fact that was known when it was computed."""
        seq: int = self.issued["computed_at_seq"]
        return seq

    @property
    def credited(self) -> CreditedDocument | None:
        """The document that it takes back as a whole, if it does."""
        data = self.issued["document"].get("credits")
        return None if data is None else CreditedDocument(**data)

    @property
    def is_whole(self) -> bool:
        """Whether the facts of all its lines are here: it was appended in one transaction with them."""
        parts: int = self.issued["document"]["parts"]
        return len(self.parts) == parts

    def lines(self) -> list[dict[str, Any]]:
        """Return the lines of every part, as they were issued."""
        if self._lines is None:
            self._lines = [
                line for _, payload in self.parts for line in orjson.loads(payload)["data"]["lines"]
            ]
        return self._lines


def documents(account: Payloads, parts: Mapping[str, Payloads]) -> Iterator[IssuedFacts]:
    """Yield the documents of an account's stream, with the facts of their lines by stream."""
    for version, (seq, payload) in enumerate(account, start=1):
        event = orjson.loads(payload)
        if event["type"] != ISSUED:
            continue
        stream = lines_stream(event["data"]["number"])
        yield IssuedFacts(seq, version, payload, event, tuple(parts.get(stream, ())))


def lines_stream(number: str) -> str:
    """Return the stream that carries a document's lines."""
    return f"invoice/{number}"


def standing(
    issued: Iterable[IssuedFacts], since: Mapping[str, Day] | None = None
) -> dict[str, list[InvoicedSpan]]:
    """Return what stands of the lines of a customer's documents, by service, in the order of issue.

    With `since`, only of services that it names, and of full periods that ended after the service's day;
    what stands of adjustments always.
    """
    standing_lines: dict[tuple[str, int], tuple[Mapping[str, Any], Mapping[str, Any] | None, str]] = {}
    for document in issued:
        number, currency = document.number, document.currency
        for line_no, line in enumerate(document.lines(), start=1):
            target = line["reverses"] or line["adjusts"]
            if target is None:
                standing_lines[number, line_no] = (line, None, currency)
                continue
            key = (target["document"], target["line"])
            if line["reverses"] is None:
                standing_lines[key] = (standing_lines[key][0], line["result"], currency)
            else:
                del standing_lines[key]
    found: dict[str, list[InvoicedSpan]] = {}
    for key, (charged, result, currency) in standing_lines.items():
        is_adjustment = charged["kind"] == "adjustment"
        service_id = NO_SERVICE if is_adjustment else charged["service_id"]
        if since is not None and not is_adjustment:
            after = since.get(service_id)
            ends = charged["full_end"] or (result or charged)["period_end"]
            if after is None or day(ends) <= after:
                continue
        found.setdefault(service_id, []).append(_span(key, charged, result or charged, currency))
    return found


def credit(issued: Iterable[IssuedFacts]) -> dict[str, int]:
    """Return what a customer's documents leave on the account, by currency, in minor units."""
    return {
        item.currency: parse_minor(
            item.issued["document"]["account_credit"]["carried_forward"], item.currency
        )
        for item in issued
    }


def _span(
    key: tuple[str, int], line: Mapping[str, Any], stands: Mapping[str, Any], currency: str
) -> InvoicedSpan:
    full_start, full_end = line["full_start"], line["full_end"]
    return InvoicedSpan(
        service_id=line["service_id"] or NO_SERVICE,
        product_id=line["product_id"] or "",
        price_id=line["price_id"],
        kind=line["kind"],
        quantity=exact(line["quantity"]),
        unit_amount=exact(line["unit_amount"]),
        full_start=None if full_start is None else day(full_start),
        full_end=None if full_end is None else day(full_end),
        start=day(stands["period_start"]),
        end=day(stands["period_end"]),
        amount_minor=parse_minor(stands["amount"], currency),
        document=key[0],
        line_no=key[1],
    )
