"""Whether signatures are good (Ed25519, RFC 8032), here or in a process of its own.

``cryptography`` takes 8 MiB that a process never gives back, and a gateway checks a signature a few times a year: so
its processes ask another one that ends at once. This file is that program, too; it imports nothing of ours.
"""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

_TIMEOUT_S: Final = 120.0
"""A slow board that swaps still loads a library in less."""


class Claim(NamedTuple):
    """What is claimed of some bytes.

    Attributes:
        public: The key's public half, 32 bytes hexadecimal.
        signature: 64 bytes in base64.
    """

    public: str
    signature: str


Checker = Callable[[bytes, Sequence[Claim]], list[bool]]
"""Says of each claim whether it holds for the bytes; ``CheckError`` where it cannot say."""


class CheckError(Exception):
    """No answer: the process that was asked did not give one."""


def check_here(data: bytes, claims: Sequence[Claim]) -> list[bool]:
    """In this process, which keeps the memory."""
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - see the module
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415 - same

    def holds(claim: Claim) -> bool:
        try:
            key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(claim.public))
            key.verify(base64.b64decode(claim.signature, validate=True), data)
        except (InvalidSignature, ValueError):
            return False
        return True

    return [holds(claim) for claim in claims]


def check_apart(data: bytes, claims: Sequence[Claim]) -> list[bool]:
    """In a process that ends.

    Raises:
        CheckError: It gave no answer.
    """
    asked = json.dumps({"data": base64.b64encode(data).decode("ascii"), "claims": claims})
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    try:
        done = subprocess.run(
            [sys.executable, "-P", __file__],
            input=asked.encode(),
            capture_output=True,
            timeout=_TIMEOUT_S,
            check=True,
            env=environment,
        )
        answers = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as exc:
        raise CheckError(f"signatures cannot be checked: {exc}") from exc
    if not isinstance(answers, list) or len(answers) != len(claims):
        raise CheckError("signatures cannot be checked: the answer is not one for each")
    return [answer is True for answer in answers]


def _main() -> None:
    asked = json.load(sys.stdin)
    claims = [Claim(*claim) for claim in asked["claims"]]
    json.dump(check_here(base64.b64decode(asked["data"]), claims), sys.stdout)


if __name__ == "__main__":
    _main()
