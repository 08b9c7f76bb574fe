"""Outstanding: what is entitled and not invoiced yet, of services, customers and the tenant."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final, Literal, LiteralString, NamedTuple

from psycopg import Cursor

from billing.catalog import Catalog
from billing.days import ALWAYS, Day
from billing.line import NO_SERVICE
from billing.periods import day_in_month, month_of
from billing.policies import OwnBillingDays, PolicyBook
from projections import arrays
from projections.flows import NO_ACTIVITY, ONCE, RECURRING, SETTLED, Flow, FlowKind, invoiced_month
from projections.session import copy_rows
from projections.tables import ReadModel, Table

WITHOUT_OWN: Final = ""
"""The calendar of customers who have set no billing day of their own."""
LONGEST_MONTH: Final = 31

MODEL: Final = ReadModel(
    "forecast",
    (
        # What each service is charged, ever. Rows of a service are replaced as one.
        Table(
            "forecast_flows_v1",
            """
            CREATE TABLE forecast_flows_v1 (
                tenant_id     text COLLATE "C" NOT NULL,
                service_id    text COLLATE "C" NOT NULL,
                customer_id   text COLLATE "C" NOT NULL,
                activates     integer NOT NULL,
                ending        boolean NOT NULL,
                currency      text COLLATE "C" NOT NULL,
                product_id    text COLLATE "C" NOT NULL,
                kind          text COLLATE "C" NOT NULL,
                step          smallint NOT NULL,
                lag           smallint NOT NULL,
                anchor        smallint NOT NULL,
                position      integer NOT NULL,
                service_month integer NOT NULL,
                amount_minor  bigint NOT NULL
            );
            CREATE INDEX ON forecast_flows_v1 (tenant_id, service_id);
            CREATE INDEX ON forecast_flows_v1 (tenant_id, customer_id)""",
        ),
        # What was invoiced to each customer, taken off.
        Table(
            "forecast_invoiced_v1",
            """
            CREATE TABLE forecast_invoiced_v1 (
                tenant_id     text COLLATE "C" NOT NULL,
                customer_id   text COLLATE "C" NOT NULL,
                currency      text COLLATE "C" NOT NULL,
                product_id    text COLLATE "C" NOT NULL,
                kind          text COLLATE "C" NOT NULL,
                position      integer NOT NULL,
                service_month integer NOT NULL,
                amount_minor  numeric NOT NULL,
                PRIMARY KEY (tenant_id, customer_id, currency, product_id, kind, position, service_month)
            )""",
        ),
        # The sum of both over all customers whose invoices have the same days: what is due again and again in
        # part `repeated`; what is due once in `once`, by its day, and again in `once_by_month`, by the last
        # day of its month, so that years of days past are a few rows. What is recurring stands once more in
        # `ending` and `ending_once` where a stop is known, else in `open` and `open_once`, by its activation.
        Table(
            "forecast_totals_v2",
            """
            CREATE TABLE forecast_totals_v2 (
                tenant_id     text COLLATE "C" NOT NULL,
                part          text COLLATE "C" NOT NULL,
                activates     integer NOT NULL,
                calendar      text COLLATE "C" NOT NULL,
                currency      text COLLATE "C" NOT NULL,
                product_id    text COLLATE "C" NOT NULL,
                kind          text COLLATE "C" NOT NULL,
                step          smallint NOT NULL,
                lag           smallint NOT NULL,
                anchor        smallint NOT NULL,
                position      integer NOT NULL,
                service_month integer NOT NULL,
                amount_minor  numeric NOT NULL,
                PRIMARY KEY (tenant_id, part, position, activates, calendar, currency, product_id, kind,
                    step, lag, anchor, service_month)
            ) WITH (fillfactor = 70)""",
        ),
        # The calendar of each customer who has set billing days.
        Table(
            "forecast_calendars_v2",
            """
            CREATE TABLE forecast_calendars_v2 (
                tenant_id   text COLLATE "C" NOT NULL,
                customer_id text COLLATE "C" NOT NULL,
                calendar    text COLLATE "C" NOT NULL,
                PRIMARY KEY (tenant_id, customer_id)
            );
            CREATE INDEX ON forecast_calendars_v2 (tenant_id, calendar)""",
        ),
    ),
)

FORGET: Final[LiteralString] = """
    DELETE FROM forecast_flows_v1
    WHERE tenant_id = %(tenant_id)s AND service_id = ANY(%(services)s::text[])
    RETURNING customer_id, activates, ending, currency, product_id, kind, step, lag, anchor, position,
        service_month, amount_minor"""
FORGET_ADJUSTMENTS: Final[LiteralString] = """
    DELETE FROM forecast_flows_v1
    WHERE tenant_id = %(tenant_id)s AND service_id = '' AND customer_id = ANY(%(customers)s)
    RETURNING customer_id, activates, ending, currency, product_id, kind, step, lag, anchor, position,
        service_month, amount_minor"""
COPY: Final[LiteralString] = """
    COPY forecast_flows_v1 (tenant_id, service_id, customer_id, activates, ending, currency, product_id, kind,
        step, lag, anchor, position, service_month, amount_minor) FROM STDIN (FORMAT BINARY)"""
TYPES: Final = (
    *("text", "text", "text", "int4", "bool", "text", "text", "text"),
    *("int2", "int2", "int2", "int4", "int4", "int8"),
)
# What comes to nothing is gone: its place is all that the next statement needs.
ADD_INVOICED: Final[LiteralString] = """
    WITH added AS (
    INSERT INTO forecast_invoiced_v1 AS i
        (tenant_id, customer_id, currency, product_id, kind, position, service_month, amount_minor)
    SELECT %(tenant_id)s, * FROM unnest(%(customers)s::text[], %(currencies)s::text[], %(products)s::text[],
        %(kinds)s::text[], %(positions)s::int[], %(months)s::int[], %(amounts)s::numeric[])
    ON CONFLICT (tenant_id, customer_id, currency, product_id, kind, position, service_month)
    DO UPDATE SET amount_minor = i.amount_minor + excluded.amount_minor RETURNING ctid, amount_minor)
    SELECT ctid::text FROM added WHERE amount_minor = 0"""
DROP_INVOICED: Final[LiteralString] = "DELETE FROM forecast_invoiced_v1 WHERE ctid = ANY(%(places)s::tid[])"
ADD_TOTALS: Final[LiteralString] = """
    WITH added AS (
    INSERT INTO forecast_totals_v2 AS t (tenant_id, part, activates, calendar, currency, product_id, kind,
        step, lag, anchor, position, service_month, amount_minor)
    SELECT %(tenant_id)s, * FROM unnest(%(parts)s::text[], %(activations)s::int[],
        %(calendars)s::text[], %(currencies)s::text[], %(products)s::text[], %(kinds)s::text[],
        %(steps)s::smallint[], %(lags)s::smallint[], %(anchors)s::smallint[], %(positions)s::int[],
        %(months)s::int[], %(amounts)s::numeric[])
    ON CONFLICT (tenant_id, part, position, activates, calendar, currency, product_id, kind, step, lag,
        anchor, service_month)
    DO UPDATE SET amount_minor = t.amount_minor + excluded.amount_minor RETURNING ctid, amount_minor)
    SELECT ctid::text FROM added WHERE amount_minor = 0"""
TOTALS_COLUMNS: Final[dict[str, Callable[[list[Any]], str]]] = {
    "parts": arrays.texts,
    "activations": arrays.numbers,
    **dict.fromkeys(("calendars", "currencies", "products", "kinds"), arrays.texts),
    **dict.fromkeys(("steps", "lags", "anchors", "positions", "months"), arrays.numbers),
}
DROP_TOTALS: Final[LiteralString] = "DELETE FROM forecast_totals_v2 WHERE ctid = ANY(%(places)s::tid[])"
CALENDARS: Final[LiteralString] = """
    SELECT customer_id, calendar FROM forecast_calendars_v2
    WHERE tenant_id = %(tenant_id)s AND customer_id = ANY(%(customers)s)"""
# One look into the index a calendar: they are few, and their customers many.
ALL_CALENDARS: Final[LiteralString] = """
    WITH RECURSIVE found AS (
        SELECT min(calendar) AS calendar FROM forecast_calendars_v2 WHERE tenant_id = %(tenant_id)s
        UNION ALL
        SELECT (
            SELECT min(c.calendar) FROM forecast_calendars_v2 c
            WHERE c.tenant_id = %(tenant_id)s AND c.calendar > found.calendar)
        FROM found WHERE found.calendar IS NOT NULL)
    SELECT calendar FROM found WHERE calendar IS NOT NULL"""
WAITING: Final[LiteralString] = """
    SELECT DISTINCT service_id FROM forecast_flows_v1
    WHERE tenant_id = %(tenant_id)s AND service_id = ANY(%(services)s::text[])
        AND step = 0 AND position = %(settled)s"""
SET_CALENDARS: Final[LiteralString] = """
    INSERT INTO forecast_calendars_v2 (tenant_id, customer_id, calendar)
    SELECT %(tenant_id)s, * FROM unnest(%(customers)s::text[], %(calendars)s::text[])
    ON CONFLICT (tenant_id, customer_id) DO UPDATE SET calendar = excluded.calendar"""
UNSET_CALENDARS: Final[LiteralString] = """
    DELETE FROM forecast_calendars_v2
    WHERE tenant_id = %(tenant_id)s AND customer_id = ANY(%(customers)s) AND calendar = ''"""
OF_CUSTOMERS: Final[LiteralString] = """
    SELECT customer_id, activates, ending, currency, product_id, kind, step, lag, anchor, position,
           service_month, amount_minor::numeric
    FROM forecast_flows_v1 WHERE tenant_id = %(tenant_id)s AND customer_id = ANY(%(customers)s)
    UNION ALL
    SELECT customer_id, 0, false, currency, product_id, kind, 0::smallint, 0::smallint, 0::smallint, position,
           service_month, amount_minor
    FROM forecast_invoiced_v1 WHERE tenant_id = %(tenant_id)s AND customer_id = ANY(%(customers)s)"""


class InvoicedLine(NamedTuple):
    """What the forecast needs of an issued line; `due_for` is its document's."""

    customer_id: str
    currency: str
    product_id: str
    price_id: str
    kind: Literal["recurring", "one_time", "adjustment"]
    period_start: date
    period_end: date
    full_start: date | None
    full_end: date | None
    amount_minor: int
    due_for: date


