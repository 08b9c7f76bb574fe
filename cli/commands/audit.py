"""`billing audit`: compute issued documents again from their facts, and compare them byte by byte."""

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from billing.explanation import arithmetic
from billing.money import format_minor
from cli.faults import ExitCode
from cli.options import JsonOption, TenantOption
from cli.output import print_json, print_text, progress
from cli.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from billing.facts import EventRef
    from billing.line import Line
    from projections.audit import Audited, Difference
    from projections.audit_all import AuditReport
    from projections.evidence import Evidence

app = typer.Typer(help="Compute issued invoices again from their facts, and compare them byte by byte.")


@app.command()
def invoice(
    number: str = typer.Argument(help="The document's number."),
    *,
    tenant: TenantOption = None,
    as_json: JsonOption = False,
) -> None:
    """Audit one document, and show for each line its arithmetic and the events behind it.

    The facts up to its computed_at_seq are folded again; later facts and the read models are not looked at.
    Exits with 1 where the document is not, byte for byte, what they give.
    """
    import psycopg

    from cli.tenants import tenant_of
    from projections.audit import audit_document, read_document
    from projections.evidence import evidence, refs_of
    from projections.session import reading_facts

    with psycopg.connect(read_settings().database(), autocommit=True) as connection:
        tenant_id = tenant_of(connection, tenant)
        with reading_facts(connection, tenant_id) as cursor:
            found, customer_id = read_document(cursor, tenant_id, number)
            audited = audit_document(found, customer_id, number)
            known: dict[EventRef, Evidence] = {}
            if audited.draft is not None and audited.books is not None:
                known = evidence(cursor, found, audited.books.book, refs_of(audited.draft.lines))
    if as_json:
        print_json(_data(tenant_id, customer_id, audited, known))
    else:
        _print(tenant_id, customer_id, audited, known)
    if audited.difference is not None:
        raise typer.Exit(ExitCode.FAILED)


@app.command("all")
def all_(
    *,
    tenant: Annotated[
        str | None, typer.Option("--tenant", metavar="ID", help="One tenant; all of them by default.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes that fold and compare.")] = 2,
    as_json: JsonOption = False,
) -> None:
    """Audit every issued document; exit 1 and name the first one that is not what its facts give."""
    import psycopg

    from cli.tenants import tenant_of
    from ledger.facts import SYSTEM_TENANT
    from ledger.verify import tenants
    from projections.audit_all import audit_all

    connect = partial(psycopg.connect, read_settings().database(), autocommit=True)
    with connect() as connection:
        names = tenants(connection) if tenant is None else (tenant_of(connection, tenant),)
    reports: list[AuditReport] = []
    for name in names:
        if name != SYSTEM_TENANT:
            with progress(f"audit {name}") as bar:
                reports.append(audit_all(connect, name, workers=workers, progress=bar))
    if as_json:
        print_json([_report_data(report) for report in reports])
    else:
        for report in reports:
            print_text(_report_line(report))
    if any(report.difference is not None for report in reports):
        raise typer.Exit(ExitCode.FAILED)


def _report_data(report: "AuditReport") -> dict[str, object]:
    return {
        "tenant_id": report.tenant_id,
        "up_to_seq": report.up_to_seq,
        "documents": report.documents,
        "lines": report.lines,
        "equal": report.difference is None,
        "difference": _difference_data(report.difference),
    }


def _report_line(report: "AuditReport") -> str:
    counted = f"{report.documents} documents of {report.lines} lines"
    if report.difference is None:
        return f"{report.tenant_id}: {counted} are what their facts give, byte by byte"
    return f"{report.tenant_id}: DIFFERENCE after {counted} that are equal: {report.difference}"


def _difference_data(difference: "Difference | None") -> dict[str, object] | None:
    if difference is None:
        return None
    return {
        "number": difference.number,
        "place": difference.place,
        "field": difference.field,
        "issued": difference.issued,
        "replayed": difference.replayed,
    }


