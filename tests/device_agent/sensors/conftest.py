from tests.device_agent.sensors.simulated_i2c import bus

__all__ = ["bus"]
