"""What every command that works in a checkout or on the cloud begins with: packages a gateway does not have."""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager

from device_agent.errors import ThresherError


@contextmanager
def operating(*needed: str, remedy: str) -> Iterator[None]:
    """Turns the errors of ``operations`` into the command line's.

    Args:
        needed: Modules without which nothing inside works.
        remedy: How to install what they need.

    Raises:
        ThresherError: One of them is not installed, or the work inside failed.
    """
    try:
        errors = importlib.import_module("operations.errors")
        for name in needed:
            importlib.import_module(name)
    except ModuleNotFoundError as exc:
        raise ThresherError(f"{exc.name} is not installed", remedy=remedy) from exc
    try:
        yield
    except errors.OperationError as exc:
        raise ThresherError(str(exc), remedy=exc.remedy) from exc
