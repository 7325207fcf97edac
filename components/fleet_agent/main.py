"""io.thresher.FleetAgent: carries out the jobs meant for this device."""

import sys

from device_agent.greengrass.component import main
from device_agent.greengrass.fleet_agent import fleet_agent

if __name__ == "__main__":
    sys.exit(main("io.thresher.FleetAgent", fleet_agent))
