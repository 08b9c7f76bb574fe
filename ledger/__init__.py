"""The facts, the aggregates that decide, the append-only store and its Merkle log."""
