"""What came of a scenario: as JSON, as a table, and as differences from what was expected."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from billing.account_credit import Settlement
from billing.days import iso
from billing.explanation import arithmetic, days_in_words
from billing.invoice import Draft
from billing.line import NO_SERVICE, Line
from billing.money import exact, format_minor, minor_digits
from cli.output import Column, print_table, print_text
from cli.simulate.run import Outcome
from cli.simulate.scenario_file import ExpectedInvoice

Told = Callable[[Line, Draft], Sequence[str]]
"""Says why a line of a document is there."""
Place = tuple[str, str, str]
"""Customer, issue date and currency of a document."""


def as_data(outcome: Outcome, told: Told | None = None) -> dict[str, Any]:
    """Return the JSON object of BILLING.md §10; `reverses` names an invoice by its place, from 1.

    With `told`, each line says in `words` why it is there.
    """
    return {
        "name": outcome.scenario.name,
        "invoices": [
            {
                "customer_id": document.customer_id,
                "issue_date": iso(document.due_for),
                "currency": document.currency,
                "net": format_minor(document.net_minor, document.currency),
                **(settlement.as_data(document.currency) if outcome.scenario.shows_credit else {}),
                "lines": [
                    _line_data(line, document.currency)
                    | ({} if told is None else {"words": list(told(line, document))})
                    for line in document.lines
                ],
            }
            for document, settlement in zip(outcome.documents, outcome.settlements, strict=True)
        ],
        "anomalies": [
            {
                "service_id": service_id,
                "event_id": anomaly.ref.id,
                "code": anomaly.code,
                "detail": anomaly.detail,
            }
            for service_id, anomaly in outcome.anomalies
        ],
    }


def _line_data(line: Line, currency: str) -> dict[str, Any]:
    reverses = line.reverses
    return {
        "service_id": None if line.service_id == NO_SERVICE else line.service_id,
        "price_id": line.price_id,
        "kind": line.kind,
        "quantity": line.quantity.text,
        "unit_amount": line.unit_amount.text,
        "period_start": iso(line.period_start),
        "period_end": iso(line.period_end),
        "full_start": None if line.full_start is None else iso(line.full_start),
        "full_end": None if line.full_end is None else iso(line.full_end),
        "amount": format_minor(line.amount_minor, currency),
        "reverses": None
        if reverses is None
        else {"invoice": int(reverses.document), "line": reverses.line_no},
    }


def show(outcome: Outcome) -> None:
    """Print the documents and their lines, each with its arithmetic, for a person."""
    print_text(outcome.scenario.name)
    if not outcome.documents:
        print_text("nothing is due")
    for number, (document, settlement) in enumerate(
        zip(outcome.documents, outcome.settlements, strict=True), 1
    ):
        net = format_minor(document.net_minor, document.currency)
        kind = "credit note" if document.net_minor < 0 else "invoice"
        print_table(
            f"{number}. {kind} to {document.customer_id}, {iso(document.due_for)}: {net} {document.currency}",
            [Column("service"), Column("price"), Column("days"), Column("amount", "right"), Column("why")],
            [
                (
                    line.service_id,
                    line.price_id,
                    days_in_words(line.period_start, line.period_end),
                    format_minor(line.amount_minor, document.currency),
                    arithmetic(line, document.currency),
                )
                for line in document.lines
            ],
        )
        words = _settled(settlement, document.currency)
        if words:
            print_text(words)
    for service_id, anomaly in outcome.anomalies:
        about = service_id or "adjustment"
        print_text(f"anomaly: {about}: event {anomaly.ref.id}: {anomaly.detail} [{anomaly.code}]")


def _settled(settlement: Settlement, currency: str) -> str:
    """Return what the account's credit does to a document; nothing where there is none."""
    parts = []
    if settlement.applied:
        parts.append(f"account credit set off: {format_minor(settlement.applied, currency)}")
        parts.append(f"amount due: {format_minor(settlement.amount_due, currency)}")
    if settlement.paid_out:
        parts.append(f"paid out: {format_minor(settlement.paid_out, currency)}")
    if settlement.carried_forward:
        parts.append(f"left on the account: {format_minor(settlement.carried_forward, currency)}")
    return ", ".join(parts)


def differences(outcome: Outcome) -> tuple[str, ...]:
    """Return how the documents differ from the complete list of the expected ones, one sentence each."""
    expected = outcome.scenario.expected
    if expected is None:
        return ()
    return tuple(_compare(outcome, list(expected.invoices)))


def _compare(outcome: Outcome, wanted: list[ExpectedInvoice]) -> Iterator[str]:
    currency = outcome.scenario.tenant.currency
    issued = list(outcome.documents)
    settled = dict(zip(map(id, outcome.documents), outcome.settlements, strict=True))
    for invoice in wanted:
        place = (invoice.customer_id, invoice.issue_date, invoice.currency or currency)
        found = next((document for document in issued if _place(document) == place), None)
        if found is None:
            yield f"{_named(place)}: expected net {invoice.net}, none was issued"
            continue
        issued.remove(found)
        net = format_minor(found.net_minor, found.currency)
        if exact(net) != exact(invoice.net):
            yield f"{_named(place)}: expected net {invoice.net}, got {net}"
        yield from _compare_settlement(settled[id(found)], invoice, place)
        if invoice.lines is not None:
            yield from _compare_lines(found, invoice)
    for document in issued:
        net = format_minor(document.net_minor, document.currency)
        yield f"{_named(_place(document))}: net {net} was issued, none was expected"


def _compare_settlement(settlement: Settlement, invoice: ExpectedInvoice, place: Place) -> Iterator[str]:
    data = settlement.as_data(place[2])
    got = {**data["account_credit"], "amount_due": data["amount_due"]}
    wanted = {} if invoice.account_credit is None else invoice.account_credit.model_dump(exclude_none=True)
    if invoice.amount_due is not None:
        wanted["amount_due"] = invoice.amount_due
    for name, amount in wanted.items():
        if got[name] != amount:
            yield f"{_named(place)}: expected {name} {amount}, got {got[name]}"


def _compare_lines(document: Draft, invoice: ExpectedInvoice) -> Iterator[str]:
    """Compare the sums per service and price; zero sums are left out, on both sides."""
    sums: Counter[tuple[str, str]] = Counter()
    for line in document.lines:
        sums[line.service_id, line.price_id] += line.amount_minor
    wanted: defaultdict[tuple[str, str], Fraction] = defaultdict(Fraction)
    for expected in invoice.lines or ():
        wanted[expected.service_id or "", expected.price_id] += Fraction(expected.amount)
    minor = 10 ** minor_digits(document.currency)
    for key in sorted({*sums, *wanted}):
        if sums[key] != wanted[key] * minor:
            where = f"{_named(_place(document))}: service {key[0]}, price {key[1]}"
            got = format_minor(sums[key], document.currency) if sums[key] else "nothing"
            yield f"{where}: expected {_shown(wanted[key], document.currency)}, got {got}"


def _shown(amount: Fraction, currency: str) -> str:
    """Return an expected amount as documents print it, or as it is if it is finer than the minor unit."""
    minor = amount * 10 ** minor_digits(currency)
    if minor.denominator != 1:
        return str(Decimal(amount.numerator) / Decimal(amount.denominator))
    return format_minor(int(minor), currency) if minor else "nothing"


def _place(document: Draft) -> Place:
    return document.customer_id, iso(document.due_for), document.currency


def _named(place: Place) -> str:
    return f"{place[0]} on {place[1]} in {place[2]}"
