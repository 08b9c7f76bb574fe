"""Audits issued documents: folds the facts that each was computed from again, and compares the bytes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby, zip_longest
from typing import Any, Final, LiteralString

import orjson
from psycopg import Cursor

from billing.days import Day, iso
from billing.invoice import Draft
from billing.invoiced import Invoiced, InvoicedSpan, apply_lines
from billing.money import format_minor
from ledger.accounts import Issue, Standing, decide
from ledger.canonical import canonical, fingerprint
from ledger.read import head
from projections import crediting, drafting, issued_facts, parking, past
from projections.books import Books
from projections.invoices import InvoiceUnknownError
from projections.issued_facts import IssuedFacts
from projections.past import Past

# A document's lines follow it in the same transaction.
ISSUED_BEFORE: Final[LiteralString] = """
    SELECT i.payload FROM ledger.fact l CROSS JOIN LATERAL (
        SELECT payload FROM ledger.fact
        WHERE tenant_id = l.tenant_id AND seq < l.seq AND type = 'invoice.issued'
        ORDER BY seq DESC LIMIT 1) i
    WHERE l.tenant_id = %(tenant_id)s AND l.stream = %(stream)s AND l.version = 1"""
NOTHING: Final = "nothing"


@dataclass(frozen=True, slots=True)
class Difference:
    """The first place where a document is not what the facts give.

    `place` is `line 2`, `document`, `fact` (what stands around the document) or `facts` (they break a fold).
    """

    number: str
    place: str
    field: str
    issued: object
    replayed: object

    def __str__(self) -> str:
        """Return the difference as one sentence."""
        field = f", {self.field}" if self.field else ""
        return f"{self.number}, {self.place}{field}: issued {self.issued}, the facts give {self.replayed}"


@dataclass(frozen=True, slots=True)
class Audited:
    """One document with what its facts give; `draft` is None where they give none, or can't be folded."""

    document: IssuedFacts
    draft: Draft | None
    books: Books | None
    difference: Difference | None


def read_document(cursor: Cursor[Any], tenant_id: str, number: str) -> tuple[Past, str]:
    """Read what the audit of one document needs, and whose it is. Raises InvoiceUnknownError."""
    query = {"tenant_id": tenant_id, "stream": issued_facts.lines_stream(number)}
    row = cursor.execute(ISSUED_BEFORE, query, binary=True).fetchone()
    issued = {} if row is None else orjson.loads(row[0])["data"]
    if issued.get("number") != number:
        raise InvoiceUnknownError(f"{tenant_id} has no document {number!r}; see: billing invoices list")
    customer_id: str = issued["document"]["customer_id"]
    known = head(cursor.connection, tenant_id)
    assert known is not None, tenant_id
    return past.read(cursor, tenant_id, [customer_id], known.size)[0], customer_id


def audit_document(found: Past, customer_id: str, number: str) -> Audited:
    """Audit one document, going on from what its customer's earlier ones say as they were issued."""
    documents = found.customers[customer_id].documents
    before: list[IssuedFacts] = []
    for run in _runs(documents):
        if any(item.number == number for item in run):
            try:
                standing = issued_facts.standing(before)
                credit = issued_facts.credit(before)
            except Exception as error:  # noqa: BLE001 - whatever forged lines raise, it is named
                chosen = next(item for item in run if item.number == number)
                return Audited(chosen, None, None, _unfolded(chosen, error))
            audited = _audit_run(found, customer_id, before, run, standing, credit)
            return next(item for item in audited if item.document.number == number)
        before.extend(run)
    raise AssertionError(number)


def audit_customer(found: Past, customer_id: str) -> Iterator[Audited]:
    """Audit all documents of a customer in the order of issue; the first difference is the last item.

    What was invoiced before a document is what the facts gave for the earlier ones: equal, or not got here.
    """
    invoiced = Invoiced()
    credit: dict[str, int] = {}
    before: list[IssuedFacts] = []
    for run in _runs(found.customers[customer_id].documents):
        for item in _audit_run(found, customer_id, before, run, invoiced.by_service, credit):
            yield item
            if item.difference is not None:
                return
            assert item.draft is not None, "what is equal was computed"
            invoiced = apply_lines(invoiced, item.document.number, item.draft.lines)
        before.extend(run)


