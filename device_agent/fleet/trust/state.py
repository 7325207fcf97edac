"""What a gateway remembers of trust: the newest root, what each key signed that was committed, the latest certain time.

Two copies, each written atomically and with its digest: a power cut leaves the old or the new one, a damaged copy is
passed over for the other, and the one with the higher generation counts. If both are damaged the gateway begins anew
from the root it was installed with, and says so (``lost``): nobody can visit it, and whoever can damage its disk can
also remove the files, so a refusal would protect nobody. What old bundles can do then is bounded by their expiry.

The root file of the configuration is the operator's: when its bytes change, the chain begins there anew.
"""

import datetime as dt
import hashlib
from pathlib import Path
from typing import Final

import msgspec

from contract.signing import Time
from device_agent.files import atomic_write

EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)

_COPIES: Final = ("trust.json", "trust.second.json")


class Committed(msgspec.Struct, frozen=True, kw_only=True):
    """The latest bundle of one kind and name that a key signed and that was committed.

    Attributes:
        counter: Its manifest's.
        version: Same.
        created: Same.
        manifest_sha256: Of what the manifest says.
    """

    counter: int
    version: str
    created: Time
    manifest_sha256: str


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """The bundle of one kind and name that passed every check last; it may be committed or not.

    Attributes:
        manifest_sha256: Of what the manifest says.
        keys: Ids of the keys that signed it.
    """

    manifest_sha256: str
    keys: list[str]


class TrustState(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered.

    Attributes:
        generation: Grows with every write.
        anchor: SHA-256 of the root file that the chain begins with.
        root: The newest root's document.
        committed: By ``kind/name``, then by key id.
        expected: By ``kind/name``.
        heard: The latest time of a steered clock that was asked.
    """

    generation: int = 0
    anchor: str = ""
    root: str = ""
    committed: dict[str, dict[str, Committed]] = {}
    expected: dict[str, Expected] = {}
    heard: Time = EPOCH


class _Kept(msgspec.Struct, frozen=True, kw_only=True):
    sha256: str
    state: msgspec.Raw


def load(folder: Path) -> tuple[TrustState, bool]:
    """What is remembered, and whether it is all that is left of damaged copies, so that something may be lost."""
    found = [_loaded(folder / name) for name in _COPIES]
    whole = [state for state in found if isinstance(state, TrustState)]
    lost = not whole and any(state is _DAMAGED for state in found)
    return max(whole, key=lambda state: state.generation, default=TrustState()), lost


def save(folder: Path, state: TrustState) -> TrustState:
    """Remembers it in both copies, the older one first.

    Raises:
        OSError: It cannot be written; at least one copy is as it was, or new.
    """
    folder.mkdir(parents=True, exist_ok=True)
    state = msgspec.structs.replace(state, generation=state.generation + 1)
    body = msgspec.json.encode(state)
    data = msgspec.json.encode(_Kept(sha256=hashlib.sha256(body).hexdigest(), state=msgspec.Raw(body)))
    for name in reversed(_COPIES):
        atomic_write(folder / name, data)
    return state


_DAMAGED: Final = object()


def _loaded(path: Path) -> TrustState | object | None:
    try:
        kept = msgspec.json.decode(path.read_bytes(), type=_Kept)
        if hashlib.sha256(bytes(kept.state)).hexdigest() != kept.sha256:
            return _DAMAGED
        return msgspec.json.decode(kept.state, type=TrustState)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return _DAMAGED
