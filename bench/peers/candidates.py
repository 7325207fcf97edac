"""Which peers there are: how each is installed, under ``build/peers``, and how it is started.

What cannot be installed within a few minutes is left out with its reason.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from device_agent.errors import ThresherError
from twin.ports import LOOPBACK, free_ports
from twin.provision import DeviceFiles

_ROOT: Final = Path(__file__).resolve().parents[2]
BUILD: Final = _ROOT / "build" / "peers"
_INSTALL_S: Final = 240
_PAHO: Final = "paho-mqtt==2.1.0"
_THINGSBOARD: Final = "thingsboard-gateway==3.8.5"
_NODE_RED: Final = "node-red@4.1.15"
_STORAGE: Final = {
    "type": "sqlite",
    "data_file_path": "./data/",
    "messages_ttl_check_in_hours": 1,
    "messages_ttl_in_days": 7,
    "max_read_records_count": 1000,
    "batch_size": 1000,
}


class UnavailableError(ThresherError):
    """A peer cannot be installed or started here."""


class Reach(NamedTuple):
    """How a peer gets to the broker: a port on 127.0.0.1, and its identity."""

    port: int
    device: DeviceFiles


class Start(NamedTuple):
    """A program to start in a folder of its own.

    Attributes:
        command: Program and arguments.
        environment: What it needs beside a plain one.
    """

    command: tuple[str, ...]
    environment: Mapping[str, str]


Ready = Callable[[Path, Reach, float], Start]
"""Writes what is needed into a folder for a rate in scans a second; raises ``UnavailableError``."""


def paho(folder: Path, reach: Reach, rate_hz: float) -> Start:
    """See ``bench.peers.paho_script``."""
    del folder
    return _script(_python("paho", _PAHO), "bench.peers.paho_script", reach, rate_hz)


def awscrt(folder: Path, reach: Reach, rate_hz: float) -> Start:
    """See ``bench.peers.awscrt_script``."""
    del folder
    return _script(Path(sys.executable), "bench.peers.awscrt_script", reach, rate_hz)


def thingsboard(folder: Path, reach: Reach, rate_hz: float) -> Start:
    """ThingsBoard IoT Gateway with its SQLite storage and our connector; it limits rates only to its makers' hosts."""
    python = _python("thingsboard", _THINGSBOARD)
    packages = next((python.parents[1] / "lib").glob("python*/site-packages"))
    extension = packages / "thingsboard_gateway" / "extensions" / "noise"
    extension.mkdir(exist_ok=True)
    shutil.copy(Path(__file__).with_name("noise_connector.py"), extension / "noise_connector.py")
    config = folder / "config"
    shutil.copytree(packages / "thingsboard_gateway" / "config", config)
    document = json.loads((config / "tb_gateway.json").read_text(encoding="utf-8"))
    document["thingsboard"] |= _for_thingsboard(reach)
    document |= {"storage": _STORAGE, "connectors": [_CONNECTOR]}
    (config / "tb_gateway.json").write_text(json.dumps(document), encoding="utf-8")
    noise = {"name": "noise", "id": "noise", "rateHz": rate_hz}
    (config / "noise.json").write_text(json.dumps(noise), encoding="utf-8")
    for name in ("logs", "data"):
        (folder / name).mkdir()
    command = (str(python), "-c", "from thingsboard_gateway.tb_gateway import daemon; daemon()")
    return Start(command, {"TB_GW_CONFIG_DIR": str(config), "PYTHONPATH": str(_ROOT)})


def node_red(folder: Path, reach: Reach, rate_hz: float) -> Start:
    """Node-RED with a function that makes the scans and its own MQTT node. Nothing is kept on disk."""
    program = _node_red()
    (port,) = free_ports(1)
    (folder / "flows.json").write_text(json.dumps(_flow(reach, rate_hz)), encoding="utf-8")
    settings = {"uiHost": LOOPBACK, "uiPort": port, "flowFile": "flows.json", "telemetry": {"enabled": False}}
    text = f"module.exports = {json.dumps(settings)};\n"
    (folder / "settings.js").write_text(text, encoding="utf-8")
    return Start((str(program), "--userDir", str(folder), "--settings", str(folder / "settings.js")), {})