def replace(
    cursor: Cursor[Any],
    tenant_id: str,
    flows_by_service: Mapping[str, Sequence[Flow]],
    *,
    written: Collection[str],
) -> None:
    """Write the flows of services, and move the tenant's totals.

    They take the place of those of the services that were `written` before.
    """
    gone = []
    if written:
        gone = cursor.execute(FORGET, {"tenant_id": tenant_id, "services": arrays.texts(written)}).fetchall()
    _write(cursor, tenant_id, gone, flows_by_service.items())


def replace_adjustments(
    cursor: Cursor[Any], tenant_id: str, flows_by_customer: Mapping[str, Sequence[Flow]]
) -> None:
    """Write the flows of the adjustments of some customers, as `replace` does for services."""
    query = {"tenant_id": tenant_id, "customers": list(flows_by_customer)}
    gone = cursor.execute(FORGET_ADJUSTMENTS, query).fetchall()
    _write(cursor, tenant_id, gone, ((NO_SERVICE, flows) for flows in flows_by_customer.values()))


def take_off(
    cursor: Cursor[Any], tenant_id: str, lines: Iterable[InvoicedLine], catalog: Catalog, *, sign: int = -1
) -> None:
    """Take issued lines off what is outstanding; `sign` 1 puts back what was taken off."""
    sums: dict[tuple[str, str, str, FlowKind, int, int], int] = {}
    for line in lines:
        month = invoiced_month(line.full_start, line.period_start)
        place = _place(line, catalog)
        kind: FlowKind = "recurring" if line.kind == RECURRING else "one_time"
        key = (line.customer_id, line.currency, line.product_id, kind, place, month)
        sums[key] = sums.get(key, 0) + sign * line.amount_minor
    items = [(key, amount) for key, amount in sums.items() if amount]
    if not items:
        return
    cursor.execute(
        ADD_INVOICED,
        {
            "tenant_id": tenant_id,
            "customers": [key[0] for key, _ in items],
            "currencies": [key[1] for key, _ in items],
            "products": [key[2] for key, _ in items],
            "kinds": [key[3] for key, _ in items],
            "positions": [key[4] for key, _ in items],
            "months": [key[5] for key, _ in items],
            "amounts": [amount for _, amount in items],
        },
    )
    _drop_nothing(cursor, DROP_INVOICED)
    activates, ending = NO_ACTIVITY
    flows = [
        Flow(name, activates, ending, currency, product_id, kind, ONCE, 0, 0, place, month, amount)
        for (name, currency, product_id, kind, place, month), amount in items
    ]
    _add(cursor, tenant_id, flows)


