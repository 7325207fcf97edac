"""A component's configuration as a gateway's document: what the nucleus holds, completed with what it need not say.

The keys of ``docs/gateway.md`` lie directly under the component's configuration, beside ``accessControl``. Without any
of them a component runs: the gateway is the thing, the sensor is the machine, events leave through the nucleus, and
what must survive lies in the component's own folder. Files that it extends count less than what the nucleus holds, and
so does the layer that a job brought (``device_agent.greengrass.updating``): a key has one owner. What the thing's
shadow wants counts more. Where a kept layer cannot be used, both are left out, and it is said.

Not here: when it is read again (``device_agent.greengrass.changes``).
"""

import contextlib
import logging
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from device_agent.config import GatewayConfig, convert, located
from device_agent.config.layers import Layer, merged
from device_agent.config.reading import DELIVERED, delivered_layers, lower_layers
from device_agent.errors import ConfigError
from device_agent.greengrass.place import EDGE_FILTER, EVENT_FORWARDER, FLEET_AGENT, THING_VARIABLE, Place
from device_agent.greengrass.shadow_layer import laid_over, opens_sensors, shadow_file
from device_agent.ipc.errors import LostError, NotFoundError, NucleusError, ServiceRefusedError
from device_agent.ipc.operations import GetConfiguration
from device_agent.ipc.port import ANSWER_S, Nucleus
from device_agent.sampling.describing import describe

_NOT_OURS: Final = "accessControl"
_DEFAULT_SENSORS: Final = [{"type": "host", "name": "machine"}]
_NAMED: Final = ("sensors", "rules", "outputs")
_SHARED_WITH_FILTER: Final = ("state_dir", "spool")
_NOWHERE: Final = Path("/dev/null/none")
_RETRY_S: Final = 0.1
_SAY_EVERY: Final = 300

logger = logging.getLogger(__name__)

Values = Mapping[str, Any]


