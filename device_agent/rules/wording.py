"""What a rule says of itself, as an episode: cloud, alerts and page treat it like one of the model's.

A rule's score is 1 while it is open and 0 when it ends: it has no distance. The episode belongs to the sensor of the
first channel that its condition names.
"""

from collections.abc import Sequence
from typing import NamedTuple

from contract.events import Episode, Phase
from contract.identifiers import episode_id
from device_agent.identity import Identity
from device_agent.rules.config import RuleConfig
from device_agent.rules.expression import Read, Ref

NS_PER_MS = 1_000_000
LONGEST_CONDITION = 200
"""Characters of a condition within a reason."""

_SHOWN = 4


class At(NamedTuple):
    """A moment by both clocks."""

    wall_ms: int
    monotonic_ns: int


class Subject(NamedTuple):
    """Whose rule it is, and what it looks at.

    Attributes:
        identity: Gateway and boot.
        rule: Its configuration.
        refs: The channels its condition names, in their order.
    """

    identity: Identity
    rule: RuleConfig
    refs: Sequence[Ref]

    def opened(self, now: At, since_ns: int, read: Read) -> Episode:
        """The first word; the condition has held since ``since_ns``."""
        onset_ms = since_ns // NS_PER_MS
        onset_wall_ms = now.wall_ms - (now.monotonic_ns - since_ns) // NS_PER_MS
        first = self.refs[0]
        name = episode_id(self.identity.gateway_id, self.identity.boot_id, f"rule.{self.rule.name}", onset_ms)
        return Episode(
            wall_ms=now.wall_ms,
            monotonic_ms=now.monotonic_ns // NS_PER_MS,
            episode_id=name,
            sensor=first.sensor,
            phase="opened",
            onset_wall_ms=onset_wall_ms,
            duration_ms=(now.monotonic_ns - since_ns) // NS_PER_MS,
            score=1.0,
            peak_score=1.0,
            peak_wall_ms=onset_wall_ms,
            top_channel=first.channel,
            contributions=_shares(self.refs),
            reason=self._reason(read),
            rule=self.rule.name,
            severity=self.rule.severity,
        )

    def _reason(self, read: Read) -> str:
        condition = " ".join(self.rule.when.split())
        if len(condition) > LONGEST_CONDITION:
            condition = condition[: LONGEST_CONDITION - 1] + "…"
        values = ", ".join(f"{ref} is {_value(read(ref))}" for ref in self.refs[:_SHOWN])
        lasted = f" for {self.rule.for_s:g} s" if self.rule.for_s else ""
        return f"{self.rule.name}: {condition}{lasted} ({values})"


def later(said: Episode, phase: Phase, now: At, onset_ns: int, *, gaps: bool = False) -> Episode:
    """The next word on an episode, that began at ``onset_ns`` by this boot's clock."""
    return Episode(
        wall_ms=now.wall_ms,
        monotonic_ms=now.monotonic_ns // NS_PER_MS,
        episode_id=said.episode_id,
        sensor=said.sensor,
        phase=phase,
        onset_wall_ms=said.onset_wall_ms,
        duration_ms=max(said.duration_ms, (now.monotonic_ns - onset_ns) // NS_PER_MS),
        score=0.0 if phase == "closed" else 1.0,
        peak_score=said.peak_score,
        peak_wall_ms=said.peak_wall_ms,
        top_channel=said.top_channel,
        contributions=said.contributions,
        reason=said.reason,
        quality="gaps" if gaps else said.quality,
        rule=said.rule,
        severity=said.severity,
    )


def _shares(refs: Sequence[Ref]) -> dict[str, float]:
    """Equal ones, of the channels of the episode's own sensor: its page marks those."""
    own = [ref.channel for ref in refs if ref.sensor == refs[0].sensor][:_SHOWN]
    return {channel: round(1 / len(own), 3) for channel in own}


def _value(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.6g}"
