"""Accounts: since when each customer is heard of, what was issued to it last, how far bill runs have come."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, LiteralString, NamedTuple
from zoneinfo import ZoneInfo

import orjson
from psycopg import Cursor

from billing.days import Day
from billing.invoiced import InvoicedSpan, holder_of
from billing.money import exact, parse_minor
from projections.facts import CloudEvent
from projections.invoices import Issue
from projections.pages import Listing, Order
from projections.tables import ReadModel, Table

MODEL: Final = ReadModel(
    "accounts",
    (
        Table(
            "accounts_v2",
            """
            CREATE TABLE accounts_v2 (
                tenant_id    text COLLATE "C" NOT NULL,
                customer_id  text COLLATE "C" NOT NULL,
                first_heard  timestamptz NOT NULL,
                version      bigint NOT NULL DEFAULT 0,
                last_due_for date,
                run_through  date,
                -- By currency: the last document's due_for and the seq that it was computed at.
                settled      text NOT NULL DEFAULT '{}',
                -- By currency: what the last document left on the account, in minor units.
                credit       text NOT NULL DEFAULT '{}',
                PRIMARY KEY (tenant_id, customer_id)
            ) WITH (fillfactor = 70)""",
        ),
        Table(
            "runs_v1",
            """
            CREATE TABLE runs_v1 (
                tenant_id   text COLLATE "C" NOT NULL,
                seq         bigint NOT NULL,
                recorded_at timestamptz NOT NULL,
                run_date    date NOT NULL,
                customer_id text COLLATE "C",
                documents   integer NOT NULL,
                set_aside   text NOT NULL,
                -- After this run, runs for all customers are done through this day, but for those behind.
                run_through date,
                behind      text NOT NULL,
                PRIMARY KEY (tenant_id, seq)
            )""",
        ),
    ),
)

HEAR: Final[LiteralString] = """
    INSERT INTO accounts_v2 (tenant_id, customer_id, first_heard)
    SELECT %(tenant_id)s, * FROM unnest(%(customers)s::text[], %(moments)s::timestamptz[])
    ON CONFLICT DO NOTHING"""
STATE: Final[LiteralString] = """
    SELECT customer_id, version, last_due_for, settled, credit FROM accounts_v2
    WHERE tenant_id = %(tenant_id)s AND customer_id = ANY(%(customers)s)"""
MOVE: Final[LiteralString] = """
    UPDATE accounts_v2 a
    SET version = m.version, last_due_for = m.last_due_for, settled = m.settled, credit = m.credit
    FROM unnest(%(customers)s::text[], %(versions)s::bigint[], %(dues)s::date[], %(settled)s::text[],
        %(credit)s::text[]) AS m (customer_id, version, last_due_for, settled, credit)
    WHERE a.tenant_id = %(tenant_id)s AND a.customer_id = m.customer_id"""
LAST_RUN: Final[LiteralString] = """
    SELECT run_through, behind FROM runs_v1 WHERE tenant_id = %(tenant_id)s ORDER BY seq DESC LIMIT 1"""
ADD_RUN: Final[LiteralString] = """
    INSERT INTO runs_v1 (tenant_id, seq, recorded_at, run_date, customer_id, documents, set_aside,
        run_through, behind)
    VALUES (%(tenant_id)s, %(seq)s, %(recorded_at)s, %(run_date)s, %(customer_id)s, %(documents)s,
        %(set_aside)s, %(run_through)s, %(behind)s)"""
RUN_OF_CUSTOMER: Final[LiteralString] = """
    UPDATE accounts_v2 SET run_through = greatest(run_through, %(day)s)
    WHERE tenant_id = %(tenant_id)s AND customer_id = %(customer_id)s"""
DUE: Final[LiteralString] = """
    SELECT a.customer_id, a.first_heard, greatest(a.last_due_for, a.run_through), d.billing_days,
           EXISTS (
               SELECT FROM customers_v1 c
               WHERE c.tenant_id = a.tenant_id AND c.customer_id = a.customer_id)
    FROM accounts_v2 a LEFT JOIN (
        SELECT customer_id,
               string_agg(concat(effective, '=', value), ',' ORDER BY effective NULLS FIRST, heard)
                   AS billing_days
        FROM policies_v1 WHERE tenant_id = %(tenant_id)s AND key = 'billing_day' AND withdrawn IS NULL
        GROUP BY customer_id) d USING (customer_id)
    WHERE a.tenant_id = %(tenant_id)s AND (%(customer_id)s::text IS NULL OR a.customer_id = %(customer_id)s)
    ORDER BY a.customer_id"""
STANDING: Final[LiteralString] = """
    SELECT l.customer_id, l.service_id, l.product_id, l.price_id, l.kind, l.quantity, l.unit_amount,
           l.full_start - DATE '0001-01-01' + 1, l.full_end - DATE '0001-01-01' + 1,
           l.stands_start - DATE '0001-01-01' + 1, l.stands_end - DATE '0001-01-01' + 1,
           l.stands_minor, l.number, l.line_no
    FROM unnest(%(customers)s::text[], %(since)s::date[]) AS c (customer_id, since)
    CROSS JOIN LATERAL (
        SELECT * FROM invoice_lines_v2
        WHERE tenant_id = %(tenant_id)s AND customer_id = c.customer_id AND settles > c.since OFFSET 0) AS l
    ORDER BY l.seq, l.line_no"""

RUNS: Final = Listing(
    "seq, recorded_at, run_date, customer_id, documents, set_aside",
    "runs_v1",
    {"seq": Order(("seq",), ("bigint",))},
    {},
)


DONE: Final[LiteralString] = """
    SELECT customer_id, greatest((first_heard AT TIME ZONE %(zone)s)::date - 1, last_due_for, run_through)
    FROM accounts_v2
    WHERE tenant_id = %(tenant_id)s AND (%(customer_id)s::text IS NULL OR customer_id = %(customer_id)s)
        AND (last_due_for > %(through)s OR run_through > %(through)s
            OR first_heard >= (%(through)s::date + 2)::timestamp AT TIME ZONE %(zone)s
            OR customer_id = ANY(%(behind)s))"""
DONE_WITHOUT_RUN: Final[LiteralString] = """
    SELECT customer_id, greatest((first_heard AT TIME ZONE %(zone)s)::date - 1, last_due_for, run_through)
    FROM accounts_v2
    WHERE tenant_id = %(tenant_id)s AND (%(customer_id)s::text IS NULL OR customer_id = %(customer_id)s)
        AND (last_due_for IS NOT NULL OR run_through IS NOT NULL
            OR first_heard < (%(usual)s::date + 1)::timestamp AT TIME ZONE %(zone)s
            OR first_heard >= (%(usual)s::date + 2)::timestamp AT TIME ZONE %(zone)s)"""
# Which day is taken decides how much is read, never what comes out: a thousand customers are enough to ask.
USUAL: Final[LiteralString] = """
    SELECT mode() WITHIN GROUP (
        ORDER BY greatest((first_heard AT TIME ZONE %(zone)s)::date - 1, last_due_for, run_through))
    FROM (
        SELECT first_heard, last_due_for, run_through FROM accounts_v2
        WHERE tenant_id = %(tenant_id)s ORDER BY customer_id LIMIT 1000) AS asked"""


@dataclass(frozen=True, slots=True)
class Account:
    """What a customer's next calculation goes on from.

    `settled`: by currency, (due_for, computed_at_seq) of the last document. `credit`: by currency, what is on
    the account, in minor units; nowhere negative, and 0 where none is named.
    """

    version: int
    last_due_for: date | None
    settled: Mapping[str, tuple[Day, int]]
    credit: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class CompletedRun:
    """A run that is done; `customer_id` None: for all customers."""

    seq: int
    recorded_at: datetime
    issue_date: date
    customer_id: str | None
    documents: int
    set_aside: Sequence[Mapping[str, str]]

    @classmethod
    def of(cls, row: Sequence[Any]) -> "CompletedRun":
        """Return a row of `RUNS`."""
        seq, recorded_at, issue_date, customer_id, documents, set_aside = row
        return cls(seq, recorded_at, issue_date, customer_id, documents, orjson.loads(set_aside))


class Candidate(NamedTuple):
    """A customer that a bill run looks at; `billing_days` is equal where the customers' own values are."""

    customer_id: str
    first_heard: datetime
    done_through: date | None
    billing_days: str
    registered: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """Runs for all customers are done through a day; for those behind, through another (None: not at all)."""

    through: date | None
    behind: Mapping[str, date | None]

    def of(self, customer_id: str) -> date | None:
        """Return through which day the customer was looked at in runs for all."""
        return self.behind.get(customer_id, self.through)


