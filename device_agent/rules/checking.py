"""Whether rules can work with the sensors and outputs there are; a refusal names place, column and remedy.

Not here: reading the document (``device_agent.config``).
"""

import difflib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from device_agent.errors import ConfigError
from device_agent.outputs.port import OutputConfig
from device_agent.rules.config import RuleConfig
from device_agent.rules.expression import Condition, Ref
from device_agent.rules.parsing import parse_condition
from device_agent.rules.tokens import MistakeError

LONGEST_NAME: Final = 64

Channels = Callable[[], Collection[str] | None]
"""Asks for the names of a sensor's channels; ``None`` where nobody can say yet."""


class Place(NamedTuple):
    """Where in the document something stands: its path, and what puts the file before a message."""

    path: str
    told: Callable[[str], str]

    def refuse(self, what: str, remedy: str) -> ConfigError:
        """The error about it."""
        return ConfigError(self.told(f"{what} - at `{self.path}`"), remedy=remedy)


def check_rules(
    rules: Sequence[RuleConfig],
    outputs: Sequence[OutputConfig],
    *,
    sensors: Mapping[str, Channels],
    told: Callable[[str], str],
) -> None:
    """Checks all of them.

    Args:
        rules: Of the document.
        outputs: Of the document.
        sensors: By name; only those that conditions name are asked.
        told: Puts the file that holds a place before a message that ends with it.

    Raises:
        ConfigError: A rule or output cannot work.
    """
    _check_names("$.outputs", [output.name for output in outputs], told)
    _check_names("$.rules", [rule.name for rule in rules], told)
    known = [output.name for output in outputs]
    for index, rule in enumerate(rules):
        for key, text in (("when", rule.when), ("clear_when", rule.clear_when)):
            if text or key == "when":
                _check_condition(text, sensors, Place(f"$.rules[{index}].{key}", told))
        for number, name in enumerate(rule.outputs):
            if name not in known:
                place = Place(f"$.rules[{index}].outputs[{number}]", told)
                raise place.refuse(f"no output `{name}`", _one_of(name, known, "output"))


def _check_condition(text: str, sensors: Mapping[str, Channels], place: Place) -> None:
    try:
        condition = parse_condition(text)
    except MistakeError as exc:
        raise place.refuse(f"column {exc.at + 1}: {exc.what}", exc.remedy) from exc
    for ref in refs_of(condition):
        ask = sensors.get(ref.sensor)
        if ask is None:
            raise place.refuse(f"no sensor `{ref.sensor}` in `{ref}`", _one_of(ref.sensor, sensors, "sensor"))
        channels = ask()
        if channels is not None and ref.channel not in channels:
            raise place.refuse(f"sensor `{ref.sensor}` has no channel `{ref.channel}`", _remedy(ref, channels))


def refs_of(condition: Condition) -> Iterator[Ref]:
    """The channels it names, each once, in the order they are written."""
    return iter(dict.fromkeys(condition.refs()))


def _remedy(ref: Ref, channels: Collection[str]) -> str:
    hint = "; a difference needs spaces round its -" if "-" in ref.channel else ""
    return _one_of(ref.channel, channels, "channel") + hint


def _one_of(wrong: str, known: Collection[str], what: str) -> str:
    if not known:
        return f"add the {what} to the document"
    near = difflib.get_close_matches(wrong, known, n=1)
    return f"did you mean `{near[0]}`?" if near else f"use one of: {', '.join(known)}"


def _check_names(path: str, names: Sequence[str], told: Callable[[str], str]) -> None:
    seen: set[str] = set()
    for index, name in enumerate(names):
        place = Place(f"{path}[{index}].name", told)
        if not name.replace("_", "").replace("-", "").isalnum() or len(name) > LONGEST_NAME:
            raise place.refuse(f"{name!r}", f"use letters, digits, '_' and '-', at most {LONGEST_NAME}")
        if name in seen:
            raise place.refuse(f"{name!r} is used twice", "give each its own name")
        seen.add(name)
