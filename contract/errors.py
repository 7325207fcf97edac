"""What can be wrong with bytes from the other side.

ContractError        the sender must act; the receiver quarantines the bytes and goes on
"""


class ContractError(ValueError):
    """Bytes or values that do not keep the contract; the message names the place."""
