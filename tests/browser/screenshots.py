"""`make screenshots`: the pictures of the console in README and docs, of the demo's world."""

import sys
import tempfile
from pathlib import Path
from typing import Final, NamedTuple

import psycopg

from cli.embedded.postgres import postgres
from ledger.migrate import migrate
from tests.browser.conftest import log_in, standing, started
from tests.contract.repository import ROOT

FOLDER: Final = ROOT / "docs" / "images"
DATABASE: Final = "billing"


class Picture(NamedTuple):
    """What is shown: an address, what is pressed there, and how high the window is."""

    name: str
    path: str
    pressed: str | None
    height: int


PICTURES: Final = (
    Picture("console-overview", "/console", None, 860),
    Picture("console-service", "/console/services/lap-0924", None, 1000),
    Picture("console-invoice", "/console/invoices/SW-000035", "Why line 2", 1000),
)


def main() -> None:
    with tempfile.TemporaryDirectory() as name, postgres(Path(name) / "postgres") as server:
        with psycopg.connect(server.url(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {DATABASE}")
        with psycopg.connect(server.url(DATABASE), autocommit=True) as connection:
            migrate(connection)
        with standing(server.url(DATABASE), Path(name)) as console, started() as browser:
            context = browser.new_context(
                base_url=console.address, color_scheme="light", device_scale_factor=1.5
            )
            page = context.new_page()
            log_in(page, console.token("finance"))
            for picture in PICTURES:
                page.set_viewport_size({"width": 1200, "height": picture.height})
                page.goto(picture.path)
                if picture.pressed is not None:
                    page.get_by_role("link", name=picture.pressed, exact=True).click()
                    page.get_by_role("heading", name="Events behind it").wait_for()
                page.mouse.move(0, 0)
                page.screenshot(path=FOLDER / f"{picture.name}.png")
                sys.stdout.write(f"{FOLDER / picture.name}.png\n")
            context.close()


if __name__ == "__main__":
    main()
