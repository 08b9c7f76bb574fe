"""The list of services: each once, with what it is after all that is known, found by product and state."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import product
from typing import Any, Final, Literal, LiteralString, get_args

import orjson
from psycopg import Cursor, sql

from billing.days import FOREVER, Day, to_date
from billing.segments import Plan, Segment
from billing.timeline import Timeline
from projections import arrays, catalog
from projections.session import copy_rows
from projections.tables import Table

ServiceState = Literal["planned", "scheduled", "active", "suspended", "stopped", "unknown"]
STATES: Final[tuple[ServiceState, ...]] = get_args(ServiceState)

TABLE: Final = Table(
    "service_list_v1",
    """
    CREATE TABLE service_list_v1 (
        tenant_id  text COLLATE "C" NOT NULL,
        service_id text COLLATE "C" NOT NULL,
        product_id text COLLATE "C",
        -- What it is from `settled` on, the last day on which that changes; before, its timeline says it.
        state      text COLLATE "C" NOT NULL,
        settled    date NOT NULL,
        PRIMARY KEY (tenant_id, service_id)
    );
    CREATE INDEX ON service_list_v1 (tenant_id, product_id, service_id);
    CREATE INDEX ON service_list_v1 (tenant_id, state, service_id) WHERE state <> 'active';
    CREATE INDEX ON service_list_v1 (tenant_id, settled)""",
)

FORGET: Final[LiteralString] = (
    "DELETE FROM service_list_v1 WHERE tenant_id = %(tenant_id)s AND service_id = ANY(%(services)s::text[])"
)
COPY: Final[LiteralString] = """
    COPY service_list_v1 (tenant_id, service_id, product_id, state, settled) FROM STDIN (FORMAT BINARY)"""
TYPES: Final = ("text", "text", "text", "text", "date")
BRANCH: Final[LiteralString] = (
    "(SELECT l.service_id FROM {source} WHERE {conditions} ORDER BY l.service_id LIMIT %(limit)s)"
)
ALL: Final[LiteralString] = "service_list_v1 l"
# Whoever ever held a service finds it here.
HELD: Final[LiteralString] = "services_v1 h JOIN service_list_v1 l USING (tenant_id, service_id)"
TIMELINES: Final[LiteralString] = """
    SELECT DISTINCT ON (f.service_id) f.service_id, s.timeline
    FROM (SELECT DISTINCT service_id FROM ({branches}) AS b ORDER BY service_id LIMIT %(limit)s) AS f
    CROSS JOIN LATERAL (
        SELECT timeline FROM services_v1
        WHERE tenant_id = %(tenant_id)s AND service_id = f.service_id LIMIT 1) AS s
    ORDER BY f.service_id"""
MOST_BRANCHES: Final = 40
LAST_LETTER: Final = chr(0x10FFFF)


@dataclass(frozen=True, slots=True)
class ServiceFilter:
    """Which services are wanted; what is None narrows nothing. `customer_id`: who ever held it."""

    customer_id: str | None = None
    product_id: str | None = None
    service_type: str | None = None
    state: ServiceState | None = None
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class Listed:
    """A service on a day; `since` is the day from which it is in this state, so far as there is one."""

    timeline: Timeline
    state: ServiceState
    held: Segment | Plan | None
    since: date | None


def rows(tenant_id: str, timelines: Iterable[Timeline]) -> Iterator[tuple[object, ...]]:
    """Return the rows of some services."""
    for timeline in timelines:
        settled = settled_on(timeline)
        found = on(timeline, settled)
        held = None if found.held is None else found.held.product_id
        yield (tenant_id, timeline.service_id, held, found.state, to_date(settled))


def replace(
    cursor: Cursor[Any], tenant_id: str, timelines: Iterable[Timeline], *, written: Collection[str]
) -> None:
    """Write the rows of services, in the place of those of the ones that were `written` before."""
    if written:
        cursor.execute(FORGET, {"tenant_id": tenant_id, "services": arrays.texts(written)})
    copy_rows(cursor, COPY, TYPES, rows(tenant_id, timelines))


def on(timeline: Timeline, day: Day) -> Listed:
    """Return what a service is on a day, by all that is known of it."""
    current = next((item for item in timeline.segments if item.start <= day < item.end), None)
    if current is not None:
        state: ServiceState = "suspended" if current.suspended else "active"
        return Listed(timeline, state, current, to_date(current.start))
    before = [item for item in timeline.segments if item.end <= day]
    if before:
        return Listed(timeline, "stopped", before[-1], to_date(before[-1].end))
    if timeline.segments:
        return Listed(timeline, "scheduled", timeline.segments[0], to_date(timeline.segments[0].start))
    if timeline.plans:
        return Listed(timeline, "planned", timeline.plans[-1], to_date(timeline.plans[-1].start))
    return Listed(timeline, "unknown", None, None)


def settled_on(timeline: Timeline) -> Day:
    """Return the last day on which the service becomes another; from then on it stays as it is."""
    days = [Day(1)]
    days.extend(item.start for item in timeline.segments)
    days.extend(item.end for item in timeline.segments if item.end < FOREVER)
    return max(days)


def page(
    cursor: Cursor[Any], tenant_id: str, wanted: ServiceFilter, *, today: date, after: str = "", limit: int
) -> list[Listed]:
    """Return the next services behind one, by id, as they are on a day.

    Each branch of the query is a look into one index. A state is looked up as it ends; where it will still
    change, the timeline tells it, so that a page may take more than one look.
    """
    found: list[Listed] = []
    day = Day(today.toordinal())
    while len(found) < limit:
        timelines = _candidates(cursor, tenant_id, wanted, today, after, limit)
        items = [on(timeline, day) for timeline in timelines]
        found.extend(item for item in items if wanted.state in {None, item.state})
        if len(timelines) < limit:
            break
        after = timelines[-1].service_id
    return found[:limit]


def _candidates(
    cursor: Cursor[Any], tenant_id: str, wanted: ServiceFilter, today: date, after: str, limit: int
) -> list[Timeline]:
    values: dict[str, object] = {
        "tenant_id": tenant_id,
        "customer_id": wanted.customer_id,
        "state": wanted.state,
        "today": today,
        "after": after,
        "first": wanted.prefix,
        "beyond": wanted.prefix + LAST_LETTER,
        "limit": limit,
    }
    common: list[LiteralString] = ["l.tenant_id = %(tenant_id)s", "l.service_id > %(after)s"]
    if wanted.prefix:
        common += ["l.service_id >= %(first)s", "l.service_id < %(beyond)s"]
    if wanted.customer_id is not None:
        common.append("h.customer_id = %(customer_id)s")
    states: list[LiteralString] = [""]
    if wanted.state is not None:
        states = ["l.state = %(state)s", "l.settled > %(today)s AND l.state <> %(state)s"]
    products = _products(cursor, tenant_id, wanted, values)
    branches = [
        sql.SQL(BRANCH).format(
            source=sql.SQL(ALL if wanted.customer_id is None else HELD),
            conditions=sql.SQL(" AND ").join([*map(sql.SQL, [*common, *filter(None, [state])]), *one]),
        )
        for one, state in product(products, states)
    ]
    if not branches:
        return []
    query = sql.SQL(TIMELINES).format(branches=sql.SQL(" UNION ALL ").join(branches))
    cursor.execute(query, values, binary=True)
    return [Timeline.from_data(orjson.loads(data)) for _, data in cursor.fetchall()]


def _products(
    cursor: Cursor[Any], tenant_id: str, wanted: ServiceFilter, values: dict[str, object]
) -> list[list[sql.Composable]]:
    """Return the condition on the product for each branch; none where no product can fit."""
    names = None if wanted.product_id is None else [wanted.product_id]
    if wanted.service_type is not None:
        of_type = catalog.products_of_type(cursor, tenant_id, wanted.service_type)
        names = of_type if names is None else [name for name in names if name in of_type]
    if names is None:
        return [[]]
    if len(names) > MOST_BRANCHES:
        values["products"] = names
        return [[sql.SQL("l.product_id = ANY(%(products)s)")]]
    values |= {f"product_{place}": name for place, name in enumerate(names)}
    return [
        [sql.SQL("l.product_id = {}").format(sql.Placeholder(f"product_{place}"))]
        for place in range(len(names))
    ]
