"""What can be wrong with bytes from the other side.

ContractError        the sender must act; the receiver quarantines the bytes and goes on
└── DocumentError    a job document nobody can carry out as it stands; its job is rejected
"""


class ContractError(ValueError):
    """Bytes or values that do not keep the contract; the message names the place."""


class DocumentError(ContractError):
    """A job document that cannot be understood.

    Args:
        problem: What is wrong.
        place: Where, as a path from ``$``.
        remedy: What its author may do.
    """

    def __init__(self, problem: str, *, place: str = "$", remedy: str = "") -> None:
        super().__init__(f"{problem} - at `{place}`")
        self.problem = problem
        self.place = place
        self.remedy = remedy
