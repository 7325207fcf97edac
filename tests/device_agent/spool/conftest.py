"""Events and spools for the tests of this folder."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from contract.health import Health
from contract.readings import Context
from contract.traces import Trace
from device_agent.spool.limits import DEFAULT, Limits, same_for_all
from device_agent.spool.memory import MemorySpool
from device_agent.spool.sqlite import SqliteSpool


def _health(number: int = 0) -> Health:
    return Health(
        wall_ms=1_700_000_000_000 + number,
        monotonic_ms=number,
        version="1",
        uptime_ms=number,
        interval_ms=60_000,
        sensors={},
    )


def _context(size: int = 10) -> Context:
    trace = Trace(unit="", resolution=1.0, packed="AA" * size)
    return Context(wall_ms=1, monotonic_ms=1, episode_id="e", sensor="s", scans=0, traces={"channel": trace})


@pytest.fixture
def health() -> Callable[..., Health]:
    """Makes an event of about 100 bytes for the ``events`` lane."""
    return _health


@pytest.fixture
def context() -> Callable[..., Context]:
    """Makes an event of about 150 + 2 * ``size`` bytes for the ``context`` lane."""
    return _context


@pytest.fixture(params=["sqlite", "memory"])
def make_spool(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., SqliteSpool | MemorySpool]]:
    """Opens spools of one kind; in a test that asks for it, everything runs once for each kind."""
    made: list[SqliteSpool] = []

    def make(
        *,
        max_bytes: int | None = None,
        limits: Limits = DEFAULT,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> SqliteSpool | MemorySpool:
        limits = same_for_all(max_bytes) if max_bytes else limits
        if request.param == "memory":
            return MemorySpool(limits=limits, monotonic_s=monotonic_s)
        spool = SqliteSpool(tmp_path / "spool.sqlite3", reserve_bytes=0, limits=limits, monotonic_s=monotonic_s)
        made.append(spool)
        return spool

    yield make
    for spool in made:
        spool.close()


@pytest.fixture
def spool(make_spool: Callable[..., SqliteSpool | MemorySpool]) -> SqliteSpool | MemorySpool:
    return make_spool()
