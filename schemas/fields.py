"""The values that events are made of: ids, decimals, dates, instants, currencies, zones.

Every type refuses with a sentence that names the remedy; `schemas.errors` adds the field and the value.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, lru_cache
from typing import Annotated, Any, Final, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

STRICT: Final = ConfigDict(strict=True, extra="forbid")
"""No coercion, and no member that we don't know."""

FIRST_YEAR: Final = 1900
LAST_YEAR: Final = 2999
MAX_TEXT_CHARACTERS: Final = 2000
MAX_ATTRIBUTE_DEPTH: Final = 20

_CODES: Final = """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD
    CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF
    GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK
    LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD
    OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN
    SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XCG
    XOF XPF YER ZAR ZMW ZWG
"""
ISO_4217: Final = frozenset(_CODES.split())
"""Currencies in circulation (ISO 4217:2015, list one as of 2026; funds and metals left out)."""


@dataclass(frozen=True, slots=True)
class Remedy:
    """Annotation: replaces whatever the type complains about by one sentence that says what to write."""

    text: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Wrap the type's own schema; costs nothing while values are right."""
        return core_schema.custom_error_schema(
            handler(source), custom_error_type="remedy", custom_error_message=self.text
        )


@dataclass(frozen=True, slots=True)
class JsonForm:
    """Annotation: what the JSON Schema says of a type whose rule is written in Python."""

    members: Mapping[str, Any]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Leave validation as it is."""
        return handler(source)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Add the members, over those that pydantic found."""
        return {**handler(schema), **self.members}


def _in_range(year: int, text: str) -> str:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise ValueError(text)
    return text


@lru_cache(maxsize=20_000)
def _known_date(text: str) -> str:
    return _in_range(date.fromisoformat(text).year, text)


def _known_instant(text: str) -> str:
    if not FIRST_YEAR <= datetime.fromisoformat(text).year <= LAST_YEAR:
        raise ValueError(text)
    return text


@lru_cache(maxsize=20_000)
def _known_effective(text: str) -> str:
    return _in_range(datetime.fromisoformat(text).year, text)


@cache
def zone_names() -> frozenset[str]:
    """Return the IANA zone names; what depends on this machine (`localtime`) is none of them."""
    return frozenset(available_timezones() - {"localtime", "Factory"})


def _known_zone(text: str) -> str:
    if text not in zone_names():
        raise ValueError(text)
    return text


def _known_currency(text: str) -> str:
    if text not in ISO_4217:
        raise ValueError(text)
    return text


# [0-9] and not \d: the validator's \d takes the digits of every script.
DATE_PATTERN: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_TIME: Final = r"T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})"
INSTANT_PATTERN: Final = rf"^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}{_TIME}$"
EFFECTIVE_PATTERN: Final = rf"^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}({_TIME})?$"
TENANT_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"
PRINTABLE_PATTERN: Final = r"^[^\x00-\x1f\x7f]+$"
SOURCE_PATTERN: Final = r"^[\x21-\x7e]+$"
MONEY_PATTERN: Final = r"^-?[0-9]{1,15}(\.[0-9]{1,12})?$"
QUANTITY_PATTERN: Final = r"^[0-9]{1,15}(\.[0-9]{1,12})?$"
MAX_QUANTITY: Final = 10**15 - 1

