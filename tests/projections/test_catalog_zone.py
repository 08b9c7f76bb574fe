"""An instant in a price version is a day in the tenant's zone (BILLING.md §1)."""

from billing.days import day
from projections.books import zone_of_tenant
from projections.catalog import known


def heard(kind, seq, **data):
    return {"type": kind, "source": "/catalog", "id": f"e{seq}", "tenantid": "t1", "data": data}, seq


def test_a_version_counts_from_the_tenants_local_day() -> None:
    rent = {
        "price_id": "rent",
        "kind": "recurring",
        "amount": "30.00",
        "interval": "month",
        "timing": "in_advance",
    }
    tenant = heard("tenant.configured", 1, tenant_id="t1", name="T", currency="CHF", timezone="Europe/Zurich")
    product = heard("product.published", 2, product_id="p", name="P", prices=[rent])
    version = heard(
        "price.published",
        3,
        product_id="p",
        price_id="rent",
        amount="33.00",
        effective="2026-08-31T22:30:00Z",
        applies="immediately",
    )
    catalog = known({"p": [product, version]}, zone_of_tenant([tenant])).catalog
    (price,) = catalog.products["p"].prices
    assert [item.effective for item in price.versions][-1] == day("2026-09-01")