class Documents:
    """Reads and checks one component's document. Any thread.

    Args:
        nucleus: Holds it.
        place: Of the component.
        of_another: Whether it is another component that reads it, which knows of no sensor what can be known only
            where its driver is.

    Attributes:
        sources: Components whose configuration it is made of, an empty name for our own.
    """

    def __init__(self, nucleus: Nucleus, place: Place, *, of_another: bool = False) -> None:
        self._nucleus = nucleus
        self._place = place
        self._describes = opens_sensors(place) and not of_another
        own = place.component if of_another else ""
        self.sources = (own, EDGE_FILTER) if place.component == EVENT_FORWARDER else (own,)
        self._delivered = None if place.component == FLEET_AGENT else place.work_of(FLEET_AGENT) / DELIVERED
        self._read_of = self._stamp()

    @property
    def shadow(self) -> Path:
        """Where what the shadow wants is kept, if anything is."""
        return shadow_file(self._place)

    def read(self, stop: threading.Event) -> GatewayConfig | None:
        """As it is now; waits for the nucleus, and gives up (``None``) only when ``stop`` is set. See ``now``.

        Raises:
            ConfigError: Something in it is wrong; names the place.
            NucleusError: The nucleus does not give it away.
        """
        tries = 0
        while not stop.is_set():
            try:
                return self.now()
            except (LostError, ServiceRefusedError) as exc:
                tries += 1
                if tries % _SAY_EVERY == 0:
                    logger.warning("configuration.awaited", extra={"reason": str(exc)})
                stop.wait(_RETRY_S)
        return None

    def now(self) -> GatewayConfig:
        """As it is now.

        Raises:
            ConfigError: Something in it is wrong; names the place.
            LostError: The nucleus is away.
            NucleusError: It does not give it away.
        """
        self._read_of = self._stamp()
        values = self.values()
        try:
            return self.check(values)
        except ConfigError as exc:
            if not self.shadow.exists() and self._stamp() is None:
                raise
            config = self.check(values, desired={}, delivered=_NOWHERE)
            event = "shadow.left_out" if self.shadow.exists() else "layer.left_out"
            logger.error(event, extra={"path": str(self.shadow), **said(exc)})  # noqa: TRY400 - its sentence says it all
            return config

    @property
    def has_moved(self) -> bool:
        """Whether a job brought another layer since the document was read."""
        return self._stamp() != self._read_of

    def judge(self, desired: Values) -> None:
        """Tries what a shadow wants.

        Raises:
            ConfigError: It cannot work, or cannot be judged now.
        """
        try:
            self.check(self.values(), desired=desired)
        except NucleusError as exc:
            raise ConfigError(f"not judged: {exc}", remedy="nothing: it is tried again with the next change") from exc

    def check(self, values: Values, *, desired: Values | None = None, delivered: Path | None = None) -> GatewayConfig:
        """A configuration that the component might get.

        Args:
            values: Of the nucleus.
            desired: What the shadow wants, in place of what is kept.
            delivered: The layer of a job, in place of the last one's.

        Raises:
            ConfigError: It cannot work; names the place.
        """
        source = f"configuration of {self._place.component}"
        brought = delivered_layers(delivered or self._delivered)
        below = [*lower_layers(values, self._place.work, source=source), *brought]
        document = completed(merged([*below, Layer(source, values)]).values if below else values, self._place)
        whole = laid_over(document, self._place, source=source, desired=desired)
        config = located(convert(_all_listed(whole.values), source=whole.source), self._place.work)
        if self._describes and (desired is not None or self.shadow.exists()):
            describe(config)
        if config.uplink is not None and config.uplink.type != "greengrass":
            raise ConfigError(
                f"{source}: `{config.uplink.type}` would take the nucleus's session over - at `$.uplink.type`",
                remedy="leave `type` out: under a nucleus, events leave through it",
            )
        if self._place.thing and config.gateway != self._place.thing:
            raise ConfigError(
                f"{source}: `{config.gateway}`, but this core device is `{self._place.thing}` - at `$.gateway`",
                remedy="leave `gateway` out: under a nucleus it is the thing's name",
            )
        return config

    def _stamp(self) -> tuple[int, int] | None:
        """Of the layer's file, through the link."""
        with contextlib.suppress(OSError):
            found = self._delivered.stat() if self._delivered else None
            return (found.st_ino, found.st_mtime_ns) if found else None
        return None

    def values(self) -> Values:
        """What the nucleus holds, as it is now; see ``now``."""
        own, *filters = [self._get(source) for source in self.sources]
        shared = {key: value for each in filters for key, value in each.items() if key in _SHARED_WITH_FILTER}
        return {**shared, **own}

    def _get(self, component: str) -> Values:
        try:
            answer = self._nucleus.call(GetConfiguration(component_name=component)).result(ANSWER_S + 1)
        except NotFoundError:
            return {}
        except TimeoutError as exc:
            raise LostError("GetConfiguration: no answer") from exc
        return answer.value if isinstance(answer.value, dict) else {}


def completed(values: Values, place: Place) -> dict[str, Any]:
    """A component's configuration with the defaults of its place."""
    document = {key: value for key, value in values.items() if key != _NOT_OURS}
    document.setdefault("gateway", place.thing)
    if not document["gateway"]:
        raise ConfigError(
            f"{THING_VARIABLE} is not set, so the gateway has no name", remedy="set `gateway` in the configuration"
        )
    home = place.work_of(EDGE_FILTER) if place.component == EVENT_FORWARDER else place.work
    folder = document.setdefault("state_dir", "")
    if isinstance(folder, str):
        document["state_dir"] = str(home / folder)
    document.setdefault("sensors", _DEFAULT_SENSORS)
    document = _all_listed(document)
    uplink = document.setdefault("uplink", {})
    if isinstance(uplink, Mapping):
        document["uplink"] = {"type": "greengrass", **uplink}
    return document


def _all_listed(document: Values) -> dict[str, Any]:
    return {**document, **{key: _listed(document[key]) for key in _NAMED if key in document}}


def _listed(items: object) -> object:
    """Items by name as a list: a deployment can change one of a mapping, and the lite nucleus keeps 1 KB a list."""
    if not isinstance(items, Mapping):
        return items
    return [{"name": name, **item} if isinstance(item, Mapping) else item for name, item in sorted(items.items())]


def said(error: NucleusError | ConfigError) -> dict[str, str]:
    """An error's words for a log line."""
    return {"reason": str(error), "remedy": error.remedy}
