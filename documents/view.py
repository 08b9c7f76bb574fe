"""All that a document shows, as plain values: what a renderer gets, and nothing else."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Literal

from billing.account_credit import Settlement

Kind = Literal["invoice", "credit_note"]
LineKind = Literal["recurring", "one_time", "adjustment"]


@dataclass(frozen=True, slots=True)
class Detail:
    """One labelled text, such as a tax id or an account number; the label is printed as it stands."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Seller:
    """Who issues. `legal` is the seller's own line at the foot of every page."""

    name: str
    address: tuple[str, ...] = ()
    email: str | None = None
    phone: str | None = None
    website: str | None = None
    tax_ids: tuple[Detail, ...] = ()
    bank: tuple[Detail, ...] = ()
    payment_terms: str | None = None
    legal: str | None = None


@dataclass(frozen=True, slots=True)
class Buyer:
    """Who is billed. `name` is None once the customer's personal data was erased."""

    customer_id: str
    name: str | None
    address: tuple[str, ...] = ()
    email: str | None = None
    tax_ids: tuple[Detail, ...] = ()


@dataclass(frozen=True, slots=True)
class LineReference:
    """A line of an earlier document."""

    number: str
    line: int


@dataclass(frozen=True, slots=True)
class Part:
    """What one span costs: unit amount times quantity times share, before and after the one rounding.

    The share is given as it was counted: 7 of 30 days is 7 and 30; 1 and 1 where nothing is shared.
    """

    start: date
    end: date
    share_numerator: int
    share_denominator: int
    exact: Fraction  # major units
    amount_minor: int


@dataclass(frozen=True, slots=True)
class LineView:
    """One line. Spans are half-open; `unit_amount` and `quantity` are exact texts as they were given.

    A manual adjustment has its words as `product_name`, its id as `price_id`, and no product.

    `part` is what the line's span costs; for an adjusting line what now stands in place of the adjusted one.
    `before_minor` is what had been invoiced by the line that this one takes back or adjusts.
    """

    line: int
    service_id: str
    product_id: str
    product_name: str
    price_id: str
    price_name: str
    kind: LineKind
    start: date
    end: date
    full_start: date | None
    full_end: date | None
    quantity: str
    unit_amount: str
    amount_minor: int
    part: Part | None = None
    reverses: LineReference | None = None
    adjusts: LineReference | None = None
    before_minor: int | None = None

    @property
    def corrects(self) -> LineReference | None:
        """The earlier line that this one takes back or adjusts."""
        return self.reverses or self.adjusts


@dataclass(frozen=True, slots=True)
class TaxGroup:
    """Tax of one category and rate on the sum of its net amounts. `rate` is per cent, as text."""

    rate: str
    base_minor: int
    tax_minor: int


@dataclass(frozen=True, slots=True)
class LedgerReference:
    """Where the document's fact stands; `leaf` is the hash that an inclusion proof starts from."""

    seq: int
    leaf: str


@dataclass(frozen=True, slots=True)
class InvoiceView:
    """An issued invoice or credit note. Amounts are minor units; a credit note's net is negative."""

    tenant_id: str
    number: str
    kind: Kind
    seller: Seller
    buyer: Buyer
    issued_on: date
    due_for: date
    due_on: date | None
    currency: str
    language: str
    lines: tuple[LineView, ...]
    net_minor: int
    tax_groups: tuple[TaxGroup, ...] = ()
    ledger: LedgerReference | None = None
    settlement: Settlement | None = None  # None: nothing is said of the account's credit

    @property
    def amount_due_minor(self) -> int:
        """What has to be paid: the total, less what the account's credit sets off."""
        return max(self.total_minor, 0) if self.settlement is None else self.settlement.amount_due

    @property
    def total_minor(self) -> int:
        """Net and all taxes."""
        return self.net_minor + sum(group.tax_minor for group in self.tax_groups)

    @property
    def service_period(self) -> tuple[date, date] | None:
        """The half-open span from the first served day to the last, over all lines; None without lines."""
        if not self.lines:
            return None
        return min(line.start for line in self.lines), max(line.end for line in self.lines)

    @property
    def corrected(self) -> tuple[str, ...]:
        """The numbers of the documents that lines take back or adjust, each once, ascending."""
        return tuple(sorted({line.corrects.number for line in self.lines if line.corrects}))

    def services(self) -> Iterator[tuple[str, tuple[LineView, ...]]]:
        """Yield each service id with its lines, in the order of their first lines.

        A manual adjustment stands alone.
        """
        found: dict[tuple[str, int], list[LineView]] = {}
        for line in self.lines:
            alone = line.line if line.kind == "adjustment" else 0
            found.setdefault((line.service_id, alone), []).append(line)
        for (service_id, _), lines in found.items():
            yield service_id, tuple(lines)
