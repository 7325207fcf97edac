"""How a measurement is printed: for people, or as one JSON object on the last line of stdout."""

from collections.abc import Mapping

import msgspec


def show(results: Mapping[str, object], *, as_json: bool) -> None:
    """Prints results by section; each is anything that msgspec can write."""
    text = msgspec.json.encode(results)
    print((text if as_json else msgspec.json.format(text, indent=2)).decode(), flush=True)
