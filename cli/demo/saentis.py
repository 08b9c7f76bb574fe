"""Säntis Workplace AG, Kreuzlingen: rents out workplaces, bills in euros (all invented)."""

from typing import Final

from cli.demo.messages import Data
from cli.demo.provider import Fleet, Product, Provider, one_time, recurring

SETTINGS: Final[Data] = {
    "tenant_id": "saentis",
    "name": "Säntis Workplace AG",
    "currency": "EUR",
    "timezone": "Europe/Zurich",
    "address": {
        "lines": ["Hafenstrasse 42"],
        "postal_code": "8280",
        "city": "Kreuzlingen",
        "country": "CH",
    },
    "email": "rechnungen@saentis-workplace.example",
    "legal": {
        "registration": "CHE-123.456.789",
        "account_holder": "Säntis Workplace AG",
        "iban": "CH93 0076 2011 6238 5295 7",
        "terms": "Payable within 30 days, net.",
        "website": "saentis-workplace.example",
    },
    "personal_attributes": ["user"],
    "number_prefix": {"invoice": "SW-", "credit_note": "SWC-"},
    "alignment": "calendar",
    "billing_day": 1,
}

PRODUCTS: Final = (
    Product(
        {
            "product_id": "laptop-standard",
            "name": "Laptop Standard",
            "service_type": "device",
            "description": "14-inch business laptop with on-site exchange",
            "prices": [
                recurring("rent", "Rent", "30.00", "month"),
                one_time("setup", "Set-up and delivery", "99.00", "activation"),
                one_time("refurbish", "Collection and refurbishing", "25.00", "return"),
            ],
        },
        "device",
        "lap",
        successor="laptop-pro",
    ),
    Product(
        {
            "product_id": "laptop-pro",
            "name": "Laptop Pro",
            "service_type": "device",
            "prices": [
                recurring("rent", "Rent", "52.50", "month"),
                one_time("setup", "Set-up and delivery", "99.00", "activation"),
                one_time("refurbish", "Collection and refurbishing", "25.00", "return"),
            ],
        },
        "device",
        "pro",
    ),
    Product(
        {
            "product_id": "monitor-27",
            "name": "Monitor 27 inch",
            "service_type": "device",
            "prices": [recurring("rent", "Rent", "8.40", "month")],
        },
        "device",
        "mon",
    ),
    Product(
        {
            "product_id": "office-suite",
            "name": "Office Suite",
            "service_type": "licence",
            "prices": [
                recurring("seat", "Licence per seat", "11.70", "month"),
                one_time("reorder", "Change of the order", "5.00", "change"),
            ],
        },
        "seats",
        "off",
    ),
    Product(
        {
            "product_id": "endpoint-protection",
            "name": "Endpoint Protection",
            "service_type": "licence",
            "prices": [recurring("seat", "Licence per device", "2.4550", "month", "in_arrears")],
        },
        "seats",
        "epp",
    ),
    Product(
        {
            "product_id": "backup-managed",
            "name": "Managed Backup",
            "service_type": "managed service",
            "prices": [
                recurring("base", "Base fee", "149.00", "quarter"),
                one_time("onboarding", "Onboarding", "480.00", "activation"),
            ],
        },
        "managed",
        "bak",
    ),
    Product(
        {
            "product_id": "service-desk",
            "name": "Service Desk",
            "service_type": "managed service",
            "prices": [recurring("user", "Per user", "18.00", "month", "in_arrears")],
        },
        "managed",
        "dsk",
    ),
    Product(
        {
            "product_id": "domain",
            "name": "Domain and DNS",
            "service_type": "subscription",
            "prices": [recurring("year", "Yearly fee", "24.00", "year", proration="none")],
        },
        "managed",
        "dom",
    ),
)

CONFERENCE_HUB: Final[Data] = {
    "product_id": "conference-hub",
    "name": "Conference Hub",
    "service_type": "device",
    "prices": [
        recurring("rent", "Rent", "64.90", "month"),
        one_time("setup", "Installation on site", "180.00", "activation"),
    ],
}
"""Delivered before sales had put it into the catalog."""

