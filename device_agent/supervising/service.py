"""The life of one supervisor: take over, work, and end, or become the next one.

```
own installation ─▶ may a release's supervisor work? ─▶ become it
work ─┬▶ told to end: children end, too
      └▶ an update is over, or SIGHUP: become the own installation again, children go on
```
Not here: exec(2) itself (``thresher.commands.supervise``).
"""

import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from device_agent.errors import ThresherError, UpdateError
from device_agent.fleet.update.wanted import committed_release
from device_agent.state import sole_user
from device_agent.supervising import renewal
from device_agent.supervising.carrying import Carrier
from device_agent.supervising.programs import PROGRAM, environment_for, release_in_use
from device_agent.supervising.renewal import CALM_S, OWN
from device_agent.supervising.supervising import TICK_S, Place, Supervising
from device_agent.supervising.systemd import NOTIFY, WATCHDOG, ServiceManager
from device_agent.supervising.terms import Terms, read_terms

RENEWED: Final = "THRESHER_SUPERVISOR"
"""In the environment of a release's supervisor: the own installation's Python, and the release."""

_ANSWER_WITHIN_S: Final = 60.0
_RESTART_WITHIN_S: Final = 30.0
_BEGIN_EVERY_S: Final = 60.0

logger = logging.getLogger(__name__)


class Next(NamedTuple):
    """What this process becomes.

    Attributes:
        command: Program and words.
        environment: Its.
    """

    command: list[str]
    environment: dict[str, str]


class Renewed(msgspec.Struct, frozen=True):
    """What a release's supervisor knows of where it comes from."""

    python: str
    release: str


def renewed(environment: Mapping[str, str] = os.environ) -> Renewed | None:
    """``None`` in the own installation."""
    said = environment.get(RENEWED, "")
    return msgspec.json.decode(said, type=Renewed) if said else None


def successor(document: Path, terms: Terms) -> Next | None:
    """The release's supervisor that the own installation is to become; ``None`` where it stays."""
    release, folder = release_in_use(terms.install), terms.folder
    if renewed() is not None or release is None or committed_release(folder / "update") != release.name:
        return None
    known = renewal.read_renewal(folder)
    noted = renewal.handed_over(known, release.name)
    if known.release != release.name and not _answers(release, document):
        noted = msgspec.structs.replace(noted, refused=True)
    if noted.refused and not known.refused:
        logger.error("supervisor.refused", extra={"release": release.name})
    if not renewal.write_renewal(folder, noted) or noted.refused:
        return None
    mark = msgspec.json.encode(Renewed(sys.executable, release.name)).decode()
    kept = {name: os.environ[name] for name in (NOTIFY, WATCHDOG) if name in os.environ}
    words = [str(release / PROGRAM), "supervise", "--config", str(document)]
    return Next(words, {**environment_for(release), **kept, RENEWED: mark})


def work(document: Path, terms: Terms, stop: threading.Event, again: threading.Event) -> Next | None:
    """Works until told to end (``None``), or until it is to become the own installation's supervisor again.

    Args:
        document: The gateway's, absolute.
        terms: What it says.
        stop: Ends everything.
        again: Asks it to begin anew, with the document as it is then.

    Raises:
        ConfigError: Another supervisor works here.
    """
    manager, mark = ServiceManager(), renewed()
    with sole_user(terms.folder, "supervise"):
        kept = Supervising(Place(terms, str(document), mark.release if mark else OWN), manager)
        carrier = Carrier(document, terms, kept)
        kept.update = carrier.phase
        manager.tell("READY=1")
        _until_over(kept, carrier, stop=stop, again=again, can_begin=lambda: _can_begin(document))
        carrier.end()
        if stop.is_set():
            manager.tell("STOPPING=1")
            kept.end()
            return None
        kept.hand_over()
    _note_planned(terms.folder)
    logger.info("supervisor.begins_anew", extra={"renewed_from": mark.release if mark else OWN})
    environment = {name: value for name, value in os.environ.items() if name != RENEWED}
    python = mark.python if mark else sys.executable
    return Next([python, "-m", "thresher", "supervise", "--config", str(document)], environment)


def _until_over(
    kept: Supervising,
    carrier: Carrier,
    *,
    stop: threading.Event,
    again: threading.Event,
    can_begin: Callable[[], bool],
) -> None:
    calm_at_s, noted, over_at_s, not_before_s = time.monotonic() + CALM_S, False, float("inf"), 0.0
    while not stop.wait(TICK_S):
        kept.tick()
        carrier.tick()
        if again.is_set() or carrier.is_over:
            over_at_s = min(over_at_s, time.monotonic())
        # a restart that is under way ends first: who comes after would take it for a crash
        is_due = carrier.is_hung or time.monotonic() >= over_at_s + (0 if kept.is_calm else _RESTART_WITHIN_S)
        if is_due and time.monotonic() >= not_before_s:
            if can_begin():
                return
            not_before_s = time.monotonic() + _BEGIN_EVERY_S
        if not noted and time.monotonic() >= calm_at_s and renewed() is not None:
            noted = renewal.write_renewal(kept.folder, renewal.calm(renewal.read_renewal(kept.folder)))


def _can_begin(document: Path) -> bool:
    """Whether who comes after could read the document; while nobody can, what runs goes on."""
    try:
        read_terms(document, lenient=True)
    except ThresherError as exc:
        logger.error("supervisor.cannot_begin_anew", extra={"reason": str(exc), "remedy": exc.remedy})  # noqa: TRY400 - its sentence says it all
        return False
    return True


def _note_planned(folder: Path) -> None:
    """That it ends now is no failure of it."""
    known = renewal.read_renewal(folder)
    if renewed() is not None and known.starts:
        renewal.write_renewal(folder, msgspec.structs.replace(known, starts=known.starts - 1))


def _answers(release: Path, document: Path) -> bool:
    from device_agent.fleet.targets.trying import attempt  # noqa: PLC0415 - asked once a release

    command = (str(release / PROGRAM), "supervise", "--check", "--config", str(document))
    try:
        attempt(command, what="the release's supervisor does not answer", within_s=_ANSWER_WITHIN_S)
    except UpdateError as exc:
        logger.warning("supervisor.unfit", extra={"release": release.name, "reason": str(exc)})
        return False
    return True
