"""Anomalies: facts that can't be rated or make no sense yet, until later facts make sense of them."""

from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from api.access import EVERYBODY, GuardedRoute, View
from api.fields import EventRef, QueryId, event_ref
from api.lists import Asked, Fetched, Listed, Page, answer, list_door
from projections import anomalies, pages
from projections.anomalies import AnomalyRow
from projections.pages import Wanted

router = APIRouter(route_class=GuardedRoute, tags=["anomalies"])


class Anomaly(BaseModel):
    """One finding; it has no effect on amounts."""

    subject: str = Field(description="What it is about.", examples=["service/svc-1001"])
    code: str = Field(description="Listed in docs/reference/errors.md.", examples=["unknown_customer"])
    event: EventRef
    detail: str

    @classmethod
    def of(cls, row: AnomalyRow) -> "Anomaly":
        """Return a row as it is shown."""
        return cls(
            subject=row.subject,
            code=row.code,
            event=event_ref(row.source, row.event_id),
            detail=row.detail,
        )


def _fetch(view: View, wanted: Wanted) -> list[Fetched[Anomaly]]:
    found = pages.page(view.cursor, view.tenant_id, anomalies.LISTING, wanted)
    return [(Anomaly.of(AnomalyRow(*one.row)), one.key) for one in found]


ANOMALIES: Final = Listed("anomalies", Anomaly, anomalies.LISTING.orders, _fetch)


@router.get(
    "/anomalies",
    operation_id="list_anomalies",
    summary="List anomalies",
    response_model=Page[Anomaly],
    **list_door(*EVERYBODY, item=Anomaly),
)
def list_anomalies(
    asked: Asked,
    code: Annotated[QueryId, Query(examples=["unknown_customer"])] = None,
    subject: Annotated[QueryId, Query(examples=["service/svc-1001"])] = None,
    sort: Literal["subject", "-subject"] = "subject",
) -> Response:
    """List what can't be rated or makes no sense yet, by what it is about."""
    return answer(ANOMALIES, asked, sort, {"code": code, "subject": subject})
