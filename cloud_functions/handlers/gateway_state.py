"""Shadow → table: what a gateway says that it runs."""

from typing import Any

from cloud_functions import bootstrap
from cloud_functions.core import software


def handler(event: dict[str, Any], _context: object) -> None:
    """AWS Lambda's entry point for the rule on the shadow ``state``."""
    software.keep(bootstrap.table(), event)
