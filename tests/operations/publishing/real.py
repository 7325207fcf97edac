"""This checkout and this machine, for tests of the real archives."""

import platform
import sys
from pathlib import Path

from operations.publishing import catalogue
from operations.publishing.targets import MACHINES

ROOT = Path(__file__).parents[3]
COMPONENTS = sorted(catalogue.load(ROOT).components)
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
ARCHITECTURE = {machine: name for name, machine in MACHINES.items()}.get(platform.machine(), "")