def waiting(cursor: Cursor[Any], tenant_id: str, service_ids: Collection[str]) -> set[str]:
    """Return those of the services of which something that was invoiced waits for another day."""
    if not service_ids:
        return set()
    query = {"tenant_id": tenant_id, "services": arrays.texts(service_ids), "settled": SETTLED}
    return {service_id for (service_id,) in cursor.execute(WAITING, query).fetchall()}


def set_calendars(
    cursor: Cursor[Any], tenant_id: str, book: PolicyBook, customer_ids: Collection[str]
) -> None:
    """Move the flows of customers whose own billing days have changed to the calendar that they have now."""
    before = calendars(cursor, tenant_id, customer_ids)
    after = {name: calendar_text(book.own_billing_days(name)) for name in customer_ids}
    changed = [name for name in customer_ids if before.get(name, WITHOUT_OWN) != after[name]]
    if not changed:
        return
    query = {"tenant_id": tenant_id, "customers": changed}
    flows = [Flow._make((*row[:-1], int(row[-1]))) for row in cursor.execute(OF_CUSTOMERS, query).fetchall()]
    _add(cursor, tenant_id, [flow._replace(amount_minor=-flow.amount_minor) for flow in flows])
    cursor.execute(SET_CALENDARS, {**query, "calendars": [after[name] for name in changed]})
    cursor.execute(UNSET_CALENDARS, query)
    _add(cursor, tenant_id, flows)


