"""The OpenAPI 3.1 document, from the routes and what holds for all of them: `python -m api.openapi`."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import yaml
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from psycopg import Connection
from psycopg_pool import ConnectionPool

from api.access import SCHEME
from api.errors import Problem, ProblemPlace
from api.openapi_examples import illustrate
from api.openapi_plain import plain, renamed

FILE: Final = Path(__file__).parents[1] / "schemas" / "openapi.yaml"
TITLE: Final = "Billing ledger"
VERSION: Final = "1"
DESCRIPTION: Final = """\
Service lifecycle events in, explainable invoices out.

**Keys.** Every address below `/v1` takes `Authorization: Bearer <key>`. A key belongs to one tenant and has
one role; `x-roles` says which roles an operation lets in. What belongs to another tenant does not exist.

**Amounts** are texts, exact, in the currency's decimals. **Periods** are half-open: an end is the first day
that does not belong to it.

**Lists** come in pages (`limit`, and `next` given back as `cursor`), in the order of `sort` (a minus turns it
round); with `Accept: text/csv` or `application/jsonl` all of a list is streamed.

**Errors** are problems (RFC 9457) with a stable `code`. A query parameter that an operation does not
declare is refused (`parameter_unknown`), never ignored. **ETag**: send `If-None-Match` to be spared what you
have already."""
TAGS: Final = [
    {"name": "health", "description": "Is the process alive, and ready."},
    {"name": "events", "description": "Publish events by HTTP, and ask what became of them."},
    {"name": "catalog", "description": "Products and the dated versions of their prices."},
    {"name": "customers", "description": "Who is billed."},
    {"name": "services", "description": "What is billed: the timeline of each service, and its charges."},
    {"name": "invoices", "description": "Issued invoices and credit notes, line by line explained."},
    {"name": "forecast", "description": "What will be invoiced."},
    {"name": "adjustments", "description": "One-off charges and credits that a person enters."},
    {"name": "bill runs", "description": "Issue what is due."},
    {"name": "anomalies", "description": "Facts that can't be rated or make no sense yet."},
    {"name": "dead letters", "description": "Messages that were refused."},
    {"name": "ledger", "description": "The facts themselves."},
    {"name": "about", "description": "The API about itself."},
]


def document(app: FastAPI) -> dict[str, Any]:
    """Return the document of `app`."""
    found = get_openapi(
        title=TITLE,
        version=VERSION,
        openapi_version="3.1.0",
        description=DESCRIPTION,
        routes=app.routes,
        tags=TAGS,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
    )
    components = found.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    for model in (Problem, ProblemPlace):
        schemas[model.__name__] = model.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas[model.__name__].pop("$defs", None)
    components["securitySchemes"] = {
        SCHEME: {
            "type": "http",
            "scheme": "bearer",
            "description": "A key as `billing keys create` prints it: `blk_…`.",
        }
    }
    used = {
        tag
        for operations in found["paths"].values()
        for operation in operations.values()
        for tag in operation.get("tags", ())
    }
    found["tags"] = [tag for tag in TAGS if tag["name"] in used]
    plain(found)
    illustrate(found)
    return renamed(found)


def text() -> str:
    """Return the document as YAML, as it is checked in."""
    return yaml.dump(_application().openapi(), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks, and everything as often as it stands."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the base class calls it so
        return True


def _block(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _block)


def _application() -> FastAPI:
    """Return an application that only describes itself: its pool is never opened."""
    from api.app import create_app  # noqa: PLC0415 - which needs this module
    from api.settings import ApiSettings, Context  # noqa: PLC0415

    pool = ConnectionPool[Connection[Any]](open=False)
    return create_app(Context(ApiSettings(), pool, pool.getconn, lambda: datetime.now(UTC)))


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
    sys.stdout.write(f"{FILE.name} in {FILE.parent.name}/\n")
