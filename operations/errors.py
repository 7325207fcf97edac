"""What can be wrong with an operation; all of it is for the operator."""


class OperationError(Exception):
    """The stack could not be reached or refused; ``remedy`` says what to try."""

    def __init__(self, message: str, *, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy
