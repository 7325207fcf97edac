"""A token in software, SoftHSM2: for keys that never leave it."""

import ctypes.util
import subprocess
from pathlib import Path

import pytest

from device_agent.config import Pkcs11Config
from tests.device_agent.uplink.mosquitto import tool

PIN = "4711"
TOKEN = "gateway"  # noqa: S105 - its label


def new_token(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Pkcs11Config:
    """An empty token; the document that names it names a key ``identity`` which is not there."""
    util = tool("softhsm2-util", "softhsm2")
    (folder / "tokens").mkdir()
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder / 'tokens'}\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(folder / "softhsm2.conf"))
    _run(util, "--init-token", "--free", "--label", TOKEN, "--so-pin", "0000", "--pin", PIN)
    pin_file = folder / "pin"
    pin_file.write_text(PIN + "\n")
    return Pkcs11Config(library=_library(), token=TOKEN, key="identity", pin_file=str(pin_file))


def keep(token: Pkcs11Config, key: Path) -> Pkcs11Config:
    """Puts a key into the token and takes its file away."""
    util = tool("softhsm2-util", "softhsm2")
    _run(util, "--import", str(key), "--token", TOKEN, "--label", token.key, "--id", "01", "--pin", PIN)
    key.unlink()
    return token


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=30)


def _library() -> str:
    places = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/*/softhsm/libsofthsm2.so")
    found = next((str(each) for place in places for each in Path("/").glob(place[1:])), None)
    return found or ctypes.util.find_library("softhsm2") or ""
