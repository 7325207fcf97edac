"""io.thresher.EdgeModel: publishes the model files it brings, then ends; whoever filters takes them."""

import sys
from importlib.resources import files

from device_agent.greengrass.published_model import main

if __name__ == "__main__":
    sys.exit(main([str(files("models"))]))
