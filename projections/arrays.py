"""PostgreSQL's text for arrays of thousands of members, which the driver would write one by one."""

from collections.abc import Collection, Iterable

BETWEEN = '","'


def texts(values: Collection[str]) -> str:
    """Return the text of a `text[]`."""
    joined = BETWEEN.join(values)
    if "\\" in joined or joined.count('"') != 2 * max(len(values) - 1, 0):
        joined = BETWEEN.join(value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return f'{{"{joined}"}}' if values else "{}"


def numbers(values: Iterable[int]) -> str:
    """Return the text of an array of whole numbers."""
    return f"{{{','.join(map(str, values))}}}"
