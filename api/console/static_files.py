"""Style, script and fonts: the few files that pages load, from here alone."""

from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Response

from api.console.doors import PageRoute, open_door
from api.console.rendering import FOLDER
from api.errors import NotFoundError

router = APIRouter(route_class=PageRoute, include_in_schema=False)
FONTS: Final = Path(str(resources.files("documents"))) / "fonts"
MEDIA: Final[Mapping[str, str]] = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".ttf": "font/ttf",
    ".txt": "text/plain; charset=utf-8",
}
KEPT: Final = "public, max-age=31536000, immutable"
"""Pages name each file with a mark of its content."""


@router.get("/static/{name}", **open_door())
def static_file(name: str) -> Response:
    """Return one of the files. Raises NotFoundError."""
    found = _files().get(name)
    if found is None:
        raise NotFoundError(f"there is no file {name[:100]!r}")
    return Response(
        found.read_bytes(),
        media_type=MEDIA[found.suffix],
        headers={"Cache-Control": KEPT, "X-Content-Type-Options": "nosniff"},
    )


@lru_cache(maxsize=1)
def _files() -> dict[str, Path]:
    folders = (FOLDER / "static", FONTS)
    return {path.name: path for folder in folders for path in folder.iterdir() if path.suffix in MEDIA}
