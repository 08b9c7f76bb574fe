"""What a page says to a reader."""

import re
from html import unescape


def seen(page: str) -> str:
    """What stands in the main part, without its tags, in single spaces."""
    text = re.sub(r"<[^>]+>", " ", page[page.index("<main") :])
    return " ".join(unescape(text).split()).replace("\N{MULTIPLICATION SIGN}", "x")