def _runs(documents: Iterable[IssuedFacts]) -> Iterator[list[IssuedFacts]]:
    """Yield the documents that one run issued to a customer: those computed at one seq, in one transaction.

    The account expects its version, so no two runs can issue from the same seq.
    """
    for _, run in groupby(documents, key=lambda item: item.computed_at_seq):
        yield list(run)


def _audit_run(
    found: Past,
    customer_id: str,
    before: Sequence[IssuedFacts],
    run: Sequence[IssuedFacts],
    standing: Mapping[str, Sequence[InvoicedSpan]],
    credit: dict[str, int],
) -> list[Audited]:
    """Audit what one run issued to a customer: the drafts of a later day go on from those of an earlier.

    `credit` is what was on the account before, by currency; it goes on with each document.
    """
    seq = run[0].computed_at_seq
    if before and before[-1].seq > seq:
        later = f"at least {before[-1].seq}: {before[-1].number} was issued there"
        wrong = Difference(run[0].number, "fact", "computed_at_seq", seq, later)
        return [Audited(item, None, None, wrong) for item in run]
    if run[0].credited is not None:
        return [_audit_credit(found, customer_id, before, run[0], standing, credit)]
    try:
        read = found.snapshot(customer_id, seq, drafting.NOT_BILLED, standing)
        days = sorted({item.due_for for item in run})
        drafts = {
            (draft.due_for, draft.currency): draft
            for drafts in drafting.drafts_of(read, customer_id, days)
            for draft in drafts
        }
    except Exception as error:  # noqa: BLE001 - whatever forged facts raise, it is named
        return [Audited(item, None, None, _unfolded(item, error)) for item in run]
    audited = []
    for item in run:
        draft = drafts.pop((item.due_for, item.currency), None)
        difference = _compare(found, customer_id, item, draft, read.books, credit)
        audited.append(Audited(item, draft, read.books, difference))
    if drafts and audited[-1].difference is None:
        missing = _missing(run[-1].number, next(iter(drafts.values())))
        audited[-1] = Audited(run[-1], audited[-1].draft, read.books, missing)
    return audited


def _audit_credit(
    found: Past,
    customer_id: str,
    before: Sequence[IssuedFacts],
    item: IssuedFacts,
    standing: Mapping[str, Sequence[InvoicedSpan]],
    credit: dict[str, int],
) -> Audited:
    """Audit a document that takes back another: it has one line for each that stood."""
    assert item.credited is not None, item.number
    known = found.books(customer_id, item.computed_at_seq)
    try:
        target = next(one for one in before if one.number == item.credited.number)
        draft, given = crediting.document_over(
            item.credited,
            target.version,
            standing,
            known,
            customer_id=customer_id,
            currency=target.currency,
            issue_day=item.due_for,
            credit_minor=credit.get(target.currency, 0),
        )
    except Exception as error:  # noqa: BLE001 - whatever a forged fact raises, it is named
        return Audited(item, None, None, _unfolded(item, error))
    credit[target.currency] = given.settlement.carried_forward
    return Audited(item, draft, known, _matched(found, item, draft, given))


def _compare(
    found: Past,
    customer_id: str,
    issued: IssuedFacts,
    draft: Draft | None,
    books: Books,
    credit: dict[str, int],
) -> Difference | None:
    if draft is None:
        due_for = iso(issued.due_for)
        return Difference(
            issued.number, "document", "", f"a document for {due_for} in {issued.currency}", NOTHING
        )
    try:
        given = drafting.document_of(draft, books, customer_id, credit.get(draft.currency, 0))
        credit[draft.currency] = given.settlement.carried_forward
        return _matched(found, issued, draft, given)
    except Exception as error:  # noqa: BLE001 - whatever a forged fact raises, it is named
        return _unfolded(issued, error)


