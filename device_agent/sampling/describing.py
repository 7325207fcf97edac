"""Whether a document's sensors can work as configured, before any of them is opened."""

from device_agent.config import GatewayConfig
from device_agent.sampling.connection import naming
from device_agent.spectral.plan import plan_for


def describe(config: GatewayConfig) -> None:
    """Raises ``ConfigError`` for a sensor that cannot work as configured on any machine."""
    for sensor in config.sensors:
        with naming(sensor.name):
            plan_for(sensor)
