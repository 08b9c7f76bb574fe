"""What the demo shows at the terminal: a line per month while it lives, the summary at the end."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from textwrap import shorten
from typing import Final

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from billing.money import format_minor
from cli.demo.closing import Closing
from cli.demo.play import Played
from cli.demo.staying import EVENT_FILE, PATH_TO_TRY, SETTINGS_FILE, Standing
from cli.demo.stories_saentis import CUSTOMER_OF_24_JUNE
from cli.demo.summary import DeadLetter, LedgerState, Month, NextDocument, Oddity, Source, Summary
from cli.demo.world import PROVIDERS
from cli.output import console
from documents.arithmetic import arithmetic
from documents.formats import formats_for
from documents.view import InvoiceView, LineView

WIDTH: Final = 100
INDENT: Final = 2
SHOWN_DIFFERENCES: Final = 20
DETAIL: Final = 90
ONE_DAY: Final = timedelta(days=1)


def page() -> Console:
    """Return the terminal, no wider than one likes to read."""
    terminal = console()
    terminal.width = min(terminal.width, WIDTH)
    return terminal


def opening(terminal: Console) -> None:
    """Print what is going to happen."""
    terminal.print(
        Text("Half a year of two service providers, on a PostgreSQL and a broker of its own", "bold")
    )


def money(amount: Decimal) -> str:
    """Return an amount with thousands apart."""
    return f"{amount:,}"


def show(played: Played, out: Path, kept: Path | None, terminal: Console) -> None:
    """Print all that there is to say."""
    summary = played.summary
    _received(summary, terminal)
    _invoices(summary.months(), terminal)
    _case(played.views, terminal)
    _preview(summary.preview, terminal)
    _oddities(summary.oddities, terminal)
    _dead_letters(summary.dead_letters, terminal)
    _ledgers(summary.ledgers, terminal)
    show_check(played.closing, terminal)
    _files(out, len(played.views), played.lines, terminal)
    _look_again(summary.ledgers, kept, terminal)


def _case(views: Sequence[InvoiceView], terminal: Console) -> None:
    """Print the documents of the customer whose service went live on 24 June, line by line."""
    mine = [view for view in views if view.buyer.customer_id == CUSTOMER_OF_24_JUNE]
    _heading("Active from 24 June, billed on 2 July, stopped on 11 July (heard on the 20th)", terminal)
    table = _table("", "", ">amount", "how it comes about")
    for view in mine:
        total = money(Decimal(format_minor(view.net_minor, view.currency)))
        table.add_row(
            Text(view.number, style="bold"),
            Text(_day(view.issued_on), style="bold"),
            Text(total, style="bold"),
            Text(view.currency, style="bold"),
        )
        for line in view.lines:
            table.add_row(
                f"  {line.price_name}",
                _span(line),
                money(Decimal(format_minor(line.amount_minor, view.currency))),
                "; ".join(arithmetic(line, formats_for("en", view.currency))),
            )
    _print(table, terminal)


def show_check(closing: Closing, terminal: Console) -> None:
    """Print whether what was issued is what hindsight says."""
    _heading("With hindsight", terminal)
    sums = "sums per customer, service and price"
    if not closing.differences:
        told = f"{closing.charges:,} {sums}, computed once, equal what was issued."
        _line(Text.assemble(("✓ ", "bold green"), told), terminal)
        return
    told = f"{len(closing.differences):,} of {closing.charges:,} {sums} are not what was issued."
    _line(Text.assemble(("✗ ", "bold red"), told), terminal)
    table = _table("customer", "service", "price", "", ">due", ">issued", ">difference")
    for difference in closing.differences[:SHOWN_DIFFERENCES]:
        charge = difference.charge
        table.add_row(
            charge.customer_id,
            charge.service_id,
            charge.price_id,
            charge.currency,
            money(difference.due),
            money(difference.issued),
            money(difference.issued - difference.due),
        )
    _print(table, terminal)
    if len(closing.differences) > SHOWN_DIFFERENCES:
        _line(f"and {len(closing.differences) - SHOWN_DIFFERENCES} more, see summary.json", terminal)


def _files(folder: Path, documents: int, lines: int, terminal: Console) -> None:
    """Print what was written, and where."""
    _heading(f"In {folder}/", terminal)
    table = Table.grid(padding=(0, 2))
    table.add_row(Text("invoices/", style="bold"), f"{documents} PDFs")
    table.add_row(Text("lines.csv", style="bold"), f"all {lines:,} lines, with their arithmetic")
    table.add_row(Text("summary.json", style="bold"), "this summary")
    _print(table, terminal)


def _look_again(ledgers: Sequence[LedgerState], kept: Path | None, terminal: Console) -> None:
    if kept is None:
        _heading("This world is gone", terminal)
        _line("billing demo --keep FOLDER keeps the next one, to look at and to verify.", terminal)
        return
    _heading(f"Kept in {kept}/", terminal)
    _line(
        f"billing demo look {kept}    starts its database; then, for example:",
        terminal,
    )
    for ledger in ledgers:
        command = f"billing verify --tenant {ledger.tenant_id} --expect {ledger.size}:{ledger.root}"
        terminal.print(Text(f"  {command}"), soft_wrap=True)
    _line(f"billing demo check {kept}    repeats the closing calculation", terminal)


def show_settings(settings: Mapping[str, str], terminal: Console) -> None:
    """Print how `billing` finds a database that runs now."""
    terminal.print("The kept world is there again, until Ctrl-C. In another terminal:")
    terminal.print()
    for name, value in settings.items():
        terminal.print(Text(f"  export {name}='{value}'"), soft_wrap=True)
    for tenant in (provider.tenant_id for provider in PROVIDERS):
        terminal.print(Text(f"  billing invoices list --tenant {tenant}"))


def show_standing(found: Standing, terminal: Console) -> None:
    """Print where the world that stays up answers, with which keys, and what to try."""
    terminal.print()
    terminal.print(Text(f"It stays up until Ctrl-C: {found.address}", style="bold"), soft_wrap=True)
    terminal.print(
        Text("The console is there, the API below /v1. Log in with a key of role finance or admin."),
        soft_wrap=True,
    )
    for tenant_id, made in found.keys.items():
        _heading(f"Keys of {tenant_id}, for this run alone", terminal)
        table = _table("role", "key")
        for role, token in made.items():
            table.add_row(role, token)
        _print(table, terminal)
    _heading("In another terminal", terminal)
    for line in (
        f". {found.folder}/{SETTINGS_FILE}",
        f"billing publish {found.folder}/{EVENT_FILE}",
        f'curl -H "Authorization: Bearer $BILLING_KEY" "$BILLING_API{PATH_TO_TRY}"',
        "billing forecast --tenant saentis --months 3",
    ):
        terminal.print(Text(f"  {line}"), soft_wrap=True)
    terminal.print()


def _received(summary: Summary, terminal: Console) -> None:
    total = summary.total()
    _heading(f"Received: {total.received} = {total.booked} + {total.duplicate} + {total.rejected}", terminal)
    table = _table("partition", ">received", "", ">booked", "", ">duplicates", "", ">rejected", footer=True)
    for source in summary.sources:
        table.add_row(*_sum(source))
    for column, cell in zip(table.columns, _sum(total), strict=True):
        column.footer = cell
    _print(table, terminal)
    kinds = "  ".join(
        f"{kind.removeprefix('service.')} {count}" for kind, count in summary.lifecycle_events.items()
    )
    _line(Text(f"{sum(summary.lifecycle_events.values())} lifecycle events: {kinds}", style="dim"), terminal)


def _sum(source: Source) -> tuple[str, ...]:
    counts = (source.received, source.booked, source.duplicate, source.rejected)
    received, booked, duplicate, rejected = map(str, counts)
    return source.name, received, "=", booked, "+", duplicate, "+", rejected


def _invoices(months: Sequence[Month], terminal: Console) -> None:
    _heading("Issued: invoices + credit notes", terminal)
    books = sorted(
        {(month.tenant_id, month.currency) for month in months}, key=lambda book: (book[0], book[1])
    )
    table = _table("\nmonth", footer=True)
    for tenant_id, currency in books:
        table.add_column("\nissued", justify="right", no_wrap=True)
        table.add_column(f"{tenant_id}\n{currency}", justify="right", no_wrap=True)
    for name in sorted({month.month for month in months}):
        of_month = {(month.tenant_id, month.currency): month for month in months if month.month == name}
        table.add_row(name, *_cells([of_month[book]] if book in of_month else [] for book in books))
    table.columns[0].footer = "sum"
    sums = _cells([month for month in months if (month.tenant_id, month.currency) == book] for book in books)
    for column, cell in zip(list(table.columns)[1:], sums, strict=True):
        column.footer = cell
    _print(table, terminal)


def _cells(groups: Iterable[Sequence[Month]]) -> list[str]:
    cells: list[str] = []
    for group in groups:
        credit_notes = sum(month.credit_notes for month in group)
        invoices = str(sum(month.invoices for month in group))
        counted = f"{invoices} + {credit_notes}" if credit_notes else invoices
        cells += [counted, money(sum((month.net for month in group), Decimal()))] if group else ["", ""]
    return cells


def _preview(documents: Sequence[NextDocument], terminal: Console) -> None:
    _heading("Next month, if nothing else is heard", terminal)
    table = _table("on", "customer", ">lines", ">net", "", ">planned")
    for document in documents:
        table.add_row(
            _day(document.issue_day),
            escape(f"{document.customer} ({document.customer_id})"),
            str(document.lines),
            money(document.net),
            document.currency,
            money(document.planned) if document.planned else "",
        )
    _print(table, terminal)


def _oddities(oddities: Sequence[Oddity], terminal: Console) -> None:
    _heading("Kept, but without effect yet", terminal)
    table = _table("tenant", "event", "what is odd about it")
    for oddity in oddities:
        subject = oddity.subject.removeprefix("service/")
        table.add_row(oddity.tenant_id, oddity.event_id, escape(f"{subject}: {oddity.detail}"))
    _print(table, terminal)


def _dead_letters(letters: Sequence[DeadLetter], terminal: Console) -> None:
    _heading("Refused: dead letters", terminal)
    table = _table("key", "reason", "detail")
    for letter in letters:
        table.add_row(
            escape(letter.key), letter.reason, escape(shorten(letter.detail, DETAIL, placeholder=" …"))
        )
    _print(table, terminal)


def _ledgers(ledgers: Sequence[LedgerState], terminal: Console) -> None:
    _heading("Ledgers, and the Merkle root over all their facts", terminal)
    for ledger in ledgers:
        _line(Text.assemble((ledger.tenant_id, "bold"), f"  {ledger.size} facts"), terminal)
        _line(Text(f"  {ledger.root}", style="cyan"), terminal)


def _heading(text: str, terminal: Console) -> None:
    terminal.print()
    terminal.print(Text(text, style="bold"))


def _line(text: str | Text, terminal: Console) -> None:
    terminal.print(Padding(text, (0, 0, 0, INDENT)))


def _print(table: Table, terminal: Console) -> None:
    terminal.print(Padding(table, (0, 0, 0, INDENT), expand=False))


def _table(*titles: str, footer: bool = False) -> Table:
    """Return an empty table; a title that begins with `>` stands right."""
    table = Table(
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        show_edge=False,
        padding=(0, 1, 0, 0),
        show_footer=footer,
        header_style="dim",
        footer_style="bold",
    )
    for title in titles:
        table.add_column(
            title.removeprefix(">"), justify="right" if title.startswith(">") else "left", overflow="fold"
        )
    return table


def _span(line: LineView) -> str:
    last = line.end - ONE_DAY
    return _day(line.start) if last == line.start else f"{_day(line.start)} to {_day(last)}"


def _day(day: date) -> str:
    return f"{day.day} {day:%b}"
