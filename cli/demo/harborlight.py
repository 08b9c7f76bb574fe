"""Harborlight Managed IT, Inc., Portland, Maine: runs networks, bills in US dollars (all invented)."""

from typing import Final

from cli.demo.messages import Data
from cli.demo.provider import Fleet, Product, Provider, one_time, recurring

SETTINGS: Final[Data] = {
    "tenant_id": "harborlight",
    "name": "Harborlight Managed IT, Inc.",
    "currency": "USD",
    "timezone": "America/New_York",
    "address": {
        "lines": ["14 Commercial Wharf", "Suite 300"],
        "postal_code": "ME 04101",
        "city": "Portland",
        "country": "US",
    },
    "email": "billing@harborlight.example",
    "legal": {
        "tax_number": "EIN 01-2345678",
        "bank": "Casco First Bank, routing 000000000, account 000123456789",
        "terms": "Net 30 days.",
    },
    "personal_attributes": ["user"],
    "alignment": "billing_day",
    "billing_day": 15,
}

PRODUCTS: Final = (
    Product(
        {
            "product_id": "thin-client",
            "name": "Thin Client",
            "service_type": "device",
            "prices": [
                recurring("lease", "Lease", "19.95", "month"),
                one_time("setup", "Desk-side set-up", "45.00", "activation"),
            ],
        },
        "device",
        "thn",
    ),
    Product(
        {
            "product_id": "rugged-tablet",
            "name": "Rugged Tablet",
            "service_type": "device",
            "prices": [
                recurring("lease", "Lease", "27.00", "month"),
                one_time("restocking", "Restocking", "35.00", "return"),
            ],
        },
        "device",
        "tab",
        successor="thin-client",
    ),
    Product(
        {
            "product_id": "crm-seat",
            "name": "CRM Cloud",
            "service_type": "licence",
            "prices": [recurring("seat", "Seat", "39.00", "month", proration="none")],
        },
        "seats",
        "crm",
    ),
    Product(
        {
            "product_id": "site-vpn",
            "name": "Site-to-site VPN",
            "service_type": "managed service",
            "prices": [recurring("tunnel", "Tunnel", "75.00", "month", "in_arrears")],
        },
        "managed",
        "vpn",
    ),
    Product(
        {
            "product_id": "managed-firewall",
            "name": "Managed Firewall",
            "service_type": "managed service",
            "prices": [
                recurring("care", "Care, yearly", "1188.00", "year"),
                one_time("install", "Installation", "350.00", "activation"),
            ],
        },
        "managed",
        "fwl",
    ),
    Product(
        {
            "product_id": "support-plan",
            "name": "Support Plan",
            "service_type": "subscription",
            "prices": [recurring("plan", "Plan", "420.00", "quarter", "in_arrears")],
        },
        "managed",
        "sup",
    ),
    Product(
        {
            "product_id": "hotspot",
            "name": "Mobile Hotspot",
            "service_type": "subscription",
            "prices": [recurring("week", "Weekly pass", "6.50", "week")],
        },
        "device",
        "hot",
    ),
    Product(
        {
            "product_id": "eu-archive",
            "name": "EU Mail Archive",
            "service_type": "subscription",
            "currency": "EUR",
            "prices": [recurring("mailbox", "Mailbox", "1.4900", "month")],
        },
        "seats",
        "arc",
    ),
)

