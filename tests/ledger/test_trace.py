"""Traces: what a traceparent says, and that keeping it changes nothing that is proven."""

import pytest

from ledger.trace import Trace, Traced, keep_traces, new_trace, read_traceparent, trace_of, traces_of
from tests.ledger.samples import book, connect, opening, service

TRACE_ID, SPAN_ID = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
OTHER = f"00-{'1' * 32}-{SPAN_ID}-00"


@pytest.mark.parametrize(
    ("text", "is_sampled"),
    [
        pytest.param(f"00-{TRACE_ID}-{SPAN_ID}-01", True, id="sampled"),
        pytest.param(f"00-{TRACE_ID}-{SPAN_ID}-00", False, id="not sampled"),
        pytest.param(f"00-{TRACE_ID}-{SPAN_ID}-03", True, id="more flags"),
        pytest.param(f"cc-{TRACE_ID}-{SPAN_ID}-01-what-the-future-brings", True, id="later version"),
    ],
)
def test_what_can_be_followed(text, is_sampled):
    assert read_traceparent(text) == Trace(TRACE_ID, SPAN_ID, is_sampled)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(None, id="none"),
        pytest.param("", id="empty"),
        pytest.param(f"00-{'0' * 32}-{SPAN_ID}-01", id="trace of zeros"),
        pytest.param(f"00-{TRACE_ID}-{'0' * 16}-01", id="span of zeros"),
        pytest.param(f"ff-{TRACE_ID}-{SPAN_ID}-01", id="forbidden version"),
        pytest.param(f"00-{TRACE_ID}-{SPAN_ID}-01-more", id="more than version 00 has"),
        pytest.param(f"00-{TRACE_ID.upper()}-{SPAN_ID}-01", id="upper case"),
        pytest.param(f"00-{TRACE_ID}-{SPAN_ID}", id="no flags"),
        pytest.param(f"00-{TRACE_ID}-{SPAN_ID}-01\n", id="newline"),
    ],
)
def test_what_says_nothing(text):
    assert read_traceparent(text) is None


def test_a_new_trace_can_be_followed():
    begun = new_trace()
    assert read_traceparent(begun.traceparent) == begun
    assert new_trace().trace_id != begun.trace_id


@pytest.mark.postgres
def test_the_first_trace_of_a_fact_stays(database):
    first = read_traceparent(f"00-{TRACE_ID}-{SPAN_ID}-01")
    with connect(database) as connection:
        book(connection, [opening("acme"), service("a")])
        for trace in (first, read_traceparent(OTHER)):
            keep_traces(connection, [Traced("acme", 2, "", trace)])
        assert trace_of(connection, "acme", 1) is None
        assert trace_of(connection, "acme", 2) == first
        assert traces_of(connection, "acme", after_seq=0, up_to_seq=2) == {2: first}
        assert traces_of(connection, "other", after_seq=0, up_to_seq=2) == {}
