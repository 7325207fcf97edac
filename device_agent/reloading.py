"""A process that works by files and takes their changes while it runs.

```
looked at once a second, and on SIGHUP ─▶ changed, and the same in two looks ─▶ check ─┬▶ good: its stage begins anew
                                                                                       └▶ bad: refused, the last stays
begun anew, but it cannot work on this machine (within half a minute) ─▶ refused, back to the last
```
What is refused is logged, counted and told in Health until a document is there that can be used. ``gateway`` and
``state_dir`` do not change under a running process: what the old folder holds would be left behind.

Not here: a component's configuration (``device_agent.greengrass.changes``).
"""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from device_agent.config import GatewayConfig, Loaded, load_layers
from device_agent.crew import Crew, Stage
from device_agent.errors import ConfigError, ModelError, ThresherError
from device_agent.files import signature
from device_agent.notice import Notice
from device_agent.sampling.describing import describe

LOOK_EVERY_S: Final = 1.0
PROBATION_S: Final = 30.0
_CHECK_EVERY_S: Final = 1.0
_END_WITHIN_S: Final = 15.0
"""Of a stage; forwarding drains three seconds, and closing a dead connection takes seven."""

_FIXED: Final = ("gateway", "state_dir")
logger = logging.getLogger(__name__)


class FileChanges:
    """Watches the files of one document. One thread; ``notice`` from any.

    Args:
        path: Of the gateway's document.
        loaded: By which the process works at first.
        monotonic_s: Seconds, never going back.

    Attributes:
        in_use: The document that the process works by now.
    """

    def __init__(self, path: Path, loaded: Loaded, *, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self.in_use = loaded.config
        self._path = path
        self._files = loaded.document.files
        self._now = monotonic_s
        self._due_s = monotonic_s() + LOOK_EVERY_S
        self._done = self._seen = signature(self._files)
        self._refusal = ""
        self._counters = dict.fromkeys(("configuration_taken", "configuration_refused"), 0)

    def take(self, present: GatewayConfig, *, at_once: bool = False) -> GatewayConfig | None:
        """The document, once it is settled, good, and another than the present one; else ``None``."""
        if not at_once and self._now() < self._due_s:
            return None
        self._due_s = self._now() + LOOK_EVERY_S
        seen, self._seen = self._seen, signature(self._files)
        settled = self._seen == seen and self._seen != self._done
        if not settled and not at_once:
            return None
        self._done = self._seen
        try:
            config = self._read(present)
        except ConfigError as exc:
            self.refuse(exc)
            return None
        self._refusal = ""
        if config == present:
            return None
        self._counters["configuration_taken"] += 1
        return config

    def refuse(self, error: ThresherError) -> None:
        """Says and counts that what is there cannot be used."""
        self._refusal = f"the configuration is not taken: {error}"
        self._counters["configuration_refused"] += 1
        logger.error("configuration.refused", extra={"reason": str(error), "remedy": error.remedy})

    def notice(self) -> Notice:
        """For status and Health."""
        return Notice(dict(self._counters), [self._refusal] if self._refusal else [])

    def _read(self, present: GatewayConfig) -> GatewayConfig:
        loaded = load_layers(self._path)
        self._files = loaded.document.files
        self._done = self._seen = signature(self._files)
        for key in _FIXED:
            if getattr(loaded.config, key) != getattr(present, key):
                raise ConfigError(
                    f"{self._path}: changed under a running process - at `$.{key}`",
                    remedy="restart `thresher run` and `thresher agent` once the spool is empty",
                )
        describe(loaded.config)
        return loaded.config


class Watched(NamedTuple):
    """What a process works by.

    Attributes:
        loaded: The document at the start.
        changes: Of its files.
        look: Set where somebody wants a look now.
    """

    loaded: Loaded
    changes: FileChanges
    look: threading.Event


def serve(stage: Stage, watched: Watched, stop: threading.Event) -> None:
    """Works by the document, and by what becomes of it, until ``stop`` is set.

    Raises:
        ThresherError: The stage failed, or did not end.
    """
    crew, last_good, good_at_s = Crew([stage], end_within_s=_END_WITHIN_S), watched.loaded.config, 0.0
    try:
        crew.apply(last_good)
        while not stop.wait(_CHECK_EVERY_S):
            present = crew.config or last_good
            if time.monotonic() >= good_at_s:
                last_good = present
            if (failure := _failure(crew)) is not None:
                if present == last_good:
                    raise failure
                crew = _back(crew, [stage], last_good)
                watched.changes.in_use = last_good
                watched.changes.refuse(failure)
            elif not crew.is_working:
                break
            elif changed := _next(watched, present):
                good_at_s = time.monotonic() + PROBATION_S
                logger.info("configuration.taken", extra={"restarted": crew.apply(changed)})
                watched.changes.in_use = changed
    finally:
        crew.end()


def _next(watched: Watched, present: GatewayConfig) -> GatewayConfig | None:
    at_once = watched.look.is_set()
    watched.look.clear()
    return watched.changes.take(present, at_once=at_once)


def _failure(crew: Crew) -> ConfigError | ModelError | None:
    """What an operator must mend; anything else is raised."""
    try:
        crew.check()
    except (ConfigError, ModelError) as exc:
        return exc
    return None


def _back(crew: Crew, stages: Sequence[Stage], config: GatewayConfig) -> Crew:
    with contextlib.suppress(ConfigError, ModelError):
        crew.end()
    fresh = Crew(stages, end_within_s=_END_WITHIN_S)
    fresh.apply(config)
    return fresh
