"""Reads a gateway's document with another layer in it: ``python -m … DOCUMENT LAYER``, exit status 0 or 1.

What running processes refuse to change under themselves is refused here already.
"""

import sys
from pathlib import Path

from device_agent.config import load_layers
from device_agent.errors import ConfigError
from device_agent.sampling.describing import describe


def main(document: Path, layer: Path) -> int:
    """Says on stderr what is wrong."""
    try:
        describe(load_layers(document, delivered=layer).config)
    except ConfigError as exc:
        sys.stderr.write(f"{exc}; {exc.remedy}\n" if exc.remedy else f"{exc}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
