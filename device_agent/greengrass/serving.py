"""The life of a component that works by a document: read it, work, take changes, answer for updates, end.

Not here: what its stages do (``sensing_stage``, ``forwarding_stage``).
"""

import logging
from collections.abc import Callable, Sequence
from typing import Final

from device_agent.config import UpdatesConfig
from device_agent.crew import Crew, Stage
from device_agent.greengrass.changes import Changes
from device_agent.greengrass.component import Inside
from device_agent.greengrass.documents import Documents
from device_agent.greengrass.updates import Updates
from device_agent.notice import Notice

_LOOK_EVERY_S: Final = 0.1

logger = logging.getLogger(__name__)


class Service:
    """One component at work. ``run`` once; ``notice`` from any thread.

    Args:
        inside: What the component has.
    """

    def __init__(self, inside: Inside) -> None:
        self._inside = inside
        self._share = inside.client.share()
        self._documents = Documents(self._share, inside.place)
        self._changes = Changes(self._share, self._documents)
        self._crew: Crew | None = None
        self._updates: Updates | None = None

    def run(self, stages: Sequence[Stage], *, busy: Callable[[], str] | None = None) -> None:
        """Works until told to stop.

        Args:
            stages: Of the component.
            busy: Why a restart would disturb now; ``None`` where nothing is disturbed: then nobody asks.

        Raises:
            ConfigError: The document at the start cannot work.
            ThresherError: A stage failed, or did not end.
        """
        stop = self._inside.stop
        if busy is not None:
            self._updates = self._answer_updates(busy)
        config = self._documents.read(stop)
        if config is None:
            return
        crew = self._crew = Crew(stages)
        logger.info("component.started", extra={"component": self._inside.place.component, "gateway": config.gateway})
        try:
            crew.apply(config)
            while not stop.wait(_LOOK_EVERY_S):
                crew.check()
                if changed := self._changes.take(crew.config):
                    began = crew.apply(changed)
                    logger.info("configuration.taken", extra={"restarted": began})
        finally:
            crew.end()
            self._share.close()
        logger.info("component.stopped", extra={"component": self._inside.place.component})

    @property
    def documents(self) -> Documents:
        """Reads and judges the component's document."""
        return self._documents

    def notice(self) -> Notice:
        """For status and Health."""
        counters = {
            **self._changes.counters,
            "configuration_taken": self._changes.taken,
            "stage_restarts": self._crew.restarts if self._crew else 0,
            "unheard": self._share.unheard,
            **(self._updates.counters if self._updates else {}),
        }
        refusal = self._changes.refusal
        named = {f"greengrass.{name}": count for name, count in counters.items()}
        return Notice(named, [refusal] if refusal else [])

    def _answer_updates(self, busy: Callable[[], str]) -> Updates:
        clock = self._inside.machine.clock
        return Updates(self._share, busy, config=self._update_limits, monotonic_s=lambda: clock.monotonic_ns() / 1e9)

    def _update_limits(self) -> UpdatesConfig:
        config = self._crew.config if self._crew else None
        return config.updates if config else UpdatesConfig()
