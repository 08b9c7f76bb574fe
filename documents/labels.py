"""The fixed words of a document, per language."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Labels:
    """Every word that a document prints by itself. Placeholders are `str.format` fields."""

    invoice: str
    credit_note: str
    amount_due: str
    nothing_due: str
    credited: str
    issued_on: str
    due_for: str
    payable_by: str
    customer: str
    service_period: str
    corrects: str
    description: str
    quantity: str
    unit_price: str
    amount: str
    subtotal: str
    one_time: str
    recurring: str
    corrections: str
    adjustment: str
    adjustment_no: str
    credit_applied: str
    credit_left: str
    paid_out: str
    total_net: str
    tax: str
    total: str
    no_tax: str
    no_lines: str
    payment: str
    reference: str
    credit_note_payment: str
    page: str
    of: str
    ledger: str
    entry: str
    leaf: str
    erased: str
    days: str
    line_of: str
    reverses: str
    adjusts: str
    bank: str
    account_holder: str
    vat_id: str
    tax_number: str
    registration: str


ENGLISH: Final = Labels(
    invoice="Invoice",
    credit_note="Credit note",
    amount_due="Amount due",
    nothing_due="Nothing to pay",
    credited="Credited to you",
    issued_on="Issued on",
    due_for="Charges up to",
    payable_by="Payable by {date}",
    customer="Customer",
    service_period="Service period",
    corrects="Corrects",
    description="Description",
    quantity="Qty",
    unit_price="Unit price",
    amount="Amount",
    subtotal="Sum",
    one_time="One-time",
    recurring="Recurring",
    corrections="Corrections of earlier invoices",
    adjustment="Adjustments",
    adjustment_no="Adjustment",
    credit_applied="Set off from your account credit",
    credit_left="On your account from now on: {amount}",
    paid_out="Paid out to you: {amount}",
    total_net="Net amount",
    tax="Tax {rate} % on {base}",
    total="Total",
    no_tax="Amounts are net; no tax is shown.",
    no_lines="This document has no lines.",
    payment="How to pay",
    reference="Reference",
    credit_note_payment="Nothing to pay: this amount is credited to your account.",
    page="Page",
    of="of",
    ledger="Ledger",
    entry="entry",
    leaf="leaf",
    erased="Name erased",
    days="{served} of {full} days",
    line_of="{number} line {line}",
    reverses="Reverses {reference}",
    adjusts="{now} for {span}, less {before} in {reference}",
    bank="Bank",
    account_holder="Account holder",
    vat_id="VAT no.",
    tax_number="Tax no.",
    registration="Company no.",
)

GERMAN: Final = Labels(
    invoice="Rechnung",
    credit_note="Rechnungskorrektur",
    amount_due="Zu zahlen",
    nothing_due="Nichts zu zahlen",
    credited="Ihre Gutschrift",
    issued_on="Datum",
    due_for="Abgerechnet bis",
    payable_by="Zahlbar bis {date}",
    customer="Kunde",
    service_period="Leistungszeitraum",
    corrects="Korrigiert",
    description="Leistung",
    quantity="Menge",
    unit_price="Einzelpreis",
    amount="Betrag",
    subtotal="Summe",
    one_time="Einmalig",
    recurring="Laufend",
    corrections="Korrekturen früherer Rechnungen",
    adjustment="Anpassungen",
    adjustment_no="Anpassung",
    credit_applied="Aus Ihrem Guthaben verrechnet",
    credit_left="Guthaben ab jetzt: {amount}",
    paid_out="Auszahlung an Sie: {amount}",
    total_net="Nettobetrag",
    tax="Steuer {rate} % auf {base}",
    total="Gesamtbetrag",
    no_tax="Alle Beträge sind netto; es wird keine Steuer ausgewiesen.",
    no_lines="Dieser Beleg hat keine Positionen.",
    payment="Zahlung",
    reference="Verwendungszweck",
    credit_note_payment="Nichts zu zahlen: Der Betrag wird Ihrem Konto gutgeschrieben.",
    page="Seite",
    of="von",
    ledger="Hauptbuch",
    entry="Eintrag",
    leaf="Blatt",
    erased="Name gelöscht",
    days="{served} von {full} Tagen",
    line_of="{number} Position {line}",
    reverses="Storniert {reference}",
    adjusts="{now} für {span}, abzüglich {before} in {reference}",
    bank="Bank",
    account_holder="Kontoinhaber",
    vat_id="USt-IdNr.",
    tax_number="Steuernummer",
    registration="Handelsregister",
)

BY_LANGUAGE: Final = {"en": ENGLISH, "de": GERMAN}
