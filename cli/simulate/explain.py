"""The lines of a scenario, told to the customer who pays them."""

import shutil
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from billing.days import Day
from billing.explanation import days_in_words
from billing.facts import EventRef, ServiceEvent
from billing.invoice import Draft
from billing.line import Line
from billing.money import format_minor
from billing.story import Happening, PriceWords, story
from billing.timeline import local_day
from cli.output import print_text
from cli.simulate.run import Outcome, World

INDENT: Final = " " * 6
LEAST_COLUMNS: Final = 40


@dataclass(frozen=True, slots=True)
class Stories:
    """What is needed to tell the lines of one scenario."""

    outcome: Outcome
    happenings: Mapping[EventRef, Happening]
    world: World

    @staticmethod
    def of(outcome: Outcome) -> "Stories":
        """Return the stories of what came of a scenario."""
        world = World(outcome.scenario)
        book = world.book(Day(0))
        happenings = {}
        for events in world.events.values():
            zone = book.zone_of({event.customer_id for _, event in events if event.customer_id})
            for heard, event in events:
                happenings[event.ref] = _happening(event, local_day(event.effective, zone), heard)
        return Stories(outcome, happenings, world)

    def told(self, line: Line, document: Draft) -> tuple[str, ...]:
        """Return why a line is there; documents are called by their place."""
        return story(
            line,
            document.currency,
            happenings=self.happenings,
            price=self._price(line, document.due_for),
            called=lambda place: f"document {place}",
        )

    def called(self, line: Line, document: Draft) -> str:
        """Return what a line's price is called."""
        price = self._price(line, document.due_for)
        return line.price_id if price is None else price.name

    def _price(self, line: Line, on: Day) -> PriceWords | None:
        product = self.world.catalog(on).products.get(line.product_id)
        prices = () if product is None else product.prices
        price = next((one for one in prices if one.price_id == line.price_id), None)
        if price is None:
            return None
        ref = line.explanation.price_version
        since = next((one.effective for one in price.versions if one.ref == ref and one.effective > 0), None)
        return PriceWords(price.name, price.interval, since)


def show(outcome: Outcome) -> None:
    """Print the documents, each line with its story."""
    stories = Stories.of(outcome)
    print_text(outcome.scenario.name)
    if not outcome.documents:
        print_text("Nothing is due.")
    for number, (document, settlement) in enumerate(
        zip(outcome.documents, outcome.settlements, strict=True), 1
    ):
        kind = "Credit note" if document.net_minor < 0 else "Invoice"
        net = format_minor(document.net_minor, document.currency)
        print_text()
        on = days_in_words(document.due_for, Day(document.due_for + 1))
        print_text(f"{number}. {kind} to {document.customer_id}, {on}: {net} {document.currency}")
        for place, line in enumerate(document.lines, 1):
            amount = format_minor(line.amount_minor, document.currency)
            days = days_in_words(line.period_start, line.period_end)
            name = " ".join(filter(None, (line.service_id, stories.called(line, document))))
            print_text(f"   Line {place}: {name}, {days}: {amount}")
            for sentence in stories.told(line, document):
                print_text(_wrapped(sentence))
        if settlement.applied:
            print_text(
                f"   {format_minor(settlement.applied, document.currency)} of your credit is set off: "
                f"{format_minor(settlement.amount_due, document.currency)} is to be paid."
            )
        if settlement.paid_out:
            print_text(f"   {format_minor(settlement.paid_out, document.currency)} is paid out to you.")
        if settlement.carried_forward:
            left = format_minor(settlement.carried_forward, document.currency)
            print_text(f"   {left} stays on your account and is set off against what comes.")
    for service_id, anomaly in outcome.anomalies:
        print_text(f"Not used: event {anomaly.ref.id} of {service_id}: {anomaly.detail}")


def _wrapped(sentence: str) -> str:
    """Return a sentence with its indent, in lines as wide as the terminal; a pipe gets it in one."""
    if not sys.stdout.isatty():
        return INDENT + sentence
    width = max(shutil.get_terminal_size().columns, LEAST_COLUMNS)
    return textwrap.fill(sentence, width, initial_indent=INDENT, subsequent_indent=INDENT)


def _happening(event: ServiceEvent, day: Day, heard: Day) -> Happening:
    says = []
    if event.quantity is not None and (event.quantity.text != "1" or event.type == "service.changed"):
        says.append(f"quantity {event.quantity}")
    if event.product_id is not None and event.type == "service.changed":
        says.append(f"product {event.product_id}")
    if event.customer_id is not None and event.type == "service.changed":
        says.append(f"to {event.customer_id}")
    for price_id, amount in event.price_overrides.items():
        says.append(f"{price_id} {'at the usual price' if amount is None else f'at {amount}'}")
    if event.supersedes is not None and event.type != "service.voided":
        says.append("instead of what was said before")
    return Happening(
        type=event.type,
        day=day,
        heard=heard,
        says=tuple(says),
        already_billed_through=event.already_billed_through,
        free_until=event.free_until,
    )
