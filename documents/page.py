"""A document as the texts that stand on its page, in their order; the template only places them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from documents.arithmetic import arithmetic
from documents.formats import Formats, formats_for
from documents.labels import Labels
from documents.view import Detail, InvoiceView, LineView

# In mm: the type area and the columns of its line table.
TYPE_AREA: Final = 172.0
PERIOD: Final = 41.0
LEAST: Final = {"quantity": 12.0, "unit": 19.0, "amount": 23.0}
LEAST_DESCRIPTION: Final = 55.0
GAP: Final = 3.0
PANEL: Final = 68.0
# In points: type sizes where there is room, and how wide characters of Inter are, in em.
FIGURES: Final = 9.0
PANEL_FIGURES: Final = 19.0
FIGURE_EM: Final = 0.65
NARROW_EM: Final = 0.28
MM_PER_POINT: Final = 25.4 / 72
MOST_ALIGNED: Final = 5  # characters behind the integer part, up to which figures stand point under point
FIGURE_SPACE: Final = "\N{FIGURE SPACE}"
POINT_SPACE: Final = "\N{PUNCTUATION SPACE}"
NARROW: Final = frozenset(
    ".,' \N{RIGHT SINGLE QUOTATION MARK}\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}" + POINT_SPACE
)
SEPARATOR: Final = " \N{MIDDLE DOT} "


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the document. `notes` stand grey below it."""

    title: str
    detail: str
    notes: tuple[str, ...]
    period: str
    quantity: str
    unit_amount: str
    amount: str


@dataclass(frozen=True, slots=True)
class Block:
    """The lines of one service. With several lines a heading row names it and gives their sum."""

    heading: str
    service_id: str
    subtotal: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Widths:
    """Column widths, and the type size of the figures, as CSS lengths."""

    description: str
    period: str
    quantity: str
    unit: str
    amount: str
    figures: str


@dataclass(frozen=True, slots=True)
class Page:
    """Everything that the template prints."""

    title: str
    number: str
    buyer_name: str
    panel_label: str
    panel_amount: str
    panel_size: str
    panel_note: str
    facts: tuple[Detail, ...]
    widths: Widths
    blocks: tuple[Block, ...]
    totals: tuple[Detail, ...]
    total: Detail
    settled: tuple[Detail, ...]
    notes: tuple[str, ...]
    payment: tuple[Detail, ...]
    payment_note: str
    contact: tuple[str, ...]
    legal: str
    ledger: str


def page_of(view: InvoiceView) -> Page:
    """Return the texts of a document in its own language; every amount is exact."""
    formats = formats_for(view.language, view.currency)
    labels = formats.labels
    blocks = _aligned(
        tuple(_block(service_id, lines, formats) for service_id, lines in view.services()), formats.point
    )
    panel_label, panel_amount, panel_note = _panel(view, formats)
    return Page(
        title=labels.credit_note if view.kind == "credit_note" else labels.invoice,
        number=view.number,
        buyer_name=view.buyer.name if view.buyer.name is not None else labels.erased,
        panel_label=panel_label,
        panel_amount=panel_amount,
        panel_size=f"{min(PANEL_FIGURES, PANEL / _wide(panel_amount, 1.0)):.2f}pt",
        panel_note=panel_note,
        facts=_facts(view, formats),
        widths=_widths(blocks),
        blocks=blocks,
        totals=_totals(view, formats),
        total=Detail(labels.total, formats.money(view.total_minor)),
        settled=_settled(view, formats),
        notes=(() if view.tax_groups else (labels.no_tax,)) + (() if view.lines else (labels.no_lines,)),
        payment=_payment(view, formats),
        payment_note=_payment_note(view, formats),
        contact=tuple(
            SEPARATOR.join(filter(None, texts))
            for texts in (view.seller.address, (view.seller.email, view.seller.phone, view.seller.website))
        ),
        legal=SEPARATOR.join(
            (
                *(f"{detail.label} {detail.value}" for detail in view.seller.tax_ids),
                *filter(None, (view.seller.legal,)),
            )
        ),
        ledger=_ledger(view, formats),
    )


def _panel(view: InvoiceView, formats: Formats) -> tuple[str, str, str]:
    """Return label, amount and remark of the tinted panel: the first thing that a payer looks for."""
    labels = formats.labels
    if view.total_minor < 0:
        return labels.credited, formats.money(-view.total_minor), _left(view, formats)
    if view.amount_due_minor == 0:
        return labels.nothing_due, formats.money(0), _left(view, formats)
    due = labels.payable_by.format(date=formats.long_day(view.due_on)) if view.due_on else ""
    return labels.amount_due, formats.money(view.amount_due_minor), due


def _settled(view: InvoiceView, formats: Formats) -> tuple[Detail, ...]:
    """Return the rows below the total: what the account's credit sets off, and what is left to pay."""
    labels, settlement = formats.labels, view.settlement
    if settlement is None or not settlement.applied:
        return ()
    return (
        Detail(labels.credit_applied, formats.amount(-settlement.applied)),
        Detail(labels.amount_due, formats.money(settlement.amount_due)),
    )


def _left(view: InvoiceView, formats: Formats) -> str:
    """Return what becomes of the credit that a document leaves."""
    labels, settlement = formats.labels, view.settlement
    if settlement is None:
        return ""
    if settlement.paid_out:
        return labels.paid_out.format(amount=formats.money(settlement.paid_out))
    if settlement.carried_forward:
        return labels.credit_left.format(amount=formats.money(settlement.carried_forward))
    return ""


