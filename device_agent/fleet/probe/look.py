"""One look at the gateway's processes: what they say of themselves, and what the kernel says of them.

Only as much of the status files as is judged; a field that an older or a newer version does not write is its default.
Not here: how it is read (``reading``), what follows from several looks (``stretch``).
"""

import msgspec


class SensorFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One sensor's; see ``contract.health.SensorHealth``."""

    state: str = ""
    scans: int = 0
    samples: int = 0
    gaps: int = 0
    missed: int = 0
    shed: int = 0


class FilterFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One filter's; see ``device_agent.filters.tally.FilterStatus``."""

    model: str = ""
    scores: list[int] = []
    opened: int = 0


class Sensed(msgspec.Struct, frozen=True, kw_only=True):
    """``run-status.json``; see ``device_agent.health.RunStatus``."""

    wall_ms: int = 0
    uptime_ms: int = 0
    pid: int = 0
    samples: int = 0
    windows: int = 0
    accepted: int = 0
    episode_open: bool = False
    sensors: dict[str, SensorFigures] = {}
    filters: dict[str, FilterFigures] = {}
    counters: dict[str, int] = {}
    degraded: list[str] = []


class Forwarded(msgspec.Struct, frozen=True, kw_only=True):
    """``agent-status.json``; see ``device_agent.agent.AgentStatus``."""

    wall_ms: int = 0
    connected: bool = False
    acknowledged: int = 0
    pending: dict[str, int] = {}
    trouble: str = ""


class Used(msgspec.Struct, frozen=True, kw_only=True):
    """What a process used, by the kernel's account.

    Attributes:
        pid: Of the process.
        rss_bytes: Resident memory.
        cpu_s: Seconds on a processor since its start, its own and the kernel's for it.
    """

    pid: int
    rss_bytes: int
    cpu_s: float


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """All of it at one time.

    Attributes:
        at_s: Monotonic.
        sensed: What ``thresher run`` says; ``None`` where it does not run or has said nothing for long.
        forwarded: What ``thresher agent`` says, likewise.
        used: By process name.
        ends: Ends of processes that nobody asked for, ever.
        awaited: Processes that should run.
    """

    at_s: float
    sensed: Sensed | None = None
    forwarded: Forwarded | None = None
    used: dict[str, Used] = {}
    ends: int = 0
    awaited: tuple[str, ...] = ("run",)
