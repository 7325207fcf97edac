"""A job's status details, made fit for the service: what it refuses would leave the job open for ever.

Limits: keys of 1 to 128 characters ``[a-zA-Z0-9:_-]``, values of 1 to 1024 without control characters (Unicode's
category C), ten pairs. Source: API reference of ``iotjobsdata`` (``DetailsKey``, ``DetailsValue``), AWS IoT quotas.
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import Final

MOST: Final = 10
LONGEST_KEY: Final = 128
LONGEST_VALUE: Final = 1024
FIRST: Final = ("reason", "state", "step")
"""What stays where not all fits, and comes first."""

_NOT_IN_A_KEY: Final = re.compile(r"[^a-zA-Z0-9:_-]")
_CUT: Final = "…"


def fit(details: Mapping[str, str]) -> dict[str, str]:
    """The details that the service takes: cleaned, cut, and not more than it allows; what is empty is left out."""
    clean = {_key(name): _value(text) for name, text in details.items()}
    names = sorted(clean, key=lambda name: FIRST.index(name) if name in FIRST else len(FIRST))
    return {name: clean[name] for name in [name for name in names if name and clean[name]][:MOST]}


def _key(name: str) -> str:
    return _NOT_IN_A_KEY.sub("_", name)[:LONGEST_KEY]


def _value(text: str) -> str:
    plain = "".join(" " if unicodedata.category(each)[0] == "C" else each for each in text)
    words = " ".join(plain.split())
    return words if len(words) <= LONGEST_VALUE else words[: LONGEST_VALUE - len(_CUT)] + _CUT