def _data(
    tenant_id: str, customer_id: str, audited: "Audited", known: "Mapping[EventRef, Evidence]"
) -> dict[str, object]:
    issued, draft = audited.document, audited.draft
    return {
        "tenant_id": tenant_id,
        "number": issued.number,
        "kind": issued.issued["kind"],
        "customer_id": customer_id,
        "issued_on": issued.issued["issued_on"],
        "due_for": issued.issued["document"]["due_for"],
        "currency": issued.currency,
        "net": issued.issued["document"]["net"],
        "seq": issued.seq,
        "computed_at_seq": issued.computed_at_seq,
        "engine": issued.issued["engine"],
        "lines_root": issued.issued["document"]["lines_root"],
        "equal": audited.difference is None,
        "difference": _difference_data(audited.difference),
        "lines": []
        if draft is None
        else [_line_data(place, line, draft.currency, known) for place, line in enumerate(draft.lines, 1)],
    }


def _line_data(
    place: int, line: "Line", currency: str, known: "Mapping[EventRef, Evidence]"
) -> dict[str, object]:
    version = line.explanation.price_version
    return {
        "line": place,
        **line.as_data(currency),
        "arithmetic": arithmetic(line, currency),
        "events": [_evidence_data(ref, known) for ref in line.explanation.events],
        "price": None if version is None else _evidence_data(version, known),
    }


def _evidence_data(ref: "EventRef", known: "Mapping[EventRef, Evidence]") -> dict[str, object]:
    found = known.get(ref)
    if found is None:
        return {"source": ref.source, "id": ref.id, "seq": None}
    return {
        "source": ref.source,
        "id": ref.id,
        "type": found.type,
        "effective": found.effective,
        "day": found.day,
        "seq": found.seq,
        "recorded_at": found.recorded_at,
        "origin": found.origin,
    }


def _print(
    tenant_id: str, customer_id: str, audited: "Audited", known: "Mapping[EventRef, Evidence]"
) -> None:
    issued = audited.document
    content = issued.issued["document"]
    print_text(
        f"{issued.issued['kind'].replace('_', ' ')} {issued.number} of {tenant_id} for {customer_id}: "
        f"{content['net']} {content['currency']}, issued on {issued.issued['issued_on']} "
        f"for {content['due_for']}"
    )
    print_text(f"computed by engine {issued.issued['engine']} from the facts up to {issued.computed_at_seq}")
    if audited.difference is not None:
        print_text(f"DIFFERENCE: {audited.difference}")
        print_text("What the facts give:" if audited.draft is not None else "The facts give nothing.")
    else:
        print_text(f"equal, byte by byte: document and {content['line_count']} lines")
    draft = audited.draft
    for place, line in enumerate(() if draft is None else draft.lines, start=1):
        assert draft is not None
        amount = format_minor(line.amount_minor, draft.currency)
        print_text()
        print_text(f"line {place}: {line.service_id} {line.price_id}, {amount} {draft.currency}")
        print_text(f"  {arithmetic(line, draft.currency)}")
        for ref in line.explanation.events:
            print_text(f"  because of {_evidence_line(ref, known)}")
        if line.explanation.price_version is not None:
            price = _evidence_line(line.explanation.price_version, known)
            print_text(f"  at the {line.explanation.price_source.removesuffix(' price')} price of {price}")


def _evidence_line(ref: "EventRef", known: "Mapping[EventRef, Evidence]") -> str:
    found = known.get(ref)
    if found is None:
        return f"{ref.id} of {ref.source}, which the ledger does not have"
    since = "always" if found.day is None else found.day.isoformat()
    origin = f", {found.origin}" if found.origin else ""
    return (
        f"{found.type} {ref.id} of {ref.source}, effective {since}, "
        f"recorded {found.recorded_at.isoformat()} as {found.seq}{origin}"
    )
