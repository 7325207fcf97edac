"""io.thresher.EdgeFilter: judges blocks of scans and keeps what matters."""

import sys

from device_agent.greengrass.component import main
from device_agent.greengrass.edge_filter import edge_filter

if __name__ == "__main__":
    sys.exit(main("io.thresher.EdgeFilter", edge_filter))
