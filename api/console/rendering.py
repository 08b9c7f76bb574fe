"""Pages from templates: what every page shows, how values are written, which headers go along."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from hashlib import sha256
from http import HTTPStatus
from importlib import resources
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, unquote, urlsplit

import orjson
from fastapi import Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from api.errors import STATUSES, title_of
from billing.errors import LedgerError
from billing.money import parse_minor
from documents import issued
from documents.formats import Formats, formats_for

HOME: Final = "/console"
LOGIN: Final = "/console/login"
FOLDER: Final = Path(str(resources.files("api.console")))
LANGUAGE: Final = "en"
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "private, no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
API_ADDRESS: Final = re.compile(r"; see /v1/\S+$")
"""How errors end that tell callers of the API where to look."""

PLACES: Final = (
    ("", "Overview"),
    ("/forecast", "Forecast"),
    ("/invoices", "Invoices"),
    ("/customers", "Customers"),
    ("/services", "Services"),
    ("/catalog", "Catalog"),
    ("/bill-runs", "Bill runs"),
    ("/anomalies", "Anomalies"),
    ("/dead-letters", "Dead letters"),
)
"""Where the navigation leads, in its order."""


def page(
    request: Request, template: str, *, place: str = "", status: int = 200, **values: Any
) -> HTMLResponse:
    """Return a page; `place` is its entry in the navigation, `values` are the template's."""
    text = ENVIRONMENT.get_template(template).render(
        key=getattr(request.state, "key", None),
        form_token=getattr(request.state, "form_token", ""),
        places=PLACES,
        place=place,
        **values,
    )
    return HTMLResponse(text, status, HEADERS)


def error_page(request: Request, error: LedgerError) -> HTMLResponse:
    """Return the page for what went wrong, with the status that the API gives it."""
    place, ways = _ways(request, error.code)
    return page(
        request,
        "error.html",
        place=place,
        status=STATUSES[error.code],
        title=title_of(error),
        code=error.code,
        detail=told(error),
        ways=ways,
    )


def told(error: LedgerError) -> str:
    """Return what an error says, without the address in the API that it may end with."""
    return API_ADDRESS.sub("", str(error))


def left_page(request: Request) -> str | None:
    """Return the page of the console that a reader comes from, if the browser says it."""
    came = urlsplit(request.headers.get("referer", ""))
    if came.netloc != request.headers.get("host") or not f"{came.path}/".startswith(f"{HOME}/"):
        return None
    return f"{came.path}?{came.query}" if came.query else came.path


def _ways(request: Request, code: str = "") -> tuple[str, list[tuple[str, str]]]:
    """Return the place in the navigation that a page belongs to, and where a reader goes on from there."""
    wanted = request.scope["raw_path"].decode("latin-1")
    folder, _, rest = wanted.removeprefix(HOME).strip("/").partition("/")
    name = next((name for path, name in PLACES if path == f"/{folder}" and folder), "")
    before = left_page(request)
    ways = [] if before is None or before.startswith(LOGIN) else [(before, "Back to where you were")]
    if code == "customer_unknown":
        customer_id = urlencode(unquote(rest.partition("/")[0]))
        ways.append((f"{HOME}/services?customer_id={customer_id}", "Services that name this customer"))
    if name:
        ways.append((f"{HOME}/{folder}", name))
    return name, [*ways, (HOME, "Overview")]


def mistake_page(request: Request) -> HTMLResponse:
    """Return the page for a mistake of ours; only the log says what it was."""
    return page(
        request,
        "error.html",
        status=HTTPStatus.INTERNAL_SERVER_ERROR,
        title="We made a mistake.",
        code="internal_error",
        detail="the page could not be made; the log of the server says why",
        ways=_ways(request)[1],
    )


def protect(answer: Response) -> None:
    """Keep whatever the console answers with, files among it, out of caches that it does not name itself."""
    for name in ("Cache-Control", "Referrer-Policy", "X-Content-Type-Options"):
        answer.headers.setdefault(name, HEADERS[name])


def money(amount: str, currency: str) -> str:
    """Return an exact amount, as the API has it, for readers: `1,234.50`."""
    formats = _formats(currency)
    return formats.amount(parse_minor(amount, currency))


def minor(amount_minor: int, currency: str) -> str:
    """Return an amount that is given in minor units."""
    return _formats(currency).amount(amount_minor)


def nonzero(amount: str) -> bool:
    """Tell whether an amount is anything but 0."""
    return bool(Decimal(amount))


def exact(fraction: str, currency: str) -> str:
    """Return an exact fraction of minor units in major units; as a decimal where it is one."""
    value = Fraction(fraction) / 10 ** _formats(currency).digits
    shown = Decimal(value.numerator) / Decimal(value.denominator)
    if Fraction(shown) == value:
        return unit_amount(f"{shown:f}", currency)
    return f"{value.numerator}/{value.denominator}"


