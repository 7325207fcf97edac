"""All outputs, as one union: the ``type`` key of an output's configuration chooses among them."""

from device_agent.outputs.gpio import GpioOutput
from device_agent.outputs.memory import SimulatedOutput

AnyOutputConfig = GpioOutput | SimulatedOutput
