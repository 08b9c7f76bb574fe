"""Services that differ only by name get the lines that each of them would be computed."""

from collections.abc import Iterator
from random import Random
from typing import Any

import orjson
import pytest

from billing.alike import Alike, written
from billing.catalog import Catalog, fold_catalog
from billing.days import Day, day
from billing.facts import service_event
from billing.invoice import calculate
from billing.invoiced import Invoiced, apply_lines
from billing.line_json import canonical_line
from billing.policies import PolicyBook, fold_policies
from billing.timeline import Timeline, fold

ISSUE_DAYS = ("2026-02-01", "2026-03-01", "2026-03-20", "2026-05-01")
MONTHLY = {"kind": "recurring", "interval": "month"}


def event(kind: str, name: str, data: dict[str, Any]) -> dict[str, Any]:
    return {"source": "/shop", "id": name, "type": kind, "data": data}


def catalog() -> Catalog:
    products = [
        {
            "product_id": "laptop",
            "name": "Laptop",
            "prices": [
                {"price_id": "rent", "amount": "9.90", "timing": "in_advance", **MONTHLY},
                {"price_id": "setup", "amount": "49.00", "kind": "one_time", "trigger": "activation"},
            ],
        },
        {
            "product_id": "backup",
            "name": "Backup",
            "currency": "JPY",
            "prices": [{"price_id": "fee", "amount": "700", "timing": "in_arrears", **MONTHLY}],
        },
    ]
    dearer = {
        "product_id": "laptop",
        "price_id": "rent",
        "amount": "11.00",
        "effective": "2026-03-10",
        "applies": "next_period",
    }
    facts = [event("product.published", item["product_id"], item) for item in products]
    facts.append(event("price.published", "dearer", dearer))
    return fold_catalog([(fact, seq) for seq, fact in enumerate(facts, start=1)])[0]


def book() -> PolicyBook:
    tenant = {"tenant_id": "t", "name": "T", "currency": "EUR", "timezone": "Europe/Zurich"}
    customers: list[dict[str, Any]] = [
        {"customer_id": "c1"},
        {"customer_id": "c2"},
        {"customer_id": "c3", "alignment": "billing_day", "billing_day": 15},
        {"customer_id": "c4", "price_overrides": {"laptop": {"rent": "8.00"}}},
        {"customer_id": "c5", "price_overrides": {"laptop": {"rent": "7.00"}}},
        {"customer_id": "c6", "rounding": "down"},
    ]
    facts = [event("tenant.configured", "t", tenant)]
    facts += [event("customer.registered", item["customer_id"], {"name": "N", **item}) for item in customers]
    return fold_policies([(fact, seq) for seq, fact in enumerate(facts, start=1)])[0]


def timelines(random: Random, policies: PolicyBook) -> Iterator[tuple[str, Timeline]]:
    for number in range(300):
        customer = f"c{random.randint(1, 6)}"
        data = {
            "service_id": f"s{number}",
            "customer_id": customer,
            "product_id": random.choice(("laptop", "backup")),
            "quantity": random.choice((1, 2, "0.5")),
            "effective": random.choice(("2026-01-05", "2026-01-31", "2026-02-14")),
        }
        if random.random() < 0.1:
            data["price_overrides"] = {"rent": "5.00"}
        facts = [event("service.activated", f"a{number}", data)]
        if random.random() < 0.2:
            stop = {"service_id": f"s{number}", "effective": "2026-03-05"}
            facts.append(event("service.deactivated", f"z{number}", stop))
        yield (
            customer,
            fold([service_event(fact, seq) for seq, fact in enumerate(facts, start=1)], policies.zone_of),
        )


@pytest.mark.parametrize("settling", [False, True], ids=["from the start", "from what is settled"])
@pytest.mark.parametrize("seed", range(6))
def test_the_quick_way_writes_what_the_long_way_computes(seed: int, settling: bool) -> None:
    products, policies = catalog(), book()
    held = list(timelines(Random(seed), policies))
    invoiced = {customer: Invoiced() for customer, _ in held}
    found = 0
    before: Day | None = None
    for issue_day in map(day, ISSUE_DAYS):
        alike = Alike(products, issue_day)
        since = before if settling else None
        later = dict(invoiced)
        for customer, timeline in held:
            name = timeline.service_id
            spans = [
                span
                for span in invoiced[customer].by_service.get(name, ())
                if since is None or (span.full_end or span.end) > since
            ]
            drafts = calculate(
                customer,
                issue_day,
                [timeline],
                invoiced[customer].by_service,
                products,
                policies,
                settled_by_service=None if since is None else {name: since},
            )
            data = orjson.loads(orjson.dumps(timeline.as_data()))
            pattern = alike.pattern(data, customer, policies, spans, since)
            if pattern is not None:
                found += 1
                expected = [
                    (draft.currency, line.amount_minor, canonical_line(line, draft.currency))
                    for draft in drafts
                    for line in draft.lines
                ]
                lines = written(pattern, data)
                assert [
                    (pattern.currency, amount, line)
                    for amount, line in zip(pattern.amounts_minor, lines, strict=True)
                ] == expected
            for draft in drafts:
                later[customer] = apply_lines(later[customer], f"{name}/{issue_day}", draft.lines)
        invoiced, before = later, issue_day
    assert found > 300


def test_what_is_not_plain_is_left_to_the_long_way() -> None:
    policies = book()
    begin = {"service_id": "s", "customer_id": "c1", "product_id": "laptop", "effective": "2026-01-05"}
    change = {"service_id": "s", "quantity": 2, "effective": "2026-01-15"}
    facts = [event("service.activated", "a", begin), event("service.changed", "b", change)]
    timeline = fold([service_event(fact, seq) for seq, fact in enumerate(facts)], policies.zone_of)
    assert Alike(catalog(), day("2026-02-01")).pattern(timeline.as_data(), "c1", policies, (), None) is None