def _matched(found: Past, issued: IssuedFacts, draft: Draft, given: drafting.Document) -> Difference | None:
    """Return the first difference between the facts of a document and those that issuing it again appends."""
    try:
        facts = _facts_again(found.tenant.tenant_id, issued, given)
        if facts == [issued.payload, *(payload for _, payload in issued.parts)]:
            return None
        return _first_difference(issued, draft, given.lines.lines, facts)
    except Exception as error:  # noqa: BLE001 - whatever a forged fact raises, it is named
        return _unfolded(issued, error)


def _facts_again(tenant_id: str, issued: IssuedFacts, given: drafting.Document) -> list[bytes]:
    """Return the payloads that issuing the document again would append, with its number, day and moment."""
    data = issued.issued
    again = Issue(
        number=issued.number,
        series=given.kind,
        kind=given.kind,
        issued_on=date.fromisoformat(data["issued_on"]),
        due_for=date.fromordinal(given.due_for),
        computed_at_seq=issued.computed_at_seq,
        engine=data["engine"],
        document=given.document,
        lines=given.lines,
        credits=given.credits,
    )
    moment = datetime.fromisoformat(issued.event["time"])
    standing = Standing(given.customer_id, issued.version - 1, None)
    return [fact.payload for fact in decide(tenant_id, standing, [again], moment=moment)]


def _first_difference(
    issued: IssuedFacts, draft: Draft, lines: Sequence[bytes], facts: Sequence[bytes]
) -> Difference:
    """Return where the facts differ: in a line, else in the document, else in what stands around it."""
    number = issued.number
    given = [line.as_data(draft.currency) for line in draft.lines]
    for place, (ours, theirs) in enumerate(zip_longest(given, issued.lines()), start=1):
        if ours is None or theirs is None:
            return Difference(number, f"line {place}", "", _line(theirs), _line(ours))
        if canonical(theirs) != lines[place - 1]:
            return Difference(number, f"line {place}", *_first_field(theirs, ours))
    events = [orjson.loads(payload) for payload in facts]
    theirs, ours = issued.issued["document"], events[0]["data"]["document"]
    if theirs != ours:
        return Difference(number, "document", *_first_field(theirs, ours))
    stored = [issued.event, *(orjson.loads(payload) for _, payload in issued.parts)]
    for theirs, ours in zip_longest(stored, events, fillvalue=NOTHING):
        if theirs != ours:
            return Difference(number, "fact", *_first_field(theirs, ours))
    hashes = [
        [fingerprint(payload).hex() for payload in payloads]
        for payloads in ([issued.payload, *(payload for _, payload in issued.parts)], facts)
    ]
    return Difference(number, "fact", "bytes", *hashes)


def _first_field(issued: Any, given: Any, path: str = "") -> tuple[str, object, object]:
    """Return the path of the first member that differs, and both values; there is one."""
    if isinstance(issued, dict) and isinstance(given, dict):
        for name in (*given, *(name for name in issued if name not in given)):
            ours, theirs = given.get(name, NOTHING), issued.get(name, NOTHING)
            if ours != theirs:
                return _first_field(theirs, ours, f"{path}.{name}" if path else name)
    if isinstance(issued, list) and isinstance(given, list):
        for place, (theirs, ours) in enumerate(zip_longest(issued, given, fillvalue=NOTHING), start=1):
            if ours != theirs:
                return _first_field(theirs, ours, f"{path}[{place}]")
    return path, issued, given


def _line(data: Mapping[str, Any] | None) -> str:
    if data is None:
        return NOTHING
    return f"{data['amount']} for {data['service_id']} {data['price_id']} from {data['period_start']}"


def _missing(number: str, draft: Draft) -> Difference:
    what = f"a document for {iso(Day(draft.due_for))} in {draft.currency}"
    return Difference(
        number, "run", what, NOTHING, f"{format_minor(draft.net_minor, draft.currency)} {draft.currency}"
    )


def _unfolded(issued: IssuedFacts, error: Exception) -> Difference:
    return Difference(issued.number, "facts", "", "a document", f"no answer: {parking.reason_of(error)}")
