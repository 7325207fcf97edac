"""What the acts of an update share: whom they work with, within which bounds, and what they take from the journal."""

import random
from collections.abc import Mapping
from typing import Final, NamedTuple, NoReturn

from contract.jobs import Kind
from contract.manifest import Manifest
from device_agent.errors import UpdateError
from device_agent.fleet.port import Outcome
from device_agent.fleet.update.download import Fetch
from device_agent.fleet.update.errors import HopelessError
from device_agent.fleet.update.journal import Journal
from device_agent.fleet.update.port import Installed, Order, Probe, Target, Trust
from device_agent.fleet.update.quiet import Quiet

Learnt = dict[str, object]
"""Fields of the journal, by name."""

MOST_PAUSE_S: Final = 60.0


class Settled(Exception):  # noqa: N818 - nothing failed: there is nothing to do
    """The order is over before anything was put in use.

    Args:
        outcome: How.
        learnt: What the journal is to hold from now on.
    """

    def __init__(self, outcome: Outcome, learnt: Learnt | None = None) -> None:
        super().__init__(outcome.reason)
        self.outcome = outcome
        self.learnt: Final[Learnt] = learnt or {}


class Bounds(NamedTuple):
    """See ``device_agent.config.fleet_update``.

    Attributes:
        download_within_s: Of trying.
        most_unpacked_bytes: Of a content.
        spare_bytes: Stay free.
        look_every_s: How often what is waited for is looked at.
    """

    download_within_s: float = 6 * 3600.0
    most_unpacked_bytes: int = 1 << 30
    spare_bytes: int = 64 << 20
    look_every_s: float = 1.0


class Helpers(NamedTuple):
    """Whom the machine works with. A kind that has no target is not updated here."""

    trust: Trust
    targets: Mapping[Kind, Target]
    probe: Probe
    quiet: Quiet
    fetch: Fetch

    def target(self, kind: Kind) -> Target:
        """Where things of a kind are installed.

        Raises:
            HopelessError: Not by jobs, on this gateway.
        """
        target = self.targets.get(kind)
        if target is None:
            raise HopelessError(f"nothing of kind {kind} is updated by jobs on this gateway")
        return target


def installed_of(manifest: Manifest, bundle_sha256: str) -> Installed:
    """What is there once a bundle was committed."""
    return Installed(
        kind=manifest.kind,
        name=manifest.name,
        version=manifest.version,
        release=manifest.folder(),
        counter=manifest.counter,
        content_sha256=manifest.content.sha256,
        bundle_sha256=bundle_sha256,
    )


def pause_s(failures: int, first_s: float) -> float:
    """Seconds before another try: at most doubled each time, with full jitter, at most a minute."""
    most = min(MOST_PAUSE_S, first_s * 2.0 ** min(failures, 16))
    return random.uniform(0, most)  # noqa: S311 - spreads load, keeps no secret


def order_of(journal: Journal) -> Order:
    """The order that runs."""
    return journal.order if journal.order is not None else _damaged("no order")


def manifest_of(journal: Journal) -> Manifest:
    """Of its bundle, which was verified."""
    return journal.manifest if journal.manifest is not None else _damaged("no manifest")


def _damaged(what: str) -> NoReturn:
    raise UpdateError(f"the journal has {what} in a phase that needs one")
