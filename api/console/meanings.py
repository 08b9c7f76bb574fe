"""What codes mean, in a sentence for readers: of anomalies and of what was refused."""

from collections.abc import Mapping
from typing import Final

from schemas.reasons import Reason

ANOMALIES: Final[Mapping[str, str]] = {
    "not_active": (
        "A change, suspension or stop of a service that is not active on that day (a second "
        "suspension and a second stop among them)"
    ),
    "already_active": "A second activation while the service is active or suspended",
    "not_suspended": "A resume without a suspension",
    "never_active": "A return before any activation",
    "already_returned": "A second return without an activation in between",
    "incomplete_activation": "An activation that names no customer or no product, and nothing before it does",
    "incomplete_plan": "The same for service.scheduled",
    "supersedes_unknown": (
        "supersedes names an event that is not known, is of another service, price or customer, or "
        "can't be superseded"
    ),
    "unknown_customer": (
        "A service, or a customer change, of a customer that was never registered. Its charges "
        "can't be rated yet"
    ),
    "unknown_product": "A service of a product that was never published. Its charges can't be rated yet",
    "unknown_price": "A new version of a price that was never published",
    "product_differs": "A later publication names another currency",
    "price_differs": "A later publication changes a price that is known. A new amount is a price.published",
    "since_missing": "A price that is added to a known product does not say from when it counts",
    "customer_differs": "A later registration names another time zone",
    "tenant_differs": "A later tenant.configured names another currency or time zone",
    "adjustment_differs": "A later adjustment.entered uses an id that is taken, or gives it another currency",
    "effective_missing": "A later tenant.configured changes a policy and does not say from when",
}
"""As docs/reference/errors.md has them."""

SENT_AGAIN: Final = "Its sender sends it again, mended, under the same id; then this one can be discarded."
A_RELEASE: Final = (
    "Drive it again when the program was upgraded to a release that knows it. If its sender erred, it sends"
    " it again, mended; then this one can be discarded."
)
REMEDIES: Final[Mapping[Reason, str]] = {
    **dict.fromkeys(Reason, SENT_AGAIN),
    Reason.EMPTY: "Nothing was sent, so nothing is lost: it can be discarded.",
    Reason.UNKNOWN_TYPE: A_RELEASE,
    Reason.UNKNOWN_VERSION: A_RELEASE,
    Reason.RESERVED_SOURCE: (
        "Its sender sends it again with a source of its own; then this one can be discarded."
    ),
    Reason.TENANT_UNKNOWN: "Drive it again once tenant.configured has opened the ledger.",
    Reason.TENANT_SOURCE: (
        "If the source may configure tenants, an operator names it in BILLING_TENANT_SOURCES; then drive it"
        " again."
    ),
    Reason.CONFLICT: (
        "The first content stands. Its sender sends the change under a new id; then this one can be"
        " discarded."
    ),
    Reason.FOREIGN_TENANT: "Its sender uses a key of the tenant that the event names.",
}
"""What helps, for each reason."""
