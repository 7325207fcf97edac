"""What to try after a mistake in the configuration: the nearest known key, or the kinds there are.

Not here: finding the mistake; msgspec does, and names its place.
"""

import difflib
import re
from collections.abc import Iterable

import msgspec

_UNKNOWN_FIELD = re.compile(r"unknown field `([^`]*)`")
_UNKNOWN_KIND = re.compile(r"Invalid value .* - at `\$\.sensors\[\d+\]\.type`")
_GENERAL = "mend the document at the place named"


def advice(message: str, *, structs: Iterable[type[msgspec.Struct]], sensors: Iterable[type[msgspec.Struct]]) -> str:
    """One sentence for an operator.

    Args:
        message: msgspec's, with the place.
        structs: Every part of the document, for its keys.
        sensors: Every driver's configuration, for its ``type``.
    """
    if _UNKNOWN_KIND.search(message):
        return "use one of these types: " + ", ".join(sorted(str(sensor.__struct_config__.tag) for sensor in sensors))
    if found := _UNKNOWN_FIELD.search(message):
        return _nearest_key(found[1], {key for struct in structs for key in struct.__struct_fields__})
    return _GENERAL


def _nearest_key(wrong: str, keys: set[str]) -> str:
    near = difflib.get_close_matches(wrong, sorted(keys), n=1)
    return f"did you mean `{near[0]}`?" if near else "remove that key, or see docs/gateway.md for the known ones"
