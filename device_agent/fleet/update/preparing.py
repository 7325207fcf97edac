"""The acts before anything changes: the new version lies beside the old one, whole and checked, and waits.

Whatever goes wrong here costs nothing but the order. Not here: what follows (``replacing``).
"""

import logging
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NoReturn

from contract.jobs import Bundle
from contract.manifest import Manifest
from device_agent.errors import UpdateError
from device_agent.fault_points import reach
from device_agent.files import sync_folder
from device_agent.fleet.port import Outcome
from device_agent.fleet.update import links
from device_agent.fleet.update.download import need_room
from device_agent.fleet.update.errors import DownloadError, ExpiredError, HopelessError
from device_agent.fleet.update.going import Going
from device_agent.fleet.update.journal import Journal
from device_agent.fleet.update.parts import (
    Bounds,
    Helpers,
    Learnt,
    Settled,
    installed_of,
    manifest_of,
    order_of,
    pause_s,
)
from device_agent.fleet.update.port import Order, Verified, key_of
from device_agent.fleet.update.tree import sync_tree, tree_digest
from device_agent.fleet.update.unpack import unpack

_URLS: Final = 20
_MADE_ABOVE: Final = 4
_VENV_ROOM: Final = 3
"""A virtual environment takes the wheels, and what comes out of them."""

logger = logging.getLogger(__name__)


class Preparing:
    """See the module.

    Args:
        downloads: Folder for what is fetched.
        helpers: See there.
        bounds: See there.
        free: Bytes that may still be written to a folder.
        monotonic_s: Seconds, never going back.
    """

    def __init__(
        self,
        downloads: Path,
        helpers: Helpers,
        bounds: Bounds,
        *,
        free: Callable[[Path], int] = links.free_bytes,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._downloads = downloads
        self._helpers = helpers
        self._bounds = bounds
        self._free = free
        self._now = monotonic_s

    def download(self, journal: Journal, going: Going) -> Learnt:
        """Fetches the bundle, for hours if it must be; asks for a fresh URL where the server wants one."""
        going.check()
        order = order_of(journal)
        self._helpers.target(order.bundle.kind)  # or refuses
        self._settle_if_there(journal, order.bundle)
        deadline_s, failures, urls = self._now() + self._bounds.download_within_s, 0, 0
        while True:
            try:
                self._helpers.fetch(order.bundle, self._downloads, going.check)
            except ExpiredError as exc:
                order, urls = self._renewed(order, going, deadline_s, exc), urls + 1
                if urls > _URLS:
                    raise
            except DownloadError as exc:
                failures += 1
                if self._now() >= deadline_s:
                    raise
                logger.info("update.download_again", extra={"reason": str(exc), "failures": failures})
                going.pause(pause_s(failures, self._bounds.look_every_s))
            else:
                return {"order": order}

    def _renewed(self, order: Order, going: Going, deadline_s: float, why: ExpiredError) -> Order:
        going.ask_url()
        while True:
            fresh = going.renewed()
            if fresh is not None and fresh.bundle.url != order.bundle.url:
                return fresh
            if self._now() >= deadline_s:
                raise why
            going.pause(self._bounds.look_every_s)

    def _settle_if_there(self, journal: Journal, bundle: Bundle) -> None:
        """The same bundle again, and it is in use: nothing to do, and nothing to fetch."""
        there = journal.installed.get(key_of(bundle.kind, bundle.name))
        if there is None or there.bundle_sha256 != bundle.sha256:
            return
        if self._helpers.target(bundle.kind).active(bundle.name) == there.release:
            raise Settled(Outcome(status="SUCCEEDED", details={"version": there.version, "changed": "no"}))

    def verify(self, journal: Journal, going: Going) -> Learnt:
        """Every check of the bundle, before a byte of it is unpacked."""
        going.check()
        manifest = self._verified(journal).manifest
        if self._helpers.target(manifest.kind).active(manifest.name) == manifest.folder():
            self._settle_or_refuse(journal, manifest)
        if manifest.content.unpacked_bytes > self._bounds.most_unpacked_bytes:
            raise HopelessError(
                f"unpacks to {manifest.content.unpacked_bytes} bytes, {self._bounds.most_unpacked_bytes} are allowed",
                remedy="make it smaller, or raise fleet.update.max_unpacked_bytes",
            )
        return {"manifest": manifest}

    def _settle_or_refuse(self, journal: Journal, manifest: Manifest) -> NoReturn:
        """What is in use is what the bundle brings; unless it should not be, there is nothing to do."""
        key = key_of(manifest.kind, manifest.name)
        if key in journal.owed:
            raise UpdateError(f"{key} {manifest.version} was found wanting, and could not be gone back from yet")
        there = installed_of(manifest, order_of(journal).bundle.sha256)
        outcome = Outcome(status="SUCCEEDED", details={"version": manifest.version, "changed": "no"})
        raise Settled(outcome, {"installed": {**journal.installed, key: there}})

    def _verified(self, journal: Journal) -> Verified:
        """The bundle, every check passed, and it is what was ordered."""
        bundle = order_of(journal).bundle
        verified = self._helpers.trust.verify(self._downloads / f"{bundle.sha256}.tar")
        found = verified.manifest
        if (found.kind, found.name, found.version) != (bundle.kind, bundle.name, bundle.version):
            raise HopelessError(
                f"the bundle brings {found.kind} {found.name} {found.version}, "
                f"ordered was {bundle.kind} {bundle.name} {bundle.version}"
            )
        return verified

    def stage(self, journal: Journal, going: Going) -> Learnt:
        """Unpacks it in its final place, beside what is in use, and has it tried; durable when done."""
        going.check()
        verified = self._verified(journal)  # what is unpacked is what was verified, also after a kill
        manifest = verified.manifest
        target = self._helpers.target(manifest.kind)
        folder = target.releases(manifest.name) / manifest.folder()
        self._make_room(folder, manifest)
        with verified.content() as content:
            unpack(content, folder, manifest.content)
        reach("update.stage.unpacked")
        target.stage(folder, manifest)
        sync_tree(folder)
        return {"manifest": manifest, "tree_sha256": tree_digest(folder)}

    def _make_room(self, folder: Path, manifest: Manifest) -> None:
        """An empty folder, whatever an earlier try left there."""
        if links.active(folder.parent) == folder.name:
            raise UpdateError(f"{folder}: is in use already")
        for above in folder.parents[1:_MADE_ABOVE]:  # a target may have made them, and their names must last, too
            sync_folder(above)
        if folder.exists():
            shutil.rmtree(folder)
        room = manifest.content.unpacked_bytes * (_VENV_ROOM if manifest.kind == "application" else 1)
        need_room(folder.parent, room, spare=self._bounds.spare_bytes, free=self._free)
        folder.mkdir(mode=0o755)

    def wait(self, journal: Journal, going: Going) -> Learnt:
        """Until the gateway may be disturbed; then what was staged is compared once more, and what is normal noted."""
        manifest, began_s, told = manifest_of(journal), self._now(), ""
        going.check()
        while not order_of(journal).bundle.force and (why := self._helpers.quiet.why_not(self._now() - began_s)):
            if why != told:
                going.tell(why)
                told = why
            going.pause(self._bounds.look_every_s)
        target = self._helpers.target(manifest.kind)
        folder = target.releases(manifest.name) / manifest.folder()
        if not folder.is_dir() or tree_digest(folder) != journal.tree_sha256:
            raise UpdateError(f"{folder}: is not what was staged", remedy="check the disk, and try again")
        return {"previous": target.active(manifest.name), "before": self._helpers.probe.before(manifest)}
