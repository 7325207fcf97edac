"""A component's configuration while it runs: another one is taken, and a planned one is judged.

```
ConfigurationUpdate ─▶ quiet for a moment ─▶ read ─▶ check ─┬▶ good, another: the stages it concerns begin anew
connected (again), ten minutes passed ──────┤               └▶ bad: said and counted; the last good one stays
the shadow's layer was written ─────────────┘
ValidateConfiguration ─▶ check ─▶ ACCEPTED | REJECTED with the place          (classic only)
```
The classic nucleus does not restart a component for its configuration; the lite one from 2.6 on does, and has no
validation: there a bad one ends the start, and the deployment is rolled back. What a nucleus tells while the connection
is down is told to nobody, and a subscription may die without a word: so the document is also read without being told.
"""

import logging
import time
from typing import Final

from device_agent.config import GatewayConfig
from device_agent.errors import ConfigError
from device_agent.files import signature
from device_agent.greengrass.documents import Documents, said
from device_agent.ipc import operations as ops
from device_agent.ipc.errors import LostError, NucleusError, ServiceRefusedError
from device_agent.ipc.port import ANSWER_S, Nucleus, Reached

SETTLES_S: Final = 0.5
"""A deployment merges key by key and tells of each."""

LOOK_EVERY_S: Final = 600.0
_RETRY_S: Final = 5.0
_LOOK_AT_LAYER_S: Final = 1.0

logger = logging.getLogger(__name__)


class Changes:
    """Watches; ``take`` is called by one thread.

    Args:
        nucleus: Tells of changes; a share that is not opened yet.
        documents: Reads and judges.

    Attributes:
        taken: Changes that were taken.
        refusal: Why the configuration of now is not the one worked by; empty while it is.
        counters: ``configuration_refused`` (what is there cannot be used), ``configuration_accepted`` and
            ``configuration_rejected`` (what a deployment asked about).
    """

    def __init__(self, nucleus: Nucleus, documents: Documents) -> None:
        self._nucleus = nucleus
        self._documents = documents
        self._due_s = time.monotonic() + LOOK_EVERY_S
        self._look_s, self._layer = 0.0, signature([documents.shadow])
        self.taken = 0
        self.refusal = ""
        self.counters = dict.fromkeys(("configuration_refused", "configuration_accepted", "configuration_rejected"), 0)
        nucleus.open(self._told)
        for component in documents.sources:
            nucleus.subscribe(ops.SubscribeToConfigurationUpdate(component_name=component), self._hear)
        nucleus.subscribe(ops.SubscribeToValidateConfigurationUpdates(), self._judge)

    def take(self, present: GatewayConfig | None) -> GatewayConfig | None:
        """The document, once it is whole, good, and another than the present one; else ``None``."""
        self._watch_layer()
        if time.monotonic() < self._due_s and not self._documents.has_moved:
            return None
        self._due_s = time.monotonic() + LOOK_EVERY_S
        try:
            config = self._documents.now()
        except (LostError, ServiceRefusedError):
            self._due_s = time.monotonic() + _RETRY_S
            return None
        except (ConfigError, NucleusError) as exc:
            self._refuse(exc)
            return None
        self.refusal = ""
        if config == present:
            return None
        self.taken += 1
        return config

    def _watch_layer(self) -> None:
        """Whoever hears the shadow may be another process: its file tells."""
        if time.monotonic() < self._look_s:
            return
        self._look_s = time.monotonic() + _LOOK_AT_LAYER_S
        seen, self._layer = self._layer, signature([self._documents.shadow])
        if seen != self._layer:
            self._due_s = time.monotonic() + SETTLES_S

    def _refuse(self, error: ConfigError | NucleusError) -> None:
        refusal = f"the configuration is not taken: {error}"
        if refusal != self.refusal:
            self.counters["configuration_refused"] += 1
            logger.error("configuration.refused", extra=said(error))
        self.refusal = refusal

    def _hear(self, event: ops.ConfigurationUpdate) -> None:
        del event  # a document is whole or nothing: read all of it
        self._due_s = time.monotonic() + SETTLES_S

    def _told(self, reached: Reached) -> None:
        if reached.connected:
            self._due_s = time.monotonic() + SETTLES_S

    def _judge(self, event: ops.ValidateConfiguration) -> None:
        try:
            self._documents.check(event.configuration)
        except ConfigError as exc:
            message = f"{exc}; {exc.remedy}" if exc.remedy else str(exc)
            report = ops.SendConfigurationValidityReport(event.deployment_id, "REJECTED", message)
        else:
            report = ops.SendConfigurationValidityReport(event.deployment_id, "ACCEPTED")
        self.counters[f"configuration_{report.status.lower()}"] += 1
        logger.info("configuration.judged", extra={"status": report.status, "reason": report.message})
        try:
            self._nucleus.call(report).result(ANSWER_S + 1)
        except (NucleusError, TimeoutError) as exc:
            logger.warning("configuration.unreported", extra={"reason": str(exc)})