def decimal(text: str) -> str:
    """Return a quantity or a unit amount, with its decimals as given."""
    return _formats("EUR").decimal(text)


def unit_amount(text: str, currency: str) -> str:
    """Return a unit amount with all its decimals, and at least the currency's."""
    return _formats(currency).unit_amount(text)


def day(value: date | None) -> str:
    """Return a date: `2 Jul 2026`; a dash where there is none."""
    return "\N{EN DASH}" if value is None else _short(_formats("EUR").day(value))


def period(start: date, end: date | None) -> str:
    """Return the days of `[start, end)`, the last one named: `24 \N{EN DASH} 30 Jun 2026`."""
    if end is None:
        return f"from {day(start)}"
    return day(start) if end <= start else _short(_formats("EUR").span(start, end))


def _short(text: str) -> str:
    """Return a date with September in three letters, as the arithmetic of a line has all months."""
    return text.replace("Sept", "Sep")


def month(value: str | date) -> str:
    """Return a month, given as `2026-07` or by a day: `Jul 2026`."""
    found = value if isinstance(value, date) else date.fromisoformat(f"{value}-01")
    return day(found).partition(" ")[2]


def short_month(value: str) -> str:
    """Return the name of a month, January with its year: `Jul`, `2027`."""
    return value[:4] if value.endswith("-01") else month(value)[:3]


def whole(amount: Decimal) -> str:
    """Return a round amount without decimals."""
    return decimal(f"{amount:.0f}")


def moment(value: datetime | None) -> Markup:
    """Return an instant to the second, in UTC, with its exact value for programs."""
    if value is None:
        return Markup("\N{EN DASH}")
    shown = value.astimezone(tz=UTC)
    return Markup('<time datetime="{}">{} {:%H:%M:%S} UTC</time>').format(
        shown.isoformat(), day(shown.date()), shown
    )


def address_lines(address: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Return the lines of a customer's address, as its documents have them."""
    return issued.address_lines(address, _formats("EUR"))


def capitalize_first(text: str) -> str:
    """Return a sentence that begins with a capital."""
    return text[:1].upper() + text[1:]


def signs(text: str) -> str:
    """Return a sentence with figures whose minus is the one that amounts have."""
    return HYPHEN_OF_AMOUNT.sub("\N{MINUS SIGN}", text)


HYPHEN_OF_AMOUNT: Final = re.compile(r"(?<!\S)-(?=\d)")


def words(code: str) -> str:
    """Return a code as words: `one_time` is `one-time`, `service.activated` is `activated`."""
    return SPOKEN.get(code, code.rpartition(".")[2].replace("_", " "))


SPOKEN: Final[Mapping[str, str]] = {"one_time": "one-time", "credit_note": "credit note"}


def value_text(value: object) -> str:
    """Return a value of an event: a text as it is, anything else as JSON; None was erased."""
    if value is None:
        return "erased"
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def rule_words(code: str) -> str:
    """Return how a line's days were counted (BILLING.md §5), in words."""
    return RULES.get(code, words(code))


RULES: Final[Mapping[str, str]] = {
    "actual": "by the actual days",
    "fixed_30": "by months of 30 days",
    "thirty_360": "by months of 30 days (30/360)",
    "none": "not prorated",
    "one_time": "charged once",
}


def urlencode(text: str) -> str:
    """Return a text for one segment of a path or one value of a query; Jinja's own lets slashes stand."""
    return quote(text, safe="")


def static_version(name: str) -> str:
    """Return a mark of a static file's content, so that a browser keeps it until it changes."""
    return VERSIONS[name]


def _formats(currency: str) -> Formats:
    return formats_for(LANGUAGE, currency)


def _versions() -> dict[str, str]:
    return {
        path.name: sha256(path.read_bytes()).hexdigest()[:12]
        for path in sorted((FOLDER / "static").iterdir())
    }


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.do"],
    )
    environment.filters |= {
        "address_lines": address_lines,
        "money": money,
        "minor": minor,
        "nonzero": nonzero,
        "exact": exact,
        "decimal": decimal,
        "unit_amount": unit_amount,
        "capitalize_first": capitalize_first,
        "day": day,
        "month": month,
        "moment": moment,
        "short_month": short_month,
        "signs": signs,
        "whole": whole,
        "words": words,
        "urlencode": urlencode,
        "value": value_text,
        "rule": rule_words,
    }
    environment.globals |= {"period": period, "static_version": static_version}
    return environment


VERSIONS: Final = _versions()
ENVIRONMENT: Final = _environment()
