"""io.thresher.EventForwarder: forwards what the filter keeps."""

import sys

from device_agent.greengrass.component import main
from device_agent.greengrass.event_forwarder import event_forwarder

if __name__ == "__main__":
    sys.exit(main("io.thresher.EventForwarder", event_forwarder))