def hear(cursor: Cursor[Any], tenant_id: str, first: Mapping[str, datetime]) -> None:
    """Open the accounts of customers that a fact names for the first time."""
    if first:
        query = {"tenant_id": tenant_id, "customers": list(first), "moments": list(first.values())}
        cursor.execute(HEAR, query)


def state(cursor: Cursor[Any], tenant_id: str, customer_ids: Collection[str]) -> dict[str, Account]:
    """Return the accounts of customers."""
    cursor.execute(STATE, {"tenant_id": tenant_id, "customers": list(customer_ids)})
    return {
        customer_id: Account(
            version,
            due,
            {currency: (Day(day), seq) for currency, (day, seq) in orjson.loads(settled).items()},
            orjson.loads(credit),
        )
        for customer_id, version, due, settled, credit in cursor.fetchall()
    }


def move(cursor: Cursor[Any], tenant_id: str, issues: Sequence[Issue]) -> None:
    """Move the accounts on by the documents issued to them, in order."""
    known = state(cursor, tenant_id, {issue.customer_id for issue in issues})
    for issue in issues:
        known[issue.customer_id] = after_issue(known[issue.customer_id], issue.version, issue.issued)
    cursor.execute(
        MOVE,
        {
            "tenant_id": tenant_id,
            "customers": list(known),
            "versions": [account.version for account in known.values()],
            "dues": [account.last_due_for for account in known.values()],
            "settled": [orjson.dumps(dict(account.settled)).decode() for account in known.values()],
            "credit": [orjson.dumps(dict(account.credit)).decode() for account in known.values()],
        },
    )


