"""What to write for a word that is misspelt."""

import difflib
from collections.abc import Iterable


def nearest(written: str, known: Iterable[str]) -> str:
    """A remedy: the word that is meant, in whatever case it was written, or all there are."""
    by_lower = {word.lower(): word for word in known}
    close = difflib.get_close_matches(written.lower(), by_lower, n=1)
    return f"write `{by_lower[close[0]]}`" if close else f"one of {', '.join(by_lower.values())}"