CUSTOMERS: Final[tuple[Data, ...]] = (
    {
        "customer_id": "c-101",
        "name": "Bäckerei Rütimann AG",
        "address": {"lines": ["Marktgasse 9"], "postal_code": "9000", "city": "St. Gallen", "country": "CH"},
        "email": "buchhaltung@ruetimann.example",
    },
    {
        "customer_id": "c-102",
        "name": "Toggenburg Holzbau GmbH",
        "address": {"lines": ["Sägereistrasse 3"], "postal_code": "9630", "city": "Wattwil", "country": "CH"},
        "email": "info@toggenburg-holzbau.example",
        "phone": "+41 71 555 01 02",
    },
    {
        "customer_id": "c-103",
        "name": "Praxis Dr. Lenz & Partner",
        "language": "de",
        "address": {"lines": ["Seestrasse 118"], "postal_code": "78464", "city": "Konstanz", "country": "DE"},
        "billing_day": 5,
        "rounding": "half_even",
    },
    {
        "customer_id": "c-104",
        "name": "Seeufer Hotel Betriebs AG",
        "address": {
            "lines": ["Quai 1", "Rechnungswesen"],
            "postal_code": "9400",
            "city": "Rorschach",
            "country": "CH",
        },
        "email": "kreditoren@seeufer-hotel.example",
        "alignment": "billing_day",
        "billing_day": 10,
    },
    {
        "customer_id": "c-105",
        "name": "Nordwind Optik AG",
        "address": {
            "lines": ["Bahnhofplatz 6"],
            "postal_code": "8500",
            "city": "Frauenfeld",
            "country": "CH",
        },
        "email": "office@nordwind-optik.example",
        "billing_day": 2,
    },
    {
        "customer_id": "c-106",
        "name": "Kanzlei Brunner Imhof",
        "language": "de",
        "address": {"lines": ["Obere Gasse 21"], "postal_code": "6900", "city": "Bregenz", "country": "AT"},
        "billing_day": 15,
        "timezone": "Europe/Vienna",
        "price_overrides": {"office-suite": {"seat": "10.90"}, "laptop-pro": {"rent": "49.00"}},
    },
    {
        "customer_id": "c-107",
        "name": "Linthal Maschinenbau AG",
        "address": {
            "lines": ["Industriestrasse 77"],
            "postal_code": "8783",
            "city": "Linthal",
            "country": "CH",
        },
        "email": "einkauf@linthal-maschinen.example",
        "phone": "+41 55 555 07 70",
        "billing_day": 31,
        "alignment": "billing_day",
    },
    {
        "customer_id": "c-108",
        "name": "Stadtgärtnerei Wil",
        "address": {"lines": ["Gärtnerweg 12"], "postal_code": "9500", "city": "Wil", "country": "CH"},
        "billing_day": 5,
        "credit_on_stop": "none",
    },
    {
        "customer_id": "c-109",
        "name": "Rheintal Logistik AG",
        "address": {"lines": ["Zollstrasse 200"], "postal_code": "9443", "city": "Widnau", "country": "CH"},
        "email": "invoice@rheintal-logistik.example",
        "billing_day": 20,
        "stop_day": "billed",
        "price_overrides": {"laptop-standard": {"rent": "27.50"}},
    },
)

SAENTIS: Final = Provider(
    settings=SETTINGS,
    products=PRODUCTS,
    customers=CUSTOMERS,
    first_service_number=1001,
    fleets={
        "c-101": (
            Fleet("laptop-standard", 3),
            Fleet("monitor-27", 2, (1, 2)),
            Fleet("office-suite", 1, (6, 12)),
            Fleet("endpoint-protection", 1, (6, 12)),
            Fleet("domain", 1),
        ),
        "c-102": (
            Fleet("laptop-standard", 4),
            Fleet("laptop-pro", 1),
            Fleet("office-suite", 1, (8, 15)),
            Fleet("backup-managed", 1),
            Fleet("domain", 2),
        ),
        "c-103": (
            Fleet("laptop-pro", 2),
            Fleet("monitor-27", 2, (2, 4)),
            Fleet("service-desk", 1, (5, 14)),
            Fleet("endpoint-protection", 2, (5, 20)),
        ),
        "c-104": (
            Fleet("laptop-standard", 4),
            Fleet("monitor-27", 1, (4, 8)),
            Fleet("service-desk", 1, (10, 30)),
            Fleet("backup-managed", 1),
            Fleet("office-suite", 2, (5, 25)),
        ),
        "c-106": (
            Fleet("laptop-pro", 4),
            Fleet("office-suite", 1, (9, 16)),
            Fleet("endpoint-protection", 1, (9, 16)),
            Fleet("backup-managed", 1),
        ),
        "c-107": (
            Fleet("laptop-standard", 5),
            Fleet("laptop-pro", 2),
            Fleet("monitor-27", 2, (3, 9)),
            Fleet("service-desk", 1, (20, 60)),
            Fleet("domain", 1),
        ),
        "c-108": (
            Fleet("laptop-standard", 2),
            Fleet("office-suite", 1, (3, 6)),
            Fleet("backup-managed", 1),
            Fleet("domain", 1),
        ),
        "c-109": (
            Fleet("laptop-standard", 6),
            Fleet("monitor-27", 2, (2, 6)),
            Fleet("endpoint-protection", 1, (20, 80)),
            Fleet("service-desk", 1, (15, 40)),
        ),
    },
)
