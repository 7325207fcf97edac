"""A component's configuration while it runs: another one is taken, and a planned one is judged.

```
ConfigurationUpdate ─▶ quiet for a moment ─▶ read ─▶ check ─┬▶ good: the stages it concerns begin anew
                                                            └▶ bad: said and counted; the last good one stays
ValidateConfiguration ─▶ check ─▶ ACCEPTED | REJECTED with the place          (classic only)
```
The classic nucleus does not restart a component for its configuration; the lite one from 2.6 on does, and has no
validation: there a bad one ends the start, and the deployment is rolled back.
"""

import logging
import threading
import time
from typing import Final

from device_agent.config import GatewayConfig
from device_agent.errors import ConfigError
from device_agent.greengrass.documents import Documents, said
from device_agent.ipc import operations as ops
from device_agent.ipc.errors import NucleusError
from device_agent.ipc.port import ANSWER_S, Nucleus

SETTLES_S: Final = 0.5
"""A deployment merges key by key and tells of each."""

logger = logging.getLogger(__name__)


class Changes:
    """Watches; ``take`` is called by one thread.

    Args:
        nucleus: Tells of changes.
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
        self._heard_s: float | None = None
        self.taken = 0
        self.refusal = ""
        self.counters = dict.fromkeys(("configuration_refused", "configuration_accepted", "configuration_rejected"), 0)
        nucleus.subscribe(ops.SubscribeToConfigurationUpdate(), self._hear)
        nucleus.subscribe(ops.SubscribeToValidateConfigurationUpdates(), self._judge)

    def take(self, stop: threading.Event) -> GatewayConfig | None:
        """The changed document, once it is whole and good; ``None`` where there is none."""
        heard_s = self._heard_s
        if heard_s is None or time.monotonic() - heard_s < SETTLES_S:
            return None
        self._heard_s = None
        try:
            config = self._documents.read(stop)
        except (ConfigError, NucleusError) as exc:
            self.refuse(exc)
            return None
        self.refusal = ""
        self.taken += config is not None
        return config

    def refuse(self, error: ConfigError | NucleusError) -> None:
        """What is there cannot be worked by."""
        self.counters["configuration_refused"] += 1
        self.refusal = f"the configuration is not taken: {error}"
        logger.error("configuration.refused", extra=said(error))

    def _hear(self, event: ops.ConfigurationUpdate) -> None:
        del event  # a document is whole or nothing: read all of it
        self._heard_s = time.monotonic()

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
