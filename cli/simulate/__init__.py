"""`billing simulate`: a small world in a file, lived through without any database (BILLING.md §10)."""
