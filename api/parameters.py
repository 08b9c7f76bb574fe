"""Query parameters: an address takes those that it declares, and refuses every other."""

from collections.abc import Collection
from typing import Final

from fastapi import Request
from fastapi.dependencies.models import Dependant

from api.errors import MOST_SHOWN, ParameterUnknownError

NONE: Final = "none"


def declared(dependant: Dependant) -> frozenset[str]:
    """Return the names of the query parameters of a route, and of what it depends on."""
    own = frozenset(one.alias for one in dependant.query_params)
    return own.union(*map(declared, dependant.dependencies))


def refuse_unknown(request: Request, known: Collection[str]) -> None:
    """Raise ParameterUnknownError for a query parameter that is not among the known ones.

    Were it ignored, a misspelt filter would list everything, and a misspelt `dry_run` would book.
    """
    for name in request.query_params:
        if name not in known:
            taken = ", ".join(sorted(known)) or NONE
            raise ParameterUnknownError(
                f"query.{name[:MOST_SHOWN]}: {request.method} has no such parameter here; there are: {taken}"
            )