def calendars(cursor: Cursor[Any], tenant_id: str, customer_ids: Collection[str]) -> dict[str, str]:
    """Return the calendars of those of the customers who have one of their own."""
    query = {"tenant_id": tenant_id, "customers": list(customer_ids)}
    return dict(cursor.execute(CALENDARS, query).fetchall())


def all_calendars(cursor: Cursor[Any], tenant_id: str) -> list[str]:
    """Return every calendar that a customer of a tenant has; first that of those without one of their own."""
    cursor.execute(ALL_CALENDARS, {"tenant_id": tenant_id})
    return [WITHOUT_OWN, *(calendar for (calendar,) in cursor.fetchall())]


def calendar_text(own: OwnBillingDays) -> str:
    """Return a text that is equal where the customers' own billing days are."""
    return ",".join(f"{effective}={'' if value is None else value}" for effective, value in own)


def billing_days(calendar: str) -> OwnBillingDays:
    """Return the own billing days that `calendar_text` wrote."""
    pairs = (item.split("=") for item in calendar.split(",") if item)
    return tuple((Day(int(effective)), int(value) if value else None) for effective, value in pairs)


_Alike = tuple[Day, bool, str, str, FlowKind, int, int, int, int, int]
"""A flow without its customer and its amount."""
_Total = tuple[str, int, str, str, str, str, int, int, int, int, int]


