"""Whether enough keys of a role signed some bytes.

A key counts once, however often it signed. Signatures by keys that the role does not have count for nothing, and do no
harm: a document may be signed for two roots.
"""

from collections.abc import Sequence

from contract.signing import Role, Root, Signature
from device_agent.errors import UpdateError
from device_agent.fleet.trust.ed25519 import Checker, CheckError, Claim


def valid_keys(data: bytes, signatures: Sequence[Signature], root: Root, check: Checker) -> frozenset[str]:
    """The keys of a root that signed some bytes, by their ids.

    Args:
        data: The bytes as they were signed, with what was put before them.
        signatures: What is said to be theirs.
        root: Whose keys count.
        check: Says which signatures are good.

    Raises:
        UpdateError: That cannot be said now.
    """
    known = [each for each in signatures if each.key_id in root.keys]
    claims = [Claim(root.keys[each.key_id].ed25519, each.signature) for each in known]
    try:
        answers = check(data, claims) if claims else []
    except CheckError as exc:
        raise UpdateError(str(exc), remedy="try again; if it stays so, install the gateway's packages anew") from exc
    return frozenset(each.key_id for each, good in zip(known, answers, strict=True) if good)


def signers(role: Role, valid: frozenset[str]) -> frozenset[str]:
    """Which of a role's keys signed; empty if they are fewer than it takes."""
    found = valid & frozenset(role.keys)
    return found if len(found) >= role.threshold else frozenset()
