"""Services that differ only by name get the lines that each of them would be computed."""

from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

import orjson
import pytest

from billing.alike import Alike, Pattern, written
from billing.catalog import Catalog, fold_catalog
from billing.days import Day, day
from billing.facts import service_event
from billing.invoice import Draft, calculate
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


def quick(pattern: Pattern, data: Sequence[Any]) -> list[tuple[str, int, bytes]]:
    lines = zip(pattern.amounts_minor, written(pattern, data), strict=True)
    return [(pattern.currency, amount, line) for amount, line in lines]


def slow(drafts: Sequence[Draft]) -> list[tuple[str, int, bytes]]:
    return [
        (draft.currency, line.amount_minor, canonical_line(line, draft.currency))
        for draft in drafts
        for line in draft.lines
    ]


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
                assert quick(pattern, data) == slow(drafts)
            for draft in drafts:
                later[customer] = apply_lines(later[customer], f"{name}/{issue_day}", draft.lines)
        invoiced, before = later, issue_day
    assert found > 300


BEGIN = {"service_id": "s", "customer_id": "c1", "product_id": "laptop", "effective": "2026-01-05"}


def on(effective: str, kind: str, name: str = "then", **data: Any) -> dict[str, Any]:
    return event(f"service.{kind}", name, {"service_id": "s", "effective": effective, **data})


def activated(name: str = "a", **data: Any) -> dict[str, Any]:
    return event("service.activated", name, {**BEGIN, **data})


def for_no_day(**data: Any) -> list[dict[str, Any]]:
    """An activity that leaves a trigger, and no day and no stop."""
    return [
        activated(**data),
        on("2026-01-05", "suspended", "a 1"),
        on("2026-01-05", "deactivated", "a 2"),
    ]


def again(**data: Any) -> dict[str, Any]:
    """Active without a trigger of its own: another system billed it."""
    return activated("b", effective="2026-01-20", already_billed_through="2026-01-25", **data)


def timeline_of(facts: Sequence[dict[str, Any]]) -> Timeline:
    return fold([service_event(fact, seq) for seq, fact in enumerate(facts, start=1)], book().zone_of)


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param([activated()], id="one activation"),
        pytest.param([again()], id="billed elsewhere"),
        pytest.param(
            [
                on("2026-01-02", "scheduled", customer_id="c1", product_id="laptop"),
                event("service.activated", "a", {"service_id": "s", "effective": "2026-01-05"}),
            ],
            id="planned before",
        ),
        pytest.param(
            [
                activated(),
                on("2026-01-20", "changed", quantity=2),
                on("2026-01-20", "voided", "no", supersedes={"id": "then"}),
            ],
            id="a mistake was withdrawn",
        ),
        pytest.param([*for_no_day(), again()], id="active for no day before"),
    ],
)
def test_what_is_plain_is_written_quickly(facts: Sequence[dict[str, Any]]) -> None:
    timeline, policies, issue_day = timeline_of(facts), book(), day("2026-02-01")
    data = timeline.as_data()
    pattern = Alike(catalog(), issue_day).pattern(data, "c1", policies, (), None)
    assert pattern is not None
    drafts = calculate("c1", issue_day, [timeline], {}, catalog(), policies)
    assert quick(pattern, data) == slow(drafts) != []


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param([on("2026-01-05", "scheduled", customer_id="c1")], id="never active"),
        pytest.param([activated(), on("2026-01-15", "changed", quantity=2)], id="changed"),
        pytest.param([activated(), on("2026-01-05", "changed", quantity=2)], id="two triggers on a day"),
        pytest.param([activated(), on("2026-01-15", "deactivated")], id="stopped"),
        pytest.param([activated(), on("2026-01-05", "deactivated"), again()], id="stopped on its first day"),
        pytest.param([activated(price_overrides={"rent": "5.00"})], id="an own price"),
        pytest.param([again(price_overrides={"rent": "5.00"})], id="an own price, and no trigger"),
        pytest.param([*for_no_day(price_overrides={"setup": "5.00"}), again()], id="an own price, once"),
        pytest.param([activated(customer_id="c2")], id="another customer"),
        pytest.param([again(customer_id="c2")], id="another customer, and no trigger"),
        pytest.param([*for_no_day(customer_id="c2"), again()], id="another customer, once"),
        pytest.param([*for_no_day(), again(product_id="backup")], id="another currency, once"),
    ],
)
def test_what_is_not_plain_is_left_to_the_long_way(facts: Sequence[dict[str, Any]]) -> None:
    """Also where its like, but for what is not plain of it, was asked for before."""
    alike, policies = Alike(catalog(), day("2026-02-01")), book()
    for plain in ([activated()], [again()], [*for_no_day(), again()]):
        assert alike.pattern(timeline_of(plain).as_data(), "c1", policies, (), None) is not None
    assert alike.pattern(timeline_of(facts).as_data(), "c1", policies, (), None) is None


def test_customers_with_equal_terms_share_what_is_computed() -> None:
    """Own prices make a customer one of a kind, and so does any other policy."""
    alike, policies = Alike(catalog(), day("2026-02-01")), book()
    found = {}
    for customer in ("c1", "c2", "c3", "c4", "c5", "c6"):
        data = timeline_of([activated(customer_id=customer)]).as_data()
        found[customer] = alike.pattern(data, customer, policies, (), None)
        assert found[customer] is not None
    assert found["c1"] is found["c2"]
    assert len({id(pattern) for pattern in found.values()}) == 5


def test_what_was_invoiced_tells_services_apart() -> None:
    """Of two that are alike otherwise, one has gone out already."""
    alike, policies, issue_day = Alike(catalog(), day("2026-02-01")), book(), day("2026-02-01")
    timeline = timeline_of([activated()])
    (draft,) = calculate("c1", issue_day, [timeline], {}, catalog(), policies)
    spans = apply_lines(Invoiced(), "INV-1", draft.lines).by_service["s"]
    nothing = alike.pattern(timeline.as_data(), "c1", policies, spans, None)
    everything = alike.pattern(timeline.as_data(), "c1", policies, (), None)
    assert nothing is not None
    assert everything is not None
    assert (len(nothing.pieces), len(everything.pieces)) == (0, len(draft.lines))