def _add(cursor: Cursor[Any], tenant_id: str, flows: Collection[Flow]) -> None:
    """Add flows to the tenant's totals, in the calendars that their customers have now."""
    known = calendars(cursor, tenant_id, {flow.customer_id for flow in flows}) if flows else {}
    alike: dict[str, dict[_Alike, int]] = {}
    for flow in flows:
        of_calendar = alike.setdefault(known.get(flow.customer_id, WITHOUT_OWN), {})
        what = flow[1:11]
        of_calendar[what] = of_calendar.get(what, 0) + flow.amount_minor
    sums: dict[_Total, int] = {}
    for calendar, of_calendar in alike.items():
        for what, amount in of_calendar.items():
            for part, since, position in _parts(what):
                key: _Total = (part, since, calendar, *what[2:8], position, what[9])
                sums[key] = sums.get(key, 0) + amount
    items = sorted((key, amount) for key, amount in sums.items() if amount)
    if items:
        query = {
            column: write([key[place] for key, _ in items])
            for place, (column, write) in enumerate(TOTALS_COLUMNS.items())
        }
        amounts = arrays.numbers(amount for _, amount in items)
        cursor.execute(ADD_TOTALS, {"tenant_id": tenant_id, **query, "amounts": amounts})
        _drop_nothing(cursor, DROP_TOTALS)


def _parts(flow: _Alike) -> Iterator[tuple[str, Day, int]]:
    """Yield the parts of the totals that a flow is in, each with its activation and its position there."""
    activates, ending, _, _, kind, step, _, _, position, _ = flow
    is_once = step == ONCE
    yield ("once" if is_once else "repeated"), ALWAYS, position
    if is_once:
        yield "once_by_month", ALWAYS, _last_of_month(position)
    if kind != RECURRING:
        return
    if ending:
        yield ("ending_once" if is_once else "ending"), ALWAYS, position
    elif activates:
        yield ("open_once" if is_once else "open"), activates, position


def _last_of_month(position: int) -> int:
    """Return the last day of the month of a day; `SETTLED` stays before all."""
    return position if position == SETTLED else day_in_month(month_of(Day(position)), LONGEST_MONTH)


def _drop_nothing(cursor: Cursor[Any], statement: LiteralString) -> None:
    """Delete the rows whose places the cursor holds: what was added made nothing of them."""
    places = [place for (place,) in cursor.fetchall()]
    if places:
        cursor.execute(statement, {"places": places})


def _write(
    cursor: Cursor[Any],
    tenant_id: str,
    gone: Iterable[Sequence[Any]],
    flows_by_service: Iterable[tuple[str, Sequence[Flow]]],
) -> None:
    """Write new rows in the place of those that are gone, and add the difference to the totals."""
    moved = [Flow._make((*row[:-1], -row[-1])) for row in gone]
    rows = [(name, flow) for name, flows in flows_by_service for flow in flows]
    copy_rows(cursor, COPY, TYPES, ((tenant_id, name, *flow) for name, flow in rows))
    moved.extend(flow for _, flow in rows)
    if moved:
        _add(cursor, tenant_id, moved)


def _place(line: InvoicedLine, catalog: Catalog) -> int:
    """Return the day at which a line is taken off: where what it charges was due, so that both vanish.

    Any day up to the document's does: all of them are past for who was billed on it. Whole periods are of
    repeated flows, whose past is only ever summed.
    """
    if line.kind != RECURRING:
        return min(line.period_start, line.due_for).toordinal()
    if (line.period_start, line.period_end) == (line.full_start, line.full_end):
        return SETTLED
    product = catalog.products.get(line.product_id)
    timings = {price.price_id: price.timing for price in product.prices} if product else {}
    natural = line.period_end if timings.get(line.price_id) == "in_arrears" else line.period_start
    return min(natural, line.due_for).toordinal()