CUSTOMERS: Final[tuple[Data, ...]] = (
    {
        "customer_id": "c-201",
        "name": "Casco Bay Oyster Company",
        "address": {
            "lines": ["88 Shore Road"],
            "postal_code": "ME 04079",
            "city": "Harpswell",
            "country": "US",
        },
        "email": "ap@cascobayoyster.example",
    },
    {
        "customer_id": "c-202",
        "name": "Penobscot Dental Group",
        "address": {"lines": ["5 Elm Street"], "postal_code": "ME 04401", "city": "Bangor", "country": "US"},
        "phone": "+1 207 555 0142",
        "billing_day": 1,
    },
    {
        "customer_id": "c-203",
        "name": "Old Port Architects LLP",
        "address": {
            "lines": ["210 Fore Street"],
            "postal_code": "ME 04101",
            "city": "Portland",
            "country": "US",
        },
        "email": "office@oldportarchitects.example",
        "price_overrides": {"crm-seat": {"seat": "35.00"}},
    },
    {
        "customer_id": "c-204",
        "name": "Kennebec Freight Lines, Inc.",
        "address": {
            "lines": ["1 Depot Square"],
            "postal_code": "ME 04330",
            "city": "Augusta",
            "country": "US",
        },
        "email": "payables@kennebecfreight.example",
        "billing_day": 28,
        "stop_day": "billed",
    },
    {
        "customer_id": "c-205",
        "name": "Lakeshore Veterinary Clinics",
        "address": {
            "lines": ["4012 Sheridan Road"],
            "postal_code": "IL 60613",
            "city": "Chicago",
            "country": "US",
        },
        "timezone": "America/Chicago",
        "billing_day": 8,
    },
    {
        "customer_id": "c-206",
        "name": "Saltmarsh Brewing Company",
        "address": {
            "lines": ["17 Tannery Lane"],
            "postal_code": "ME 04005",
            "city": "Biddeford",
            "country": "US",
        },
        "email": "books@saltmarshbrewing.example",
        "alignment": "calendar",
    },
    {
        "customer_id": "c-207",
        "name": "Monhegan Ferry Service",
        "address": {
            "lines": ["Ferry Landing"],
            "postal_code": "ME 04855",
            "city": "Port Clyde",
            "country": "US",
        },
        "billing_day": 22,
        "rounding": "down",
        "credit_on_stop": "none",
    },
    {
        "customer_id": "c-208",
        "name": "The Lightkeeper's Inn",
        "address": {
            "lines": ["Point Road"],
            "postal_code": "ME 04554",
            "city": "New Harbor",
            "country": "US",
        },
        "email": "desk@lightkeepersinn.example",
    },
)

HARBORLIGHT: Final = Provider(
    settings=SETTINGS,
    products=PRODUCTS,
    customers=CUSTOMERS,
    first_service_number=5001,
    fleets={
        "c-201": (
            Fleet("rugged-tablet", 3),
            Fleet("site-vpn", 1),
            Fleet("hotspot", 1, (1, 2)),
            Fleet("support-plan", 1),
        ),
        "c-202": (
            Fleet("thin-client", 5),
            Fleet("crm-seat", 1, (4, 9)),
            Fleet("managed-firewall", 1),
            Fleet("support-plan", 1),
        ),
        "c-203": (
            Fleet("thin-client", 3),
            Fleet("crm-seat", 1, (6, 14)),
            Fleet("eu-archive", 1, (10, 40)),
            Fleet("site-vpn", 1),
        ),
        "c-204": (
            Fleet("rugged-tablet", 6),
            Fleet("hotspot", 2, (2, 6)),
            Fleet("site-vpn", 2),
            Fleet("crm-seat", 1, (12, 30)),
            Fleet("managed-firewall", 1),
        ),
        "c-205": (
            Fleet("thin-client", 4),
            Fleet("crm-seat", 2, (3, 8)),
            Fleet("support-plan", 1),
            Fleet("managed-firewall", 1),
        ),
        "c-206": (
            Fleet("rugged-tablet", 3),
            Fleet("thin-client", 2),
            Fleet("eu-archive", 1, (4, 12)),
            Fleet("support-plan", 1),
        ),
        "c-207": (
            Fleet("rugged-tablet", 3),
            Fleet("hotspot", 2, (1, 5)),
            Fleet("site-vpn", 1),
            Fleet("managed-firewall", 1),
        ),
    },
)
