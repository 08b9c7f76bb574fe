"""Measures behind `billing bench`: ours against a limit, in the same run."""