def _facts(view: InvoiceView, formats: Formats) -> tuple[Detail, ...]:
    labels = formats.labels
    facts = [Detail(labels.issued_on, formats.day(view.issued_on))]
    if view.due_for != view.issued_on:
        facts.append(Detail(labels.due_for, formats.day(view.due_for)))
    if view.service_period:
        facts.append(Detail(labels.service_period, formats.span(*view.service_period)))
    facts.append(Detail(labels.customer, view.buyer.customer_id))
    if view.corrected:
        facts.append(Detail(labels.corrects, ", ".join(view.corrected)))
    return tuple(facts)


def _block(service_id: str, lines: tuple[LineView, ...], formats: Formats) -> Block:
    products = {line.product_name for line in lines}
    alone = len(lines) == 1
    heading = lines[-1].product_name
    rows = tuple(
        Row(
            title=line.product_name if alone else "",
            detail=_detail(line, formats.labels, alone=len(products) == 1),
            notes=arithmetic(line, formats),
            period=formats.span(line.start, line.end),
            quantity=formats.decimal(line.quantity),
            unit_amount=formats.unit_amount(line.unit_amount),
            amount=formats.amount(line.amount_minor),
        )
        for line in lines
    )
    subtotal = "" if alone else formats.amount(sum(line.amount_minor for line in lines))
    return Block(heading=heading, service_id=service_id, subtotal=subtotal, rows=rows)


def _detail(line: LineView, labels: Labels, *, alone: bool) -> str:
    if line.kind == "adjustment":
        return f"{labels.adjustment_no} {line.price_id}"
    return line.price_name if alone else f"{line.product_name} \N{EN DASH} {line.price_name}"


def _totals(view: InvoiceView, formats: Formats) -> tuple[Detail, ...]:
    """Return the rows above the total. The kinds of lines are told apart where there is more than one."""
    labels = formats.labels
    sums: dict[str, int] = {}
    for line in view.lines:
        kind = labels.corrections if line.corrects else getattr(labels, line.kind)
        sums[kind] = sums.get(kind, 0) + line.amount_minor
    order = [labels.one_time, labels.recurring, labels.adjustment, labels.corrections]
    rows = [Detail(kind, formats.amount(sums[kind])) for kind in order if kind in sums and len(sums) > 1]
    if view.tax_groups:
        rows.append(Detail(labels.total_net, formats.amount(view.net_minor)))
    for group in view.tax_groups:
        words = labels.tax.format(rate=formats.decimal(group.rate), base=formats.amount(group.base_minor))
        rows.append(Detail(words, formats.amount(group.tax_minor)))
    return tuple(rows)


def _payment(view: InvoiceView, formats: Formats) -> tuple[Detail, ...]:
    if view.amount_due_minor <= 0 or not view.seller.bank:
        return ()
    return (*view.seller.bank, Detail(formats.labels.reference, view.number))


def _payment_note(view: InvoiceView, formats: Formats) -> str:
    if view.total_minor < 0:
        paid_out = view.settlement is not None and view.settlement.paid_out > 0
        return "" if paid_out else formats.labels.credit_note_payment
    return view.seller.payment_terms or "" if view.amount_due_minor > 0 else ""


def _ledger(view: InvoiceView, formats: Formats) -> str:
    if view.ledger is None:
        return ""
    labels = formats.labels
    return SEPARATOR.join(
        (
            f"{labels.ledger} {view.tenant_id}",
            f"{labels.entry} {view.ledger.seq}",
            f"{labels.leaf} {view.ledger.leaf}",
        )
    )


def _aligned(blocks: tuple[Block, ...], point: str) -> tuple[Block, ...]:
    """Pad quantities and unit prices on the right, so that figures stand point under point."""
    rows = [row for block in blocks for row in block.rows]
    quantity = max((_decimals(row.quantity, point) for row in rows), default=0)
    unit = max((_decimals(row.unit_amount, point) for row in rows), default=0)
    return tuple(
        replace(
            block,
            rows=tuple(
                replace(
                    row,
                    quantity=_padded(row.quantity, point, quantity),
                    unit_amount=_padded(row.unit_amount, point, unit),
                )
                for row in block.rows
            ),
        )
        for block in blocks
    )


def _decimals(text: str, point: str) -> int:
    """Return how many characters stand behind the integer part, the point among them."""
    return len(text) - text.rindex(point) if point in text else 0


def _padded(text: str, point: str, characters: int) -> str:
    missing = characters - _decimals(text, point)
    if missing <= 0 or characters > MOST_ALIGNED:
        return text
    return text + (FIGURE_SPACE if point in text else POINT_SPACE) + FIGURE_SPACE * (missing - 1)


def _widths(blocks: tuple[Block, ...]) -> Widths:
    """Return columns as wide as their figures; these shrink where the description would get too narrow."""

    def widest(column: str, texts: Sequence[str]) -> float:
        return max([LEAST[column], *(_wide(text, FIGURES) + GAP for text in texts)])

    rows = [row for block in blocks for row in block.rows]
    quantity = widest("quantity", [row.quantity for row in rows])
    unit = widest("unit", [row.unit_amount for row in rows])
    amount = widest("amount", [row.amount for row in rows])
    room = TYPE_AREA - PERIOD - LEAST_DESCRIPTION
    scale = min(1.0, room / (quantity + unit + amount))
    return Widths(
        description=f"{TYPE_AREA - PERIOD - (quantity + unit + amount) * scale:.2f}mm",
        period=f"{PERIOD:.2f}mm",
        quantity=f"{quantity * scale:.2f}mm",
        unit=f"{unit * scale:.2f}mm",
        amount=f"{amount * scale:.2f}mm",
        figures=f"{FIGURES * scale:.2f}pt",
    )


def _wide(text: str, points: float) -> float:
    """Return about how many mm a number takes in tabular figures."""
    narrow = sum(character in NARROW for character in text)
    return ((len(text) - narrow) * FIGURE_EM + narrow * NARROW_EM) * points * MM_PER_POINT
