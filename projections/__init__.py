"""Read models folded from the ledger, the runner that keeps them, and the bill run."""
