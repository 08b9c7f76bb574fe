"""Canonical JSON is RFC 8785, by whichever of the two ways it was written."""

import json

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from ledger.canonical import canonical, canonical_piece, fingerprint

texts = st.text(st.characters(exclude_categories=["Cs"]))
SAFE = 2**53 - 1
numbers = st.integers(-SAFE, SAFE) | st.floats(-SAFE, SAFE)
json_values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)


@given(json_values)
def test_any_value_is_written_as_the_reference_writes_it(value):
    assert canonical(value) == rfc8785.dumps(value)


@given(json_values)
def test_writing_what_was_read_changes_nothing(value):
    written = canonical(value)
    assert canonical(json.loads(written)) == written


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param({"b": 1, "a": [True, None]}, b'{"a":[true,null],"b":1}', id="keys sorted, no spaces"),
        pytest.param(
            {"\U0001f600": 1, "\ufb33": 2}, '{"\U0001f600":1,"\ufb33":2}'.encode(), id="keys by UTF-16 unit"
        ),
        pytest.param([1.0, 1e21, -0.0, 0.1], b"[1,1e+21,0,0.1]", id="floats as ECMAScript writes them"),
        pytest.param('\u2028\x7f\x1f"\\/', '"\u2028\x7f\\u001f\\"\\\\/"'.encode(), id="escapes"),
    ],
)  # fmt: skip
def test_the_form_of_rfc_8785(value, expected):
    assert canonical(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        [1, float("-inf")],
        2**53,
        {"n": -(2**60)},
        "\ud800",
        {1: "a"},
        {"a": object()},
    ],
    ids=[
        "NaN",
        "infinity",
        "inner infinity",
        "2^53",
        "-2^60",
        "lone surrogate",
        "key that is no text",
        "object",
    ],
)
def test_what_has_no_canonical_form_is_refused(value):
    with pytest.raises(ValueError):
        canonical(value)


def test_a_canonical_piece_goes_in_as_it_is():
    inner = {"ü": [1, "x"], "a": None}
    assert canonical({"z": 1, "inner": canonical_piece(canonical(inner))}) == canonical(
        {"z": 1, "inner": inner}
    )


def test_equal_content_has_one_fingerprint():
    assert fingerprint(canonical({"a": 1, "b": 2})) == fingerprint(canonical({"b": 2, "a": 1}))
    assert fingerprint(canonical({"a": 1})) != fingerprint(canonical({"a": "1"}))
