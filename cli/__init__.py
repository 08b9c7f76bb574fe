"""The `billing` command: the use cases from a shell."""
