"""A line of an invoice or credit note, and why it is there."""

from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple

from billing.catalog import Proration
from billing.days import Day, day, iso
from billing.facts import EventRef
from billing.money import Exact, Rounding, exact, format_minor, parse_minor

Kind = Literal["recurring", "one_time", "adjustment"]
PriceSource = Literal["catalog", "customer price", "own price", "adjustment", "invoiced"]
Rule = Proration | Literal["one_time", "reversal"]
NO_SERVICE: Final = ""
"""The service of what is about none; manual adjustments stand under this name among what was invoiced."""


class LineRef(NamedTuple):
    """An issued line: its document's number and its place there, from 1."""

    document: str
    line_no: int


class Standing(NamedTuple):
    """What stands of an invoiced line after a correction."""

    start: Day
    end: Day
    amount_minor: int


class Entered(NamedTuple):
    """What was said of a manual adjustment: its words on the invoice, why it was made, and by whom."""

    text: str
    reason: str
    author: str


class Explanation(NamedTuple):
    """What produced an amount: `rounding(numerator / denominator) - invoiced_minor`, in minor units.

    The fraction is unit amount x quantity x share, in lowest terms. For a reversal it is zero: nothing is
    entitled any more, and `invoiced_minor` goes back. The days are those of the entitled span.
    """

    events: tuple[EventRef, ...]
    price_source: PriceSource
    price_version: EventRef | None  # the fact that set the unit amount; for an own price one of the events
    rule: Rule
    served_days: int
    full_days: int
    share: tuple[int, int]  # numerator and denominator, as the rule counts
    numerator: int
    denominator: int
    rounding: Rounding
    invoiced_minor: int  # what stood before; 0 for a first charge
    entered: Entered | None = None  # of a manual adjustment alone; other lines have no such member
    charged_from: Day | None = None  # where a backdated activation keeps earlier days from being charged

    def as_data(self, currency: str) -> dict[str, Any]:
        """Return a JSON object; fractions as texts, because their terms may outgrow JSON's numbers."""
        version = self.price_version
        more: dict[str, Any] = {} if self.entered is None else {"entered": self.entered._asdict()}
        if self.charged_from is not None:
            more["charged_from"] = iso(self.charged_from)
        return {
            **more,
            "events": [[ref.source, ref.id] for ref in self.events],
            "price_source": self.price_source,
            "price_version": None if version is None else [version.source, version.id],
            "rule": self.rule,
            "served_days": self.served_days,
            "full_days": self.full_days,
            "share": f"{self.share[0]}/{self.share[1]}",
            "exact_minor": f"{self.numerator}/{self.denominator}",
            "rounding": self.rounding,
            "invoiced": format_minor(self.invoiced_minor, currency),
        }

    @staticmethod
    def from_data(data: Mapping[str, Any], currency: str) -> "Explanation":
        """Return the explanation that `as_data` wrote."""
        version = data["price_version"]
        served, full = data["share"].split("/")
        numerator, denominator = data["exact_minor"].split("/")
        return Explanation(
            events=tuple([EventRef(source, event_id) for source, event_id in data["events"]]),
            price_source=data["price_source"],
            price_version=None if version is None else EventRef(*version),
            rule=data["rule"],
            served_days=data["served_days"],
            full_days=data["full_days"],
            share=(int(served), int(full)),
            numerator=int(numerator),
            denominator=int(denominator),
            rounding=data["rounding"],
            invoiced_minor=parse_minor(data["invoiced"], currency),
            entered=Entered(**data["entered"]) if "entered" in data else None,
            charged_from=day(data["charged_from"]) if "charged_from" in data else None,
        )


class Line(NamedTuple):
    """One line. Days are half-open; `full` days are None for one-time amounts.

    The line of a manual adjustment has its id as `price_id`, no product, and a service only if it is about
    one: what it lacks is empty here and null in JSON.
    """

    service_id: str
    product_id: str
    price_id: str
    kind: Kind
    quantity: Exact
    unit_amount: Exact
    period_start: Day
    period_end: Day
    full_start: Day | None
    full_end: Day | None
    amount_minor: int
    reverses: LineRef | None  # takes back what remains of that line
    adjusts: LineRef | None  # moves an end, or the amount, of that line
    result: Standing | None  # what stands of the adjusted line afterwards; None unless `adjusts`
    explanation: Explanation

    def as_data(self, currency: str) -> dict[str, Any]:
        """Return the JSON object that travels in `invoice.lines`; amounts with the currency's decimals."""
        result = self.result
        return {
            "service_id": None if self.service_id == NO_SERVICE else self.service_id,
            "product_id": self.product_id or None,
            "price_id": self.price_id,
            "kind": self.kind,
            "quantity": self.quantity.text,
            "unit_amount": self.unit_amount.text,
            "period_start": iso(self.period_start),
            "period_end": iso(self.period_end),
            "full_start": None if self.full_start is None else iso(self.full_start),
            "full_end": None if self.full_end is None else iso(self.full_end),
            "amount": format_minor(self.amount_minor, currency),
            "reverses": _ref_data(self.reverses),
            "adjusts": _ref_data(self.adjusts),
            "result": None
            if result is None
            else {
                "period_start": iso(result.start),
                "period_end": iso(result.end),
                "amount": format_minor(result.amount_minor, currency),
            },
            "explanation": self.explanation.as_data(currency),
        }

    @staticmethod
    def from_data(data: Mapping[str, Any], currency: str) -> "Line":
        """Return the line that `as_data` wrote."""
        result = data["result"]
        return Line(
            service_id=data["service_id"] or NO_SERVICE,
            product_id=data["product_id"] or "",
            price_id=data["price_id"],
            kind=data["kind"],
            quantity=exact(data["quantity"]),
            unit_amount=exact(data["unit_amount"]),
            period_start=day(data["period_start"]),
            period_end=day(data["period_end"]),
            full_start=None if data["full_start"] is None else day(data["full_start"]),
            full_end=None if data["full_end"] is None else day(data["full_end"]),
            amount_minor=parse_minor(data["amount"], currency),
            reverses=_ref(data["reverses"]),
            adjusts=_ref(data["adjusts"]),
            result=None
            if result is None
            else Standing(
                day(result["period_start"]),
                day(result["period_end"]),
                parse_minor(result["amount"], currency),
            ),
            explanation=Explanation.from_data(data["explanation"], currency),
        )


def _ref_data(ref: LineRef | None) -> dict[str, Any] | None:
    return None if ref is None else {"document": ref.document, "line": ref.line_no}


def _ref(data: Mapping[str, Any] | None) -> LineRef | None:
    return None if data is None else LineRef(data["document"], data["line"])
