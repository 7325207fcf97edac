"""io.thresher.SensorReader: takes scans and hands them on in blocks."""

import sys

from device_agent.greengrass.component import main
from device_agent.greengrass.reader import sensor_reader

if __name__ == "__main__":
    sys.exit(main("io.thresher.SensorReader", sensor_reader))
