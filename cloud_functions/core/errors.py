"""Errors of the cloud side, split by who must act.

CloudError
├── StoreError    a retry: a service the function depends on refused or did not answer
├── RejectedError the dead letter: these bytes can never be understood; they are quarantined
└── QueryError    the caller: the question is wrong; carries the HTTP status

What a gateway did wrong is never raised beyond the message it did it in.
"""


class CloudError(Exception):
    """The root."""


class StoreError(CloudError):
    """The table, the broker or the topic could not be reached or refused for now. Trying again may help."""


class RejectedError(CloudError):
    """A message that no retry will mend; the sentence says why."""


class QueryError(CloudError):
    """A question that cannot be answered.

    Attributes:
        status: HTTP status code.
        remedy: What to ask instead.
    """

    def __init__(self, message: str, *, status: int, remedy: str) -> None:
        super().__init__(message)
        self.status = status
        self.remedy = remedy
