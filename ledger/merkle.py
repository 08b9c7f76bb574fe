"""The Merkle tree of RFC 9162 over leaf hashes: a root from a stream of leaves, in memory of log2(n) hashes.

Here is the place for what is to come: inclusion and consistency proofs need the inner nodes, signed
checkpoints need (size, root). Both are functions of the leaves that the ledger keeps.
"""

from collections.abc import Iterable
from hashlib import sha256
from typing import Final

EMPTY_ROOT: Final = sha256(b"").digest()
LEAF: Final = b"\x00"
NODE: Final = b"\x01"
HASH_BYTES: Final = 32


class Frontier:
    """The roots of the full subtrees that lie side by side in a tree of `size` leaves, the largest first."""

    __slots__ = ("_size", "_subtrees")

    def __init__(self, size: int = 0, subtrees: Iterable[bytes] = ()) -> None:
        self._size = size
        self._subtrees = list(subtrees)
        assert len(self._subtrees) == size.bit_count(), (size, len(self._subtrees))

    @property
    def size(self) -> int:
        """How many leaves the tree has."""
        return self._size

    @property
    def subtrees(self) -> tuple[bytes, ...]:
        """What to store, with `size`, in order to go on later."""
        return tuple(self._subtrees)

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Add leaf hashes at the right."""
        for leaf in leaves:
            self._add(leaf, 0)

    def extend_packed(self, leaves: bytes) -> None:
        """Add leaf hashes that stand one behind the other, a full subtree at a time where they make one."""
        start, end = 0, len(leaves) // HASH_BYTES
        while start < end:
            level = (end - start).bit_length() - 1
            if self._size:
                level = min(level, (self._size & -self._size).bit_length() - 1)
            stop = start + (1 << level)
            self._add(_subtree_root(leaves[start * HASH_BYTES : stop * HASH_BYTES]), level)
            start = stop

    def _add(self, node: bytes, level: int) -> None:
        """Add a full subtree of 2^level leaves; the tree's size must be a multiple of that."""
        carry = (self._size >> level) + 1
        while not carry & 1:
            node = sha256(NODE + self._subtrees.pop() + node).digest()
            carry >>= 1
        self._subtrees.append(node)
        self._size += 1 << level

    def root(self) -> bytes:
        """Return the Merkle tree hash (RFC 9162 §2.1.1)."""
        if not self._subtrees:
            return EMPTY_ROOT
        *rest, node = self._subtrees
        for left in reversed(rest):
            node = sha256(NODE + left + node).digest()
        return node


def leaf_hash(entry: bytes) -> bytes:
    """Return the leaf of a log entry (RFC 9162 §2.1.1)."""
    return sha256(LEAF + entry).digest()


def root_of(entries: Iterable[bytes]) -> bytes:
    """Return the Merkle tree hash of log entries."""
    nodes = [sha256(LEAF + entry).digest() for entry in entries]
    if not nodes:
        return EMPTY_ROOT
    while len(nodes) > 1:
        # What has no neighbour goes up as it is: that is where RFC 9162 splits an uneven tree.
        last = nodes[-1:] if len(nodes) & 1 else []
        pairs = zip(nodes[::2], nodes[1::2], strict=False)
        nodes = [sha256(NODE + left + right).digest() for left, right in pairs] + last
    return nodes[0]


def _subtree_root(nodes: bytes) -> bytes:
    pair = 2 * HASH_BYTES
    while len(nodes) > HASH_BYTES:
        pairs = range(0, len(nodes), pair)
        nodes = b"".join([sha256(NODE + nodes[start : start + pair]).digest() for start in pairs])
    return nodes
