"""A key in a PKCS#11 token: made in it, used in it, never out of it.

By ``pkcs11-tool`` of OpenSC (apt package ``opensc``), which every token vendor tests with; the PIN reaches it by its
environment, which other users cannot read. The key is one for the device's life: a rotation renews its certificate.
Not here: connecting with it (``device_agent.uplink.building``).
"""

import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from device_agent.config import Pkcs11Config
from device_agent.errors import ConfigError
from device_agent.fleet.identity.keys import signed_request

_TOOL: Final = "pkcs11-tool"
_WITHIN_S: Final = 60.0
_PIN: Final = "PKCS11_PIN"
_REMEDY: Final = "compare with `pkcs11-tool --list-token-slots` and `--list-objects`; check the PIN"


class TokenKeys:
    """See ``Keys``. The identity's folder holds its certificate only.

    Args:
        token: Where the key is, or will be.
    """

    def __init__(self, token: Pkcs11Config) -> None:
        self._token = token

    def request(self, folder: Path, subject: str) -> str:  # noqa: ARG002 - the token is the place
        """See ``Keys``."""
        from device_agent.fleet.identity.token_key import TokenKey  # noqa: PLC0415 - megabytes, see ``keys``

        public = self._public()
        if not public:
            self._call("--keypairgen", "--key-type", "EC:prime256v1", "--id", _id_of(self._token.key))
            public = self._public()
        return signed_request(TokenKey(public, self._sign), subject)

    def _public(self) -> bytes:
        """SubjectPublicKeyInfo, DER; empty if the token has no such key."""
        with tempfile.TemporaryDirectory() as room:
            found = Path(room, "public")
            listed = self._call("--list-objects", "--type", "privkey")
            if f"label:      {self._token.key}\n" not in listed:
                return b""
            self._call("--read-object", "--type", "pubkey", "--output-file", str(found))
            return found.read_bytes()

    def _sign(self, data: bytes) -> bytes:
        """ECDSA with SHA-256, DER."""
        with tempfile.TemporaryDirectory() as room:
            told, made = Path(room, "data"), Path(room, "signature")
            told.write_bytes(data)
            self._call(
                *("--sign", "--mechanism", "ECDSA", "--signature-format", "openssl"),
                *("--input-file", str(told), "--output-file", str(made)),
            )
            return made.read_bytes()

    def _call(self, *arguments: str) -> str:
        token = self._token
        known = ("--module", token.library, "--token-label", token.token, "--login", "--pin", f"env:{_PIN}")
        label = () if arguments[0] == "--list-objects" else ("--label", token.key)
        return _run([_TOOL, *known, *label, *arguments], pin=_pin(token.pin_file))


def _run(command: Sequence[str], *, pin: str) -> str:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_WITHIN_S, check=False, env={**os.environ, _PIN: pin}
        )
    except FileNotFoundError as exc:
        raise ConfigError(f"{_TOOL} is not installed", remedy="apt-get install opensc") from exc
    except subprocess.TimeoutExpired as exc:
        raise ConfigError(f"{_TOOL}: no answer within {_WITHIN_S:.0f} s", remedy="is the token plugged in?") from exc
    if done.returncode:
        said = " ".join(done.stderr.split())
        raise ConfigError(f"`$.uplink.pkcs11`: {_TOOL}: {said[-400:]}", remedy=_REMEDY)
    return done.stdout


def _pin(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as exc:
        raise ConfigError(
            f"`$.uplink.pkcs11.pin_file`: {path}: {exc.strerror or exc}",
            remedy="write it there, readable by this user only",
        ) from exc


def _id_of(label: str) -> str:
    """The object's id, which binds the public key to the private one: hexadecimal, of the label."""
    return label.encode().hex()[:32]