Identifier = Annotated[
    str,
    Field(min_length=1, max_length=200, pattern=PRINTABLE_PATTERN),
    Remedy("write an id of 1 to 200 characters, none of them a control character"),
]
Source = Annotated[
    str,
    Field(min_length=1, max_length=500, pattern=SOURCE_PATTERN),
    Remedy('write a URI-reference (RFC 3986: ASCII, no spaces, up to 500), such as "/fulfilment/eu-1"'),
]
TenantId = Annotated[
    str,
    Field(pattern=TENANT_PATTERN),
    Remedy("write 1 to 100 letters, digits, dots, underscores or hyphens, beginning with a letter or digit"),
]
Day = Annotated[
    str,
    Field(pattern=DATE_PATTERN, json_schema_extra={"format": "date"}),
    AfterValidator(_known_date),
    Remedy(f'write a date of the years {FIRST_YEAR} to {LAST_YEAR}, such as "2026-06-24"'),
]
Instant = Annotated[
    str,
    Field(pattern=INSTANT_PATTERN, json_schema_extra={"format": "date-time"}),
    AfterValidator(_known_instant),
    Remedy('write an RFC 3339 instant with an offset, such as "2026-06-24T08:12:31Z"'),
]
Effective = Annotated[
    str,
    Field(
        pattern=EFFECTIVE_PATTERN,
        description="When the fact counts: a local date, or an instant with an offset",
        examples=["2026-06-24", "2026-06-24T22:30:00+02:00"],
    ),
    AfterValidator(_known_effective),
    Remedy('write a date such as "2026-06-24", or an RFC 3339 instant with an offset'),
]
Money = Annotated[
    str,
    Field(pattern=MONEY_PATTERN, description="An exact decimal", examples=["27.50"]),
    Remedy('write a decimal as a string, such as "27.50" (at most 15 digits before the point, 12 after it)'),
]
Quantity = Annotated[
    Annotated[int, Field(ge=0, le=MAX_QUANTITY)] | Annotated[str, Field(pattern=QUANTITY_PATTERN)],
    Field(union_mode="left_to_right", description="Not negative: a whole number, or a decimal as a string"),
    Remedy('write a whole number from 0 on, or a decimal as a string, such as "1.5"'),
]
Currency = Annotated[
    str,
    Field(pattern=r"^[A-Z]{3}$"),
    AfterValidator(_known_currency),
    JsonForm({"enum": sorted(ISO_4217)}),
    Remedy('write an ISO 4217 code in circulation, such as "EUR"'),
]
Zone = Annotated[
    str,
    Field(max_length=100, description="An IANA time zone", examples=["Europe/Zurich"]),
    AfterValidator(_known_zone),
    Remedy('write an IANA time zone name, such as "Europe/Zurich"'),
]
Text = Annotated[
    str,
    Field(min_length=1, max_length=MAX_TEXT_CHARACTERS),
    Remedy(f"write a text of 1 to {MAX_TEXT_CHARACTERS} characters"),
]
Country = Annotated[
    str, Field(pattern=r"^[A-Z]{2}$"), Remedy('write an ISO 3166-1 country code of two letters, such as "CH"')
]
Language = Annotated[
    str,
    Field(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,4}$"),
    Remedy('write a BCP 47 language tag, such as "de-CH"'),
]
Email = Annotated[
    str,
    Field(max_length=254, pattern=r"^[^@\s]+@[^@\s]+$"),
    Remedy('write one e-mail address, such as "billing@example.com"'),
]
Phone = Annotated[
    str, Field(min_length=1, max_length=50, pattern=PRINTABLE_PATTERN), Remedy("write 1 to 50 characters")
]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$"), Remedy("write 64 lower-case hexadecimal digits")]
Attributes = Annotated[
    dict[str, Any],
    Field(description="Anything that the producer wants kept with the service; unknown names are welcome"),
    Remedy("write an object"),
]
PriceOverrides = Annotated[
    dict[Identifier, Money],
    Field(description="Own unit amounts by price id", examples=[{"rent": "27.50"}]),
]
PriceOverrideChanges = Annotated[
    dict[Identifier, Money | None],
    Field(description="Own unit amounts by price id; null removes one"),
]

Alignment = Literal["calendar", "billing_day", "anniversary"]
BillingDay = Annotated[int, Field(ge=1, le=31), Remedy("write a day of the month, 1 to 31")]
Proration = Literal["actual", "fixed_30", "thirty_360", "none"]
StopDay = Literal["free", "billed"]
Rounding = Literal["half_up", "half_even", "down"]
CreditOnStop = Literal["credit", "none"]
AccountCredit = Literal["set_off", "pay_out"]
