"""What a killed process had not yet accepted, by a ledger kept outside the spool.

```
readings ─▶ company (half a second, without rules) ─▶ window (summary_s) ─▶ group commit (group_commit_s) ─▶ accepted
                                        kill ✗: whatever is left of the last arrow is gone; never more
```
*Summaries*: from the end of the newest accepted window to the kill. *Context*: from the opening of an episode
whose context was not accepted to the kill.
Not here: what was accepted and is lost (``twin.reckoning``).
"""

from collections.abc import Sequence
from typing import Final, NamedTuple, Self

from device_agent.config import GatewayConfig
from device_agent.ledger import Entry
from device_agent.line import PATIENCE_S
from device_agent.sensing import COMMIT_EVERY_S

STALL_MS: Final = 500
"""What a write and this machine's scheduler may add: measured with both cores busy."""


class Bounds(NamedTuple):
    """What may be unaccepted, milliseconds.

    Attributes:
        summary_ms: Of summaries.
        context_ms: From an episode's acceptance to its context's.
    """

    summary_ms: int
    context_ms: int

    @classmethod
    def of(cls, config: GatewayConfig, *, scan_s: float) -> Self:
        """What a document promises; ``scan_s`` from one scan to the next."""
        commit_s = config.spool.group_commit_s + COMMIT_EVERY_S + (0 if config.rules else PATIENCE_S)
        context_s = commit_s + scan_s * (config.context.after_scans + 1)
        return cls(round((config.summary_s + commit_s + scan_s) * 1000), round(context_s * 1000))


class Unaccepted(NamedTuple):
    """What was found.

    Attributes:
        note: The figures, in words.
        broken: What exceeds its bound.
    """

    note: str
    broken: list[str]


def unaccepted(ledger: Sequence[Entry], kills_ms: Sequence[int], bounds: Bounds) -> Unaccepted:
    """Judges every kill.

    Args:
        ledger: In the order of acceptance.
        kills_ms: When the process was killed, Unix milliseconds, in order.
        bounds: What is promised; ``STALL_MS`` more is let pass, and both are said.
    """
    lives = _lives(ledger, kills_ms)
    summaries = [age for life, kill_ms in lives for age in summary_age_ms(life, kill_ms)]
    contexts = [age for life, kill_ms in lives for age in context_ages_ms(life, kill_ms)]
    had = sum(entry.kind == "context" for life, _ in lives for entry in life)
    what = (("summaries", summaries, bounds.summary_ms), ("context", contexts, bounds.context_ms))
    broken = [
        f"{kind} of {max(ages)} ms not accepted"
        for kind, ages, bound in what
        if max(ages, default=0) > bound + STALL_MS
    ]
    if not had:
        broken.append("no life saw a context: nothing was proved of it")
    said = [
        f"{kind} not yet accepted at a kill: at most {max(ages, default=0)} ms, {bound} promised"
        for kind, ages, bound in what
    ]
    return Unaccepted(f"{'; '.join(said)} (and {STALL_MS} let pass); {had} contexts in time", broken)


def summary_age_ms(life: Sequence[Entry], kill_ms: int) -> list[int]:
    """From the end of the newest accepted summary, or that life's first word, to the kill; at most one."""
    ends = [entry.sample_wall_ms for entry in life if entry.kind == "summary"]
    ends += [entry.accepted_wall_ms for entry in life[:1]]  # it may repeat the last life's word, of its time
    return [kill_ms - max(ends)] if ends else []


def context_ages_ms(life: Sequence[Entry], kill_ms: int) -> list[int]:
    """From each opening whose context was not accepted to the kill."""
    known = {entry.episode_id for entry in life if entry.kind == "context"}
    opened = [entry for entry in life if entry.kind == "episode" and entry.episode_id]
    return [kill_ms - entry.accepted_wall_ms for entry in opened if entry.episode_id not in known]


def _lives(ledger: Sequence[Entry], kills_ms: Sequence[int]) -> list[tuple[list[Entry], int]]:
    """What was accepted between two kills, and the second of them."""
    return [
        ([entry for entry in ledger if born_ms < entry.accepted_wall_ms <= kill_ms], kill_ms)
        for born_ms, kill_ms in zip([0, *kills_ms], kills_ms, strict=False)
    ]
