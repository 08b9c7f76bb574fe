"""The Merkle tree against the recursive definition of RFC 9162 §2.1.1."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.merkle import EMPTY_ROOT, Frontier, leaf_hash, root_of


def reference(entries: list[bytes]) -> bytes:
    """MTH(D[n]) as the RFC writes it."""
    if not entries:
        return sha256().digest()
    if len(entries) == 1:
        return sha256(b"\x00" + entries[0]).digest()
    split = 1
    while split * 2 < len(entries):
        split *= 2
    return sha256(b"\x01" + reference(entries[:split]) + reference(entries[split:])).digest()


ENTRIES = [bytes([number % 251]) * (number % 7) for number in range(300)]


@pytest.mark.parametrize("size", range(68))
def test_the_root_is_that_of_the_definition(size):
    assert root_of(ENTRIES[:size]) == reference(ENTRIES[:size])


@given(st.lists(st.integers(0, 90), max_size=4), st.booleans())
def test_it_does_not_matter_in_which_pieces_leaves_come(pieces, packed):
    frontier, start = Frontier(), 0
    for length in pieces:
        leaves = list(map(leaf_hash, ENTRIES[start : start + length]))
        start += len(leaves)
        if packed:
            frontier.extend_packed(b"".join(leaves))
        else:
            frontier.extend(leaves)
        frontier = Frontier(frontier.size, frontier.subtrees)
    assert (frontier.size, frontier.root()) == (start, reference(ENTRIES[:start]))


def test_an_empty_tree_has_the_hash_of_nothing():
    assert Frontier().root() == EMPTY_ROOT == reference([])


def test_a_leaf_cannot_pass_for_a_node():
    left, right = leaf_hash(b"a"), leaf_hash(b"b")
    assert leaf_hash(left + right) != root_of([b"a", b"b"])
