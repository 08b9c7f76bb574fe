"""The API about itself: its OpenAPI document, and the key that asks."""

from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from api.access import EVERYBODY, Caller, GuardedRoute, door
from ledger.keys import KeyRole

router = APIRouter(route_class=GuardedRoute, tags=["about"])


class KeyShown(BaseModel):
    """The key that asks; its secret is nowhere."""

    key_id: str = Field(examples=["abcdefghijkl"])
    name: str
    role: KeyRole
    tenant_id: str
    created_at: datetime
    expires_at: datetime | None


@router.get(
    "/openapi.json",
    operation_id="get_openapi",
    summary="This document",
    response_model=dict[str, Any],
    **door(*EVERYBODY),
)
def get_openapi(request: Request) -> JSONResponse:
    """Return the OpenAPI 3.1 document of this API."""
    return JSONResponse(request.app.openapi())


@router.get("/key", operation_id="get_key", summary="The key that asks", **door(*EVERYBODY))
def get_key(key: Caller) -> KeyShown:
    """Say which tenant and role the key has, and until when it holds: a way to try a key out."""
    return KeyShown.model_validate(key, from_attributes=True)