def after_issue(before: Account, version: int, issued: CloudEvent) -> Account:
    """Return an account after a document; `version` is that of its fact, `issued` the fact's data.

    What takes back another document belongs to no billing day, and opens again what was settled.
    """
    content = issued["document"]
    due_for = date.fromisoformat(content["due_for"])
    currency = content["currency"]
    is_run = "credits" not in content
    settled = {name: kept for name, kept in before.settled.items() if name != currency}
    if is_run:
        settled[currency] = (Day(due_for.toordinal()), issued["computed_at_seq"])
    left = parse_minor(content["account_credit"]["carried_forward"], currency)
    credit = before.credit if before.credit.get(currency, 0) == left else {**before.credit, currency: left}
    last = before.last_due_for
    if is_run:
        last = due_for if last is None else max(due_for, last)
    return Account(version, last, settled, credit)


def progress(cursor: Cursor[Any], tenant_id: str) -> Progress:
    """Return how far the runs for all customers of a tenant have come."""
    row = cursor.execute(LAST_RUN, {"tenant_id": tenant_id}).fetchone()
    if row is None:
        return Progress(None, {})
    behind = orjson.loads(row[1])
    return Progress(
        row[0], {name: None if day is None else date.fromisoformat(day) for name, day in behind.items()}
    )


def done_apart(
    cursor: Cursor[Any], tenant_id: str, zone: ZoneInfo, customer_id: str | None = None
) -> tuple[date | None, dict[str, date]]:
    """Return the last day that needs no invoice any more: for nearly all customers, and for each other one.

    None where there is no customer. With a `customer_id`, only that one is looked at.
    """
    known = progress(cursor, tenant_id)
    usual = known.through
    query = {"tenant_id": tenant_id, "zone": zone.key, "customer_id": customer_id}
    if known.through is None:
        row = cursor.execute(USUAL, query).fetchone()
        usual = row[0] if row is not None else None
        cursor.execute(DONE_WITHOUT_RUN, {**query, "usual": usual})
    else:
        cursor.execute(DONE, {**query, "through": known.through, "behind": list(known.behind)})
    apart = {}
    for name, own in cursor.fetchall():
        done = max(day for day in (own, known.of(name)) if day is not None)
        if done != usual:
            apart[name] = done
    return usual, apart


def after_run(before: Progress, day: date, set_aside: Iterable[str]) -> Progress:
    """Return the progress after a run for all customers on `day` that set some aside."""
    if before.through is not None and day < before.through:
        return before
    behind = {customer_id: before.of(customer_id) for customer_id in sorted(set_aside)}
    return Progress(day, behind)


def add_run(cursor: Cursor[Any], tenant_id: str, seq: int, recorded_at: datetime, data: CloudEvent) -> None:
    """Remember a finished run."""
    before = progress(cursor, tenant_id)
    day = date.fromisoformat(data["date"])
    customer_id = data.get("customer_id")
    after = before
    if customer_id is None:
        after = after_run(before, day, (item["customer_id"] for item in data["set_aside"]))
    else:
        cursor.execute(RUN_OF_CUSTOMER, {"tenant_id": tenant_id, "customer_id": customer_id, "day": day})
    cursor.execute(
        ADD_RUN,
        {
            "tenant_id": tenant_id,
            "seq": seq,
            "recorded_at": recorded_at,
            "run_date": day,
            "customer_id": customer_id,
            "documents": data["documents"],
            "set_aside": orjson.dumps(data["set_aside"]).decode(),
            "run_through": after.through,
            "behind": orjson.dumps(dict(after.behind)).decode(),
        },
    )


def candidates(cursor: Cursor[Any], tenant_id: str, customer_id: str | None = None) -> list[Candidate]:
    """Return every customer of a tenant that any fact names, or one of them, by customer."""
    cursor.execute(DUE, {"tenant_id": tenant_id, "customer_id": customer_id})
    return [
        Candidate(name, first, done, days or "", registered)
        for name, first, done, days, registered in cursor.fetchall()
    ]


def standing(
    cursor: Cursor[Any], tenant_id: str, since: Mapping[str, date]
) -> dict[str, dict[str, list[InvoicedSpan]]]:
    """Return what stands of the invoiced lines whose full period ended after a customer's day, by service."""
    found: dict[str, dict[str, list[InvoicedSpan]]] = {}
    query = {"tenant_id": tenant_id, "customers": list(since), "since": list(since.values())}
    cursor.execute(STANDING, query, binary=True)
    for customer_id, service_id, product_id, price_id, kind, quantity, unit_amount, *rest in cursor:
        span = InvoicedSpan(
            service_id, product_id, price_id, kind, exact(quantity), exact(unit_amount), *rest
        )
        found.setdefault(customer_id, {}).setdefault(holder_of(span), []).append(span)
    return found