CANDIDATES: Final[Mapping[str, Ready]] = {
    "paho script": paho,
    "awscrt script": awscrt,
    "thingsboard-gateway sqlite": thingsboard,
    "node-red": node_red,
}

_CONNECTOR: Final = {
    "type": "noise",
    "name": "noise",
    "configuration": "noise.json",
    "class": "NoiseConnector",
}


def _script(python: Path, module: str, reach: Reach, rate_hz: float) -> Start:
    device = reach.device
    files = (str(device.ca), str(device.certificate), str(device.private_key))
    return Start((str(python), "-m", module, str(reach.port), *files, f"{rate_hz:g}"), {"PYTHONPATH": str(_ROOT)})


def _python(name: str, wanted: str) -> Path:
    """An environment with one thing in it, made when it is first asked for."""
    folder = BUILD / name
    python, ready = folder / "bin" / "python", folder / ".ready"
    if not ready.exists() or ready.read_text(encoding="utf-8") != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        _run((sys.executable, "-m", "venv", str(folder)), wanted)
        _run((str(python), "-m", "pip", "install", "--quiet", wanted), wanted)
        ready.write_text(wanted, encoding="utf-8")
    return python


def _node_red() -> Path:
    folder = BUILD / "node-red"
    program = folder / "node_modules" / ".bin" / "node-red"
    if not program.exists():
        npm = shutil.which("npm")
        if npm is None:
            raise UnavailableError("node-red: npm is not installed", remedy="install Node.js")
        folder.mkdir(parents=True, exist_ok=True)
        _run((npm, "install", "--silent", "--no-fund", "--no-audit", "--prefix", str(folder), _NODE_RED), _NODE_RED)
    return program


def _run(command: tuple[str, ...], wanted: str) -> None:
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=_INSTALL_S, env=os.environ)
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise UnavailableError(f"{wanted}: {exc}", remedy="try where it can be downloaded") from exc
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["nothing said"])[-1]
        raise UnavailableError(f"{wanted}: {last}", remedy="try where it can be downloaded")


def _for_thingsboard(reach: Reach) -> dict[str, Any]:
    device = reach.device
    security = {
        "type": "tls",
        "caCert": str(device.ca),
        "cert": str(device.certificate),
        "privateKey": str(device.private_key),
        "checkCertPeriod": 86400,
    }
    return {
        "host": LOOPBACK,
        "port": reach.port,
        "security": security,
        "remoteConfiguration": False,
        "statistics": {"enable": False},
    }


def _flow(reach: Reach, rate_hz: float) -> list[dict[str, Any]]:
    """Inject once → function with a timer → mqtt out."""
    device = reach.device
    code = (
        "const rows = [];"
        "const noise = () => { let s = 0; for (let i = 0; i < 12; i++) s += Math.random(); return s - 6; };"
        "for (let i = 0; i < 1000; i++) { const row = {};"
        "for (let c = 0; c < 8; c++) row['channel_' + c] = Number((20 + 0.04 * noise()).toFixed(3)); rows.push(row); }"
        f"const rate = {rate_hz:g}; const began = Date.now(); let n = 0;"
        "setInterval(() => { const due = (Date.now() - began) * rate / 1000;"
        "while (n < due) { node.send({payload: JSON.stringify({t: Date.now(), ...rows[n % 1000]})}); n++; } },"
        f"{max(1, round(1000 / rate_hz))});"
    )
    tls = {"cert": str(device.certificate), "key": str(device.private_key), "ca": str(device.ca)}
    broker = {"broker": LOOPBACK, "port": str(reach.port), "tls": "tls", "usetls": True, "clientid": "node-red"}
    return [
        {"id": "tab", "type": "tab", "label": "bench"},
        {"id": "tls", "type": "tls-config", **tls, "verifyservercert": True},
        {"id": "broker", "type": "mqtt-broker", **broker, "protocolVersion": "5", "keepalive": "60"},
        {"id": "in", "type": "inject", "z": "tab", "once": True, "onceDelay": 0.1, "wires": [["make"]], "props": []},
        {"id": "make", "type": "function", "z": "tab", "func": code, "outputs": 1, "wires": [["out"]]},
        {"id": "out", "type": "mqtt out", "z": "tab", "topic": "peers/node-red", "qos": "1", "broker": "broker"},
    ]
