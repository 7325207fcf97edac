"""All drivers, as one union: the ``type`` key of a sensor's configuration chooses among them."""

from device_agent.sensors.chips.ads1115 import Ads1115
from device_agent.sensors.chips.adxl345_i2c import Adxl345I2c
from device_agent.sensors.chips.bme280 import Bme280, Bmp280
from device_agent.sensors.chips.sht import Sht
from device_agent.sensors.gpio import GpioAnalog, GpioDigital, GpioPulse
from device_agent.sensors.gpio_distance import GpioDistance
from device_agent.sensors.host import HostSensor
from device_agent.sensors.modbus import ModbusRtu, ModbusTcp
from device_agent.sensors.mqtt import MqttSensor
from device_agent.sensors.onewire import Ds18b20
from device_agent.sensors.replay import ReplaySensor
from device_agent.sensors.simulated import SimulatedSensor
from device_agent.sensors.spi import SpiAnalog

AnySensorConfig = (
    HostSensor
    | ReplaySensor
    | GpioDigital
    | GpioPulse
    | GpioAnalog
    | GpioDistance
    | SpiAnalog
    | Bme280
    | Bmp280
    | Sht
    | Ads1115
    | Adxl345I2c
    | Ds18b20
    | ModbusTcp
    | ModbusRtu
    | MqttSensor
    | SimulatedSensor
)
