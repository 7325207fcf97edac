"""What can be wrong when components are staged or published; all of it is for whoever publishes."""

from operations.errors import OperationError


class StagingError(OperationError):
    """Something that a component is made from is missing or not what it should be."""


class GuardError(OperationError):
    """Publishing this would overwrite what devices already run."""
