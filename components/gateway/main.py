"""io.thresher.Gateway: senses, filters, keeps and forwards, in one process."""

import sys

from device_agent.greengrass.component import main
from device_agent.greengrass.gateway import gateway

if __name__ == "__main__":
    sys.exit(main("io.thresher.Gateway", gateway))
