"""Servers that the project starts by itself: for tests, the demo, a laptop."""
