"""All rules of a gateway as one function of scans and time: what there is to say, and what outputs should be.

```
scan ─▶ latest values ─▶ conditions of the rules that name its sensor ─▶ state ─┬▶ episode, and its note
tick ──────────────────▶ conditions of all rules: values have aged ─────────────┴▶ outputs wanted
```
No thread and no clock: the caller pushes scans and ticks, in the order of their time.
Not here: threads, durability (``watch``); switching (``device_agent.outputs``).
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from contract.events import Episode
from device_agent.identity import Identity
from device_agent.outputs.port import OutputConfig
from device_agent.rules.checking import refs_of
from device_agent.rules.config import RuleConfig
from device_agent.rules.expression import Condition, Not
from device_agent.rules.latest import Latest, Source
from device_agent.rules.notes import RuleNote
from device_agent.rules.parsing import parse_condition
from device_agent.rules.verdicts import Known, RuleState
from device_agent.rules.wording import NS_PER_MS, At, Subject, later

MOST_AN_HOUR: Final = 60
"""Episodes of one rule that are told in an hour; a rule that flutters drives its outputs all the same."""

_HOUR_NS: Final = 3_600_000_000_000


class Said(NamedTuple):
    """An event of a rule, with the note that must be kept before it leaves."""

    rule: str
    note: RuleNote


class _Rule:
    """One rule at work."""

    def __init__(self, rule: RuleConfig, identity: Identity, now_ns: int) -> None:
        self.config = rule
        self.when: Condition = parse_condition(rule.when)
        self.clear: Condition = parse_condition(rule.clear_when) if rule.clear_when else Not(self.when)
        self.subject = Subject(identity, rule, tuple(refs_of(self.when)))
        self.sensors = {ref.sensor for condition in (self.when, self.clear) for ref in condition.refs()}
        self.state = RuleState(rule, now_ns)
        self.note: RuleNote | None = None
        self.told: deque[int] = deque(maxlen=MOST_AN_HOUR)
        self.gaps = False
        self.untold = 0

    def may_tell(self, now_ns: int) -> bool:
        if len(self.told) == MOST_AN_HOUR and now_ns - self.told[0] < _HOUR_NS:
            self.untold += 1
            return False
        self.told.append(now_ns)
        return True


class Rules:
    """All of them. One thread calls it; ``wanted`` may be read by any.

    Args:
        rules: Checked (see ``checking``).
        outputs: Those they may drive.
        identity: Gateway and boot.
        now: The present moment.
        notes: What the last process kept.

    Attributes:
        sensors: Names of those that rules look at.
        wanted: By output: whether it should be on. Replaced as a whole, never changed.
    """

    def __init__(
        self,
        rules: Sequence[RuleConfig],
        outputs: Sequence[OutputConfig],
        identity: Identity,
        now: At,
        *,
        notes: Mapping[str, RuleNote] | None = None,
    ) -> None:
        self._identity, self._outputs = identity, tuple(outputs)
        self._rules = {rule.name: _Rule(rule, identity, now.monotonic_ns) for rule in rules}
        self.sensors = frozenset(sensor for rule in self._rules.values() for sensor in rule.sensors)
        self._latest = Latest()
        self._now = now
        self._left: list[Said] = [said for name, note in (notes or {}).items() for said in self._resume(name, note)]
        self.wanted: Mapping[str, bool] = {}
        self._want()

    @property
    def open(self) -> list[str]:
        """Names of the rules that are open."""
        return [name for name, rule in self._rules.items() if rule.state.is_open]

    @property
    def blind(self) -> list[str]:
        """Names of the rules that have been without a verdict for too long."""
        return [name for name, rule in self._rules.items() if rule.state.is_blind]

    @property
    def counters(self) -> dict[str, int]:
        """Openings that were not told, by rule."""
        return {f"rule.{name}.untold": rule.untold for name, rule in self._rules.items()}

    def see(self, source: Source, values: Sequence[float], at: At) -> list[Said]:
        """Takes a sensor's cleaned scan; returns what there is to say."""
        self._latest.put(source, values, at.monotonic_ns)
        now = at if at.monotonic_ns >= self._now.monotonic_ns else self._now
        return self._judge((rule for rule in self._rules.values() if source.name in rule.sensors), now)

    def tick(self, now: At) -> list[Said]:
        """Lets time pass: waits end, values age."""
        now = now if now.monotonic_ns >= self._now.monotonic_ns else self._now
        return self._judge(self._rules.values(), now)

    def _judge(self, rules: Iterable[_Rule], now: At) -> list[Said]:
        self._now = now
        left, self._left = self._left, []
        said = [one for rule in rules for one in self._step(rule, now)]
        self._want()
        return [*left, *said]

    def _step(self, rule: _Rule, now: At) -> Iterator[Said]:
        read = self._latest.reader(now.monotonic_ns, rule.config.max_age_s)
        known = Known(rule.when.holds(read), rule.clear.holds(read))
        rule.gaps = rule.gaps or (rule.state.is_open and known.is_over is None)
        turn = rule.state.step(now.monotonic_ns, known)
        if turn is None:
            return
        phase, since_ns = turn
        if phase == "opened":
            rule.gaps = False
            if rule.may_tell(now.monotonic_ns):
                rule.note = self._noted(rule.subject.opened(now, since_ns, read), since_ns)
                yield Said(rule.config.name, rule.note)
        elif rule.note is not None:
            onset_ns = rule.note.onset_monotonic_ns
            yield Said(
                rule.config.name, self._noted(later(rule.note.said, "closed", now, onset_ns, gaps=rule.gaps), onset_ns)
            )
            rule.note = None

    def _resume(self, name: str, note: RuleNote) -> Iterator[Said]:
        """An open rule stays open; one that the document holds no more is closed; what was closed is said again."""
        said, rule, now = note.said, self._rules.get(name), self._now
        by_wall = now.monotonic_ns - max(0, now.wall_ms - said.onset_wall_ms) * NS_PER_MS
        onset_ns = note.onset_monotonic_ns if note.boot_id == self._identity.boot_id else by_wall
        if said.phase == "closed" or rule is None:
            yield Said(name, self._noted(later(said, "closed", now, onset_ns), onset_ns))
            return
        rule.state.reopen()
        rule.note = self._noted(later(said, "updated", now, onset_ns), onset_ns)
        yield Said(name, rule.note)

    def _noted(self, said: Episode, onset_ns: int) -> RuleNote:
        return RuleNote(said=said, boot_id=self._identity.boot_id, onset_monotonic_ns=onset_ns)

    def _want(self) -> None:
        self.wanted = {output.name: self._wants(output) for output in self._outputs}

    def _wants(self, output: OutputConfig) -> bool:
        driving = [rule.state for rule in self._rules.values() if output.name in rule.config.outputs]
        if any(state.is_open and not state.is_blind for state in driving):
            return True
        return output.safe_on and any(state.is_blind for state in driving)
