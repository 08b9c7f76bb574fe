"""The Merkle tree of RFC 9162 over leaf hashes: a root from a stream of leaves, in memory of log2(n) hashes.

Here is the place for what is to come: inclusion and consistency proofs need the inner nodes, signed
checkpoints need (size, root). Both are functions of the leaves that the ledger keeps.
"""

from collections.abc import Iterable
from hashlib import sha256
from typing import Final

EMPTY_ROOT: Final = sha256(b"").digest()
NODE: Final = b"\x01"


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
        subtrees, size = self._subtrees, self._size
        for leaf in leaves:
            size += 1
            node, carry = leaf, size
            while not carry & 1:
                node = sha256(NODE + subtrees.pop() + node).digest()
                carry >>= 1
            subtrees.append(node)
        self._size = size

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
    return sha256(b"\x00" + entry).digest()


def root_of(entries: Iterable[bytes]) -> bytes:
    """Return the Merkle tree hash of log entries."""
    frontier = Frontier()
    frontier.extend(map(leaf_hash, entries))
    return frontier.root()
