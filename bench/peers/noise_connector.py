"""A connector for thingsboard-gateway that gives our scans: its own way for sensors it does not know.

Copied into its ``extensions`` folder (ThingsBoard IoT Gateway, "Custom connector"). Its time stamps are milliseconds,
and readings of one device in one millisecond become one; so at a high rate there are several devices.
"""

import time
from threading import Event, Thread
from typing import Any

from thingsboard_gateway.connectors.connector import Connector
from thingsboard_gateway.gateway.entities.converted_data import ConvertedData
from thingsboard_gateway.gateway.entities.datapoint_key import DatapointKey
from thingsboard_gateway.gateway.entities.telemetry_entry import TelemetryEntry

from bench.peers.scans import scans


class NoiseConnector(Connector, Thread):  # type: ignore[misc]  # no types there
    """See the module."""

    def __init__(self, gateway: Any, config: dict[str, Any], connector_type: str) -> None:  # noqa: ANN401 - no types there
        super().__init__(daemon=True)
        self._gateway, self._config, self._type = gateway, config, connector_type
        self._stopped = Event()
        self.name = config.get("name", "noise")

    def open(self) -> None:
        """Begins."""
        self.start()

    def run(self) -> None:
        """Gives scans until it is closed."""
        for number, scan in enumerate(scans(self._config["rateHz"])):
            if self._stopped.is_set():
                return
            data = ConvertedData(device_name=f"noise-{number % 8}", device_type="default")
            data.add_to_telemetry(
                TelemetryEntry(
                    {DatapointKey(name): value for name, value in scan.items()}, ts=time.time_ns() // 1_000_000
                )
            )
            self._gateway.send_to_storage(self.name, self.get_id(), data)

    def close(self) -> None:
        """Ends."""
        self._stopped.set()

    def get_id(self) -> str:
        """As configured."""
        return str(self._config.get("id", "noise"))

    def get_name(self) -> str:
        """As configured."""
        return self.name

    def get_type(self) -> str:
        """As the gateway says."""
        return self._type

    def get_config(self) -> dict[str, Any]:
        """As the gateway gave it."""
        return self._config

    def is_connected(self) -> bool:
        """Always."""
        return True

    def is_stopped(self) -> bool:
        """Whether it was closed."""
        return self._stopped.is_set()

    def on_attributes_update(self, content: Any) -> None:  # noqa: ANN401 - no types there
        """Nothing of that."""

    def server_side_rpc_handler(self, content: Any) -> None:  # noqa: ANN401 - no types there
        """Nothing of that."""
