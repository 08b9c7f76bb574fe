"""Invoices as files: the PDF that a customer gets, and the lines as CSV."""

import io
import threading
from typing import Final
from urllib.parse import quote

from fastapi import APIRouter, Response

from api.access import READERS, Caller, Contextual, GuardedRoute, Viewing, door
from api.fields import PathId
from api.issued_documents import IssuedDocuments
from documents.invoice_pdf import render
from documents.lines_csv import write_lines
from projections.session import reading

router = APIRouter(route_class=GuardedRoute, tags=["invoices"])
PDF: Final = "application/pdf"
CSV: Final = "text/csv"
RENDERING: Final = threading.Lock()
"""The renderer's fonts are shared, and it is not made for several threads."""


@router.get(
    "/invoices/{number}/pdf",
    operation_id="get_invoice_pdf",
    summary="Download an invoice as PDF",
    response_class=Response,
    **door(
        *READERS,
        errors=("invoice_unknown",),
        answers={200: {"description": "The document.", "content": {PDF: {"schema": {"type": "string"}}}}},
    ),
)
def get_invoice_pdf(context: Contextual, key: Caller, number: PathId) -> Response:
    """Render the document as its customer gets it; the same facts give the same bytes."""
    with context.pool.connection() as connection, reading(connection, key.tenant_id) as cursor:
        shown = IssuedDocuments(cursor, key.tenant_id).view(number)
    with RENDERING:
        return _file(render(shown), f"{number}.pdf", PDF)


@router.get(
    "/invoices/{number}/csv",
    operation_id="get_invoice_csv",
    summary="Download the lines of an invoice as CSV",
    response_class=Response,
    **door(
        *READERS,
        errors=("invoice_unknown",),
        answers={200: {"description": "The lines.", "content": {CSV: {"schema": {"type": "string"}}}}},
    ),
)
def get_invoice_csv(view: Viewing, number: PathId) -> Response:
    """Return the lines, each with its arithmetic; docs/reference/documents.md names the columns."""
    content = io.BytesIO()
    write_lines([IssuedDocuments(view.cursor, view.tenant_id).view(number)], content)
    return _file(content.getvalue(), f"{number}.csv", CSV)


def _file(content: bytes, name: str, media: str) -> Response:
    disposition = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
    return Response(content, media_type=media, headers={"Content-Disposition": disposition})
