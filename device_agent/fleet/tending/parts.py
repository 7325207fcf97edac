"""What a gateway can show of its insides, part by part. Each is bounded in time; what cannot be had says why.

Not here: what leaves the gateway of it (``archive``), taking secrets out (``redaction``).
"""

import platform
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from device_agent import VERSION
from device_agent.config import GatewayConfig
from device_agent.fleet.tending.redaction import redacted

_TOOL_S: Final = 10.0
_TAIL_BYTES: Final = 4 * 1024 * 1024
_LOG_LINES: Final = "5000"

Part = Callable[[], bytes]


class UnavailableError(Exception):
    """This machine does not have it, or not for this user."""


class Seat(NamedTuple):
    """Where the parts are.

    Attributes:
        look: The document of the process that filters; its state folder holds the spool.
        folders: Where processes say how they are; asked anew each time.
        own: Where the process that carries out jobs keeps its state.
    """

    look: Callable[[], GatewayConfig]
    folders: Callable[[], Sequence[Path]]
    own: Path


def parts(seat: Seat) -> Mapping[str, Part]:
    """All parts by name, the most telling first."""
    return {
        "document": lambda: _json(redacted(msgspec.to_builtins(seat.look()))),
        "status": lambda: _files(seat.folders(), "*-status.json"),
        "spool": lambda: _spool(Path(seat.look().state_dir)),
        "update": lambda: _files([seat.own / "update"], "*.json"),
        "tunnels": lambda: _files([seat.own], "tunnels.jsonl"),
        "machine": lambda: _machine(seat.own),
        "kernel": lambda: _tool("dmesg", "--time-format", "iso"),
        "throttled": lambda: _tool("vcgencmd", "get_throttled"),
        "processes": lambda: _tool("ps", "-eo", "pid,ppid,rss,pcpu,etimes,comm"),
        "journal": lambda: _tool("journalctl", "--no-pager", "--output=short-iso", "--lines", _LOG_LINES),
    }


def _json(value: Any) -> bytes:  # noqa: ANN401 - JSON values
    return msgspec.json.format(msgspec.json.encode(value), indent=2)


def _files(folders: Sequence[Path], pattern: str) -> bytes:
    found = [path for folder in folders for path in sorted(folder.glob(pattern))]
    if not found:
        raise UnavailableError(f"{', '.join(map(str, folders))}: no {pattern}")
    return b"\n".join(b"== " + path.name.encode() + b"\n" + path.read_bytes()[-_TAIL_BYTES:] for path in found)


def _spool(folder: Path) -> bytes:
    from device_agent.spool.overview import overview  # noqa: PLC0415 - SQLite, which hardly any job needs
    from device_agent.spool.trouble import SpoolTroubleError  # noqa: PLC0415 - see above

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
