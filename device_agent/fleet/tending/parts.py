"""What a gateway can show of its insides, part by part. Each is bounded in time; what cannot be had says why.

Not here: what leaves the gateway of it (``archive``), taking secrets out (``redaction``).
"""

import platform
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from device_agent import VERSION
from device_agent.config import GatewayConfig
from device_agent.fleet.tending.redaction import redacted
from device_agent.spool.overview import overview
from device_agent.spool.trouble import SpoolTroubleError

_TOOL_S: Final = 10.0
_TAIL_BYTES: Final = 4 * 1024 * 1024
_LOG_LINES: Final = "5000"

Part = Callable[[], bytes]


class UnavailableError(Exception):
    """This machine does not have it, or not for this user."""


def parts(config: GatewayConfig, folder: Path) -> Mapping[str, Part]:
    """All parts by name, the most telling first.

    Args:
        config: The gateway's document.
        folder: Where its processes keep their state.
    """
    return {
        "document": lambda: _json(redacted(msgspec.to_builtins(config))),
        "status": lambda: _files(folder, "*-status.json"),
        "spool": lambda: _spool(folder),
        "update": lambda: _files(folder / "update", "*.json"),
        "machine": lambda: _machine(folder),
        "kernel": lambda: _tool("dmesg", "--time-format", "iso"),
        "throttled": lambda: _tool("vcgencmd", "get_throttled"),
        "processes": lambda: _tool("ps", "-eo", "pid,ppid,rss,pcpu,etimes,comm"),
        "journal": lambda: _tool("journalctl", "--no-pager", "--output=short-iso", "--lines", _LOG_LINES),
    }


def _json(value: Any) -> bytes:  # noqa: ANN401 - JSON values
    return msgspec.json.format(msgspec.json.encode(value), indent=2)


def _files(folder: Path, pattern: str) -> bytes:
    found = sorted(folder.glob(pattern))
    if not found:
        raise UnavailableError(f"{folder}: no {pattern}")
    return b"\n".join(b"== " + path.name.encode() + b"\n" + path.read_bytes()[-_TAIL_BYTES:] for path in found)


def _spool(folder: Path) -> bytes:
    path = folder / "spool.sqlite3"
    if not path.exists():
        raise UnavailableError(f"{path} is not there")
    try:
        return _json(msgspec.to_builtins(overview(path)))
    except SpoolTroubleError as exc:
        raise UnavailableError(str(exc)) from exc


def _machine(folder: Path) -> bytes:
    disk = shutil.disk_usage(folder)
    kept = {
        "version": VERSION,
        "python": platform.python_version(),
        "system": " ".join(platform.uname()),
        "disk_total_bytes": disk.total,
        "disk_free_bytes": disk.free,
    }
    for name in ("uptime", "loadavg", "meminfo", "mounts"):
        kept[name] = Path("/proc", name).read_text(encoding="utf-8", errors="replace").strip()
    return _json(kept)


def _tool(*command: str) -> bytes:
    program = shutil.which(command[0])
    if program is None:
        raise UnavailableError(f"{command[0]} is not installed")
    try:
        done = subprocess.run([program, *command[1:]], capture_output=True, timeout=_TOOL_S, check=False)
    except subprocess.TimeoutExpired as exc:
        raise UnavailableError(f"{command[0]} did not end within {_TOOL_S:g} s") from exc
    if done.returncode != 0:
        reason = done.stderr.decode(errors="replace").strip().splitlines() or [f"exit status {done.returncode}"]
        raise UnavailableError(f"{command[0]}: {reason[-1]}")
    return done.stdout[-_TAIL_BYTES:]
