"""The demo's world: all that two providers send in half a year, and the days on which bills are run."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from random import Random
from typing import Final

from cli.demo.harborlight import HARBORLIGHT
from cli.demo.messages import Fate, Message, Narrator
from cli.demo.opening import open_ledger
from cli.demo.provider import FULFILMENT, LICENCES, Provider
from cli.demo.saentis import SAENTIS
from cli.demo.stories_harborlight import tell_harborlight
from cli.demo.stories_saentis import tell_saentis
from cli.demo.times import TAKEOVER_DAY, issue_days
from cli.demo.traffic import live

SEED: Final = 20260624
PROVIDERS: Final = (SAENTIS, HARBORLIGHT)

REPLAYS: Final = (
    (FULFILMENT, date(2026, 5, 18), date(2026, 5, 19)),
    (LICENCES, TAKEOVER_DAY, date(2026, 4, 1)),
    (LICENCES, date(2026, 6, 24), date(2026, 6, 24)),
)
"""Which sources sent a whole day again, and when."""


@dataclass(frozen=True, slots=True)
class World:
    """Messages in the order in which they are sent, and each tenant's days of a bill run."""

    messages: tuple[Message, ...]
    issue_days: Mapping[str, tuple[date, ...]]

    def by_day(self) -> dict[date, tuple[Message, ...]]:
        """Return the messages of each day on which there are any, in order."""
        return {day: tuple(sent) for day, sent in groupby(self.messages, key=lambda message: message.sent_on)}

    def count(self, fate: Fate) -> int:
        """Return how many messages must be booked, be found to be duplicates, or be rejected."""
        return sum(message.fate == fate for message in self.messages)


def build(seed: int = SEED) -> World:
    """Return the world that grows from `seed`: the same one, byte for byte, every time."""
    told: list[Message] = []
    for provider, tell in ((SAENTIS, tell_saentis), (HARBORLIGHT, tell_harborlight)):
        narrator = Narrator(provider.tenant_id, provider.zone)
        open_ledger(provider, narrator)
        tell(narrator)
        live(provider, narrator, Random(f"{seed} {provider.tenant_id}"))  # noqa: S311 - a story, no secret
        for source, sent_on, heard in REPLAYS:
            narrator.replay(source, sent_on=sent_on, heard=heard)
        told += narrator.messages
    return World(
        messages=tuple(sorted(told, key=lambda message: message.sent_on)),
        issue_days={provider.tenant_id: issue_days(_billing_days(provider)) for provider in PROVIDERS},
    )


def _billing_days(provider: Provider) -> set[int]:
    own = {customer["billing_day"] for customer in provider.customers if "billing_day" in customer}
    return {day for day in {provider.settings["billing_day"], *own} if isinstance(day, int)}
