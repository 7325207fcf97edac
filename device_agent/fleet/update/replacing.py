"""The acts that replace one version by another, and those that go back.

Not here: when they are called (``table``).
"""

import logging
import time
from collections.abc import Callable
from pathlib import Path

from contract.jobs import Kind
from device_agent.errors import UpdateError
from device_agent.fleet.port import Outcome
from device_agent.fleet.update import links
from device_agent.fleet.update.download import clear
from device_agent.fleet.update.going import Going
from device_agent.fleet.update.journal import Journal
from device_agent.fleet.update.parts import (
    MOST_PAUSE_S,
    Bounds,
    Helpers,
    Learnt,
    installed_of,
    manifest_of,
    order_of,
    pause_s,
)
from device_agent.fleet.update.port import SHIPPED, key_of, parted

logger = logging.getLogger(__name__)


class Replacing:
    """See the module.

    Args:
        downloads: Folder for what was fetched.
        helpers: See there.
        bounds: See there.
        monotonic_s: Seconds, never going back.
    """

    def __init__(
        self, downloads: Path, helpers: Helpers, bounds: Bounds, *, monotonic_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._downloads = downloads
        self._helpers = helpers
        self._bounds = bounds
        self._now = monotonic_s

    def activate(self, journal: Journal, going: Going) -> Learnt:
        """Puts the new version in use."""
        del going
        manifest = manifest_of(journal)
        self._helpers.target(manifest.kind).activate(manifest.name, manifest.folder())
        return {}

    def probe(self, journal: Journal, going: Going) -> Learnt:
        """Watches the work under the new version until it is found good or bad."""
        manifest = manifest_of(journal)
        probe, began_s = self._helpers.probe, self._now()
        probe.begin(manifest, journal.before)
        while (verdict := probe.verdict()) is None:
            if self._now() - began_s > manifest.health.timeout_s + MOST_PAUSE_S:
                raise UpdateError(f"no verdict within {manifest.health.timeout_s:.0f} s")
            going.pause(self._bounds.look_every_s)
        if not verdict.good:
            raise UpdateError(f"the new version was found wanting: {verdict.reason}")
        logger.info("update.proved", extra={"reason": verdict.reason})
        return {}

    def commit(self, journal: Journal, going: Going) -> Learnt:
        """Notes that there is no way back."""
        del going  # it is decided: nobody is asked any more
        manifest = manifest_of(journal)
        self._helpers.trust.commit(manifest)
        key = key_of(manifest.kind, manifest.name)
        there = installed_of(manifest, order_of(journal).bundle.sha256)
        details = {"version": manifest.version, "previous": journal.previous or "shipped"}
        return {
            "installed": {**journal.installed, key: there},
            "owed": {owed: release for owed, release in journal.owed.items() if owed != key},
            "outcome": Outcome(status="SUCCEEDED", details=details),
        }

    def rollback(self, journal: Journal, going: Going) -> Learnt:
        """Puts the version before in use again."""
        if journal.tries > 1:
            going.pause(pause_s(journal.tries - 1, self._bounds.look_every_s), undoing=True)
        clear(self._downloads)  # a full disk must still take the link
        manifest = manifest_of(journal)
        self._go_back(manifest.kind, manifest.name, journal.previous)
        return {}

    def pay(self, journal: Journal) -> Learnt:
        """Goes back where an earlier order could not.

        Raises:
            Exception: It still cannot.
        """
        for key, release in journal.owed.items():
            there = parted(key)
            self._go_back(*there, release)
            self._sweep(*there, kept=release)
        return {"owed": {}}

    def _go_back(self, kind: Kind, name: str, release: str) -> None:
        target = self._helpers.target(kind)
        if release != SHIPPED and not (target.releases(name) / release).is_dir():
            logger.error("update.previous_gone", extra={"release": release})
            release = SHIPPED
        target.activate(name, release)

    def cleanup(self, journal: Journal, going: Going) -> Learnt:
        """Removes the download and every version that is not in use."""
        del going
        clear(self._downloads)
        if journal.manifest is not None:
            kind, name = journal.manifest.kind, journal.manifest.name
            self._sweep(kind, name, kept=journal.owed.get(key_of(kind, name), SHIPPED))
        return {}

    def _sweep(self, kind: Kind, name: str, *, kept: str) -> None:
        root = self._helpers.target(kind).releases(name)
        links.tidy(root)
        for release in links.others(root):
            if release != kept:
                links.remove(root, release)
