"""`billing export`: issued documents as PDF files, or their lines as CSV."""

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, Final

import typer

from cli.options import CustomerOption, JsonOption, TenantOption
from cli.output import print_json, print_text, progress
from cli.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from api.issued_documents import IssuedDocuments
    from documents.lines_csv import ControlTotals
    from documents.view import InvoiceView

app = typer.Typer(help="Write invoices as PDF, or their lines as CSV.")
UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]")


@app.command()
def pdf(
    folder: Annotated[Path, typer.Argument(help="Folder for the files; made where it is missing.")],
    *,
    number: Annotated[str | None, typer.Option("--number", metavar="NO", help="One document only.")] = None,
    customer: CustomerOption = None,
    tenant: TenantOption = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes that render; default: one per processor.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Write each issued invoice and credit note as a PDF named by its number."""
    with _documents(tenant) as found, progress("rendering") as bar:
        if number is not None:
            views, total = iter([found.view(number)]), 1
        else:
            views, total = found.views(customer), len(found.rows(customer))
        paths = write_pdfs(views, folder, workers=workers, done=lambda count: bar(count, total))
    if as_json:
        print_json({"files": paths})
    else:
        print_text(f"wrote {len(paths)} PDF files to {folder}")


@app.command()
def csv(
    file: Annotated[Path, typer.Argument(help="The file to write.")],
    *,
    customer: CustomerOption = None,
    tenant: TenantOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write all lines of issued documents as CSV, and the totals to check the file against."""
    with _documents(tenant) as found:
        totals = write_csv(found.views(customer), file)
    if as_json:
        print_json({"file": file, **_data(totals)})
        return
    sums = ", ".join(f"{currency} {net}" for currency, net in totals.net.items()) or "nothing"
    print_text(f"wrote {totals.lines} lines of {totals.documents} documents to {file}: {sums}")
    print_text(f"sha256 {totals.sha256}")


def write_pdfs(
    views: "Iterable[InvoiceView]",
    folder: Path,
    *,
    workers: int | None = None,
    done: "Callable[[int], None] | None" = None,
) -> list[Path]:
    """Write each view as `<number>.pdf` and return the paths; `workers` None: one process per processor.

    `done` hears how many are written. A file is complete or not there.
    """
    from documents.pool import RenderPool

    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    with RenderPool(workers=workers or os.cpu_count() or 1) as pool:
        for view, rendered in pool.render(views):
            path = folder / f"{file_name(view.number)}.pdf"
            with _complete(path) as output:
                output.write(rendered)
            paths.append(path)
            if done:
                done(len(paths))
    return paths


def write_csv(views: "Iterable[InvoiceView]", path: Path) -> "ControlTotals":
    """Write the lines of `views` to `path` and return the totals. The file is complete or not there."""
    from documents.lines_csv import write_lines

    path.parent.mkdir(parents=True, exist_ok=True)
    with _complete(path) as output:
        return write_lines(views, output)


def file_name(number: str) -> str:
    """Return a document's number as a file name: signs that a path can't have are written as their code."""
    name = UNSAFE.sub(lambda found: f"%{ord(found[0]):02X}", number)
    return f"%2E{name[1:]}" if name.startswith(".") else name


@contextmanager
def _complete(path: Path) -> Iterator[BinaryIO]:
    """Open a file that takes its place only when the block has ended well."""
    unfinished = path.with_name(f".{path.name}.part")
    try:
        with unfinished.open("wb") as output:
            yield output
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


@contextmanager
def _documents(tenant: str | None) -> "Iterator[IssuedDocuments]":
    import psycopg

    from api.issued_documents import IssuedDocuments
    from cli.tenants import tenant_of
    from projections.session import reading

    with psycopg.connect(read_settings().database(), autocommit=True) as connection:
        tenant_id = tenant_of(connection, tenant)
        with reading(connection, tenant_id) as cursor:
            yield IssuedDocuments(cursor, tenant_id)


def _data(totals: "ControlTotals") -> dict[str, object]:
    return {
        "documents": totals.documents,
        "lines": totals.lines,
        "net": totals.net,
        "sha256": totals.sha256,
    }
