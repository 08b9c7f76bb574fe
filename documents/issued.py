"""From the facts of an issued document to its view."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Any, Final

from billing.account_credit import Settlement
from billing.days import Day, to_date
from billing.line import Line, LineRef
from billing.money import minor_digits, parse_minor
from documents.formats import Formats, formats_for
from documents.view import (
    Buyer,
    Detail,
    InvoiceView,
    LedgerReference,
    LineReference,
    LineView,
    Part,
    Seller,
)

PLAIN_LANGUAGE: Final = "en"
# Where the postal code stands behind the city (UPU addressing systems).
CODE_BEHIND_CITY: Final = frozenset(["AU", "CA", "GB", "IE", "IN", "NZ", "SG", "US", "ZA"])
FOOT_KEYS: Final = ("registration", "footer")
KNOWN_KEYS: Final = frozenset(
    ("vat_id", "tax_number", "account_holder", "iban", "bic", "bank", "terms", "phone", "website", *FOOT_KEYS)
)


@dataclass(frozen=True, slots=True)
class Names:
    """What the catalog calls things, by product id and by (product id, price id); else the id stands."""

    products: Mapping[str, str] = field(default_factory=dict)
    prices: Mapping[tuple[str, str], str] = field(default_factory=dict)


def invoice_view(
    issued: Mapping[str, Any],
    lines: Iterable[Mapping[str, Any]],
    *,
    tenant_id: str,
    seller: Mapping[str, Any],
    buyer: Mapping[str, Any],
    names: Names,
    ledger: LedgerReference | None,
) -> InvoiceView:
    """Return the view of an issued document.

    `issued` is the data of `invoice.issued`, `lines` all its lines in order. `seller` and `buyer` have the
    fields of `tenant.configured` and `customer.registered`, personal values revealed; erased ones are None.
    """
    document = issued["document"]
    currency = document["currency"]
    language = _text(buyer.get("language")) or PLAIN_LANGUAGE
    formats = formats_for(language, currency)
    return InvoiceView(
        tenant_id=tenant_id,
        number=issued["number"],
        kind=issued["kind"],
        seller=seller_view(seller, formats),
        buyer=Buyer(
            customer_id=document["customer_id"],
            name=_text(buyer.get("name")),
            address=address_lines(buyer.get("address"), formats),
            email=_text(buyer.get("email")),
        ),
        issued_on=date.fromisoformat(issued["issued_on"]),
        due_for=date.fromisoformat(document["due_for"]),
        due_on=None,
        currency=currency,
        language=language,
        lines=tuple(
            line_view(number, Line.from_data(data, currency), names, minor_digits(currency))
            for number, data in enumerate(lines, start=1)
        ),
        net_minor=parse_minor(document["net"], currency),
        ledger=ledger,
        settlement=_settlement(document, currency),
    )


def line_view(number: int, line: Line, names: Names, digits: int) -> LineView:
    """Return the view of one line; `digits` are the currency's decimals."""
    why = line.explanation
    product_name = names.products.get(line.product_id, line.product_id)
    start, end = line.period_start, line.period_end
    if line.result:
        start, end = line.result.start, line.result.end
    return LineView(
        line=number,
        service_id=line.service_id,
        product_id=line.product_id,
        product_name=product_name if why.entered is None else why.entered.text,
        price_id=line.price_id,
        price_name=names.prices.get((line.product_id, line.price_id), line.price_id),
        kind=line.kind,
        start=to_date(line.period_start),
        end=to_date(line.period_end),
        full_start=_date(line.full_start),
        full_end=_date(line.full_end),
        quantity=line.quantity.text,
        unit_amount=line.unit_amount.text,
        amount_minor=line.amount_minor,
        part=None if line.reverses else _part(line, to_date(start), to_date(end), digits),
        reverses=_reference(line.reverses),
        adjusts=_reference(line.adjusts),
        before_minor=why.invoiced_minor if line.reverses or line.adjusts else None,
    )


def seller_view(seller: Mapping[str, Any], formats: Formats) -> Seller:
    """Return who issues, from the fields of `tenant.configured`; other texts of `legal` go to the foot."""
    labels = formats.labels
    legal = {key: text for key, value in (seller.get("legal") or {}).items() if (text := _text(value))}

    def details(**known: str) -> tuple[Detail, ...]:
        return tuple(Detail(label, legal[key]) for key, label in known.items() if key in legal)

    name = _text(seller.get("name")) or ""
    foot = [name, *(legal[key] for key in FOOT_KEYS if key in legal)]
    foot += [legal[key] for key in sorted(legal) if key not in KNOWN_KEYS]
    return Seller(
        name=name,
        address=address_lines(seller.get("address"), formats),
        email=_text(seller.get("email")),
        phone=legal.get("phone"),
        website=legal.get("website"),
        tax_ids=details(vat_id=labels.vat_id, tax_number=labels.tax_number),
        bank=details(account_holder=labels.account_holder, iban="IBAN", bic="BIC", bank=labels.bank),
        payment_terms=legal.get("terms"),
        legal=", ".join(filter(None, foot)),
    )


def _part(line: Line, start: date, end: date, digits: int) -> Part:
    """Return what stands behind the amount; `digits` are the currency's decimals."""
    why = line.explanation
    return Part(
        start=start,
        end=end,
        share_numerator=why.share[0],
        share_denominator=why.share[1],
        exact=Fraction(why.numerator, why.denominator * 10**digits),
        amount_minor=line.amount_minor + why.invoiced_minor,
    )


def _settlement(document: Mapping[str, Any], currency: str) -> Settlement:
    credit = document["account_credit"]
    return Settlement(
        **{name: parse_minor(amount, currency) for name, amount in credit.items()},
        amount_due=parse_minor(document["amount_due"], currency),
    )


def _date(day: Day | None) -> date | None:
    return None if day is None else to_date(day)


def _reference(reference: LineRef | None) -> LineReference | None:
    return None if reference is None else LineReference(reference.document, reference.line_no)


def _text(value: object) -> str | None:
    """Return a text that is there; None for what was erased or never given."""
    return value.strip() or None if isinstance(value, str) else None


def address_lines(address: object, formats: Formats) -> tuple[str, ...]:
    """Return the lines of an address, the country by its name in the reader's language."""
    if not isinstance(address, Mapping):
        return ()
    country = _text(address.get("country"))
    place = [_text(address.get("postal_code")), _text(address.get("city"))]
    if country in CODE_BEHIND_CITY:
        place.reverse()
    lines = [_text(line) for line in address.get("lines") or ()]
    lines.append(" ".join(filter(None, place)) or None)
    lines.append(formats.country(country) if country else None)
    return tuple(line for line in lines if line)
