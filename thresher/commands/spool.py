"""thresher spool: what a gateway holds, whether it is sound, and a way out for what cannot travel.

All but ``retry`` read only, beside running processes and from a damaged file as far as it can be read.
Exit status: 0 done, 1 ``verify`` found something or ``retry`` left something behind.
"""

import argparse
import contextlib
import itertools
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Final

import msgspec

from device_agent import config as configuration
from device_agent.config import GatewayConfig
from device_agent.errors import ConfigError, SpoolError
from device_agent.health import RunStatus
from device_agent.spool import export
from device_agent.spool.opening import SPOOL_FILE
from device_agent.spool.overview import LaneOverview, Overview, overview
from device_agent.spool.requeue import Requeued, requeue
from device_agent.spool.verify import verify

_FRESH_MS: Final = 120_000
"""A status older than this is of a process that has ended."""

_IN_MEMORY_BYTES: Final = 1024 * 1024
"""Read at once, then printed: whoever reads slowly must not keep the spool's log from being copied back."""

_COLUMNS: Final = (
    ("lane", -10), ("events", 8), ("bytes", 12), ("oldest", 9), ("pending", 8), ("stored", 9), ("declared", 9),
    ("quarantine", 10),
)  # fmt: skip
"""Names and widths; negative is left-aligned."""


class Status(Overview, frozen=True, kw_only=True):
    """What ``status --json`` prints: the overview, and what only the sensing process knows.

    Attributes:
        hours_left: Until something must be given up at the present rate; ``None`` where that is not known.
        degraded: What does not work, in the sensing process's words.
    """

    hours_left: float | None
    degraded: list[str]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    whats = parser.add_subparsers(dest="what", required=True, metavar="WHAT")
    status = whats.add_parser("status", help="what each lane holds, how old it is, and what was given up")
    exporting = whats.add_parser("export", help="events as JSON lines: pending ones, quarantine, a damaged file's")
    source = exporting.add_mutually_exclusive_group()
    source.add_argument("--quarantine", action="store_true", help="what could not travel, instead of what is pending")
    source.add_argument("--file", type=Path, help="a spool file, e.g. one that was set aside as damaged")
    exporting.add_argument("--output", type=Path, help="write there (default: stdout)")
    checking = whats.add_parser("verify", help="compare every checksum and invariant; 1 if something is wrong")
    retrying = whats.add_parser("retry", help="take events from quarantine back into their lanes")
    which = retrying.add_mutually_exclusive_group(required=True)
    which.add_argument("numbers", type=int, nargs="*", default=[], help="as `export --quarantine` numbers them")
    which.add_argument("--all", action="store_true", help="everything in quarantine")
    for one in (status, exporting, checking, retrying):
        one.add_argument("--config", type=Path, required=True, help="the gateway's YAML document")
        one.add_argument("--json", action="store_true", help="print one JSON object as the last line")
        one.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)


def run(arguments: argparse.Namespace) -> int:
    """Does one of the four."""
    config = configuration.load(arguments.config)
    path = Path(config.state_dir) / SPOOL_FILE
    if arguments.what == "export" and arguments.file is not None:
        path = arguments.file
    if not path.exists():
        raise ConfigError(f"{path}: there is no spool yet", remedy="start `thresher run` once, or check state_dir")
    commands = {"status": _status, "export": _export, "verify": _verify, "retry": _retry}
    return commands[arguments.what](arguments, config, path)


def _status(arguments: argparse.Namespace, config: GatewayConfig, path: Path) -> int:
    running = _running(Path(config.state_dir) / "run-status.json")
    found = Status(
        **msgspec.structs.asdict(overview(path)),
        hours_left=running.spool_hours_left if running else None,
        degraded=running.degraded if running else [],
    )
    if arguments.json:
        _print_json(found)
        return 0
    print(f"spool {found.spool_id or 'of unknown id'}")
    for line in _table(found):
        print(line)
    left = "not known: `thresher run` is not running" if found.hours_left is None else f"{found.hours_left:.0f} h"
    print(f"until something must be given up at the present rate: {left}")
    for name, count in found.counters.items():
        print(f"  {name}: {count}")
    for problem in [
        *filter(None, [found.damage]),
        *found.degraded,
        *(f"set aside: {file}" for file in found.set_aside),
    ]:
        print(f"! {problem}")
    return 0


def _table(found: Overview) -> Iterator[str]:
    yield _line([name for name, _ in _COLUMNS])
    for lane, one in found.lanes.items():
        yield _line([lane, *_cells(one)])


def _line(cells: Iterable[str]) -> str:
    columns = zip(cells, _COLUMNS, strict=True)
    return " ".join(cell.rjust(width) if width > 0 else cell.ljust(-width) for cell, (_, width) in columns)


def _cells(one: LaneOverview) -> list[str]:
    oldest = "-" if one.oldest_age_h is None else f"{one.oldest_age_h:.1f} h"
    counts = (one.pending, one.stored, one.declared, one.quarantined)
    return [str(one.events), f"{one.event_bytes:,}", oldest, *map(str, counts)]


def _running(file: Path) -> RunStatus | None:
    with contextlib.suppress(OSError, msgspec.DecodeError):
        status = msgspec.json.decode(file.read_bytes(), type=RunStatus)
        if abs(time.time_ns() // 1_000_000 - status.wall_ms) < _FRESH_MS:
            return status
    return None


def _export(arguments: argparse.Namespace, _: GatewayConfig, path: Path) -> int:
    if arguments.quarantine:
        events = export.quarantined(path)
    elif arguments.file:
        events = itertools.chain(export.readable(path), export.quarantined(path))
    else:
        events = export.pending(path)
    if arguments.output is None:
        with tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES, "w+", encoding="utf-8") as file:
            count = _write(events, file)
            file.seek(0)
            shutil.copyfileobj(file, sys.stdout)
    else:
        try:
            with arguments.output.open("w", encoding="utf-8") as file:
                count = _write(events, file)
        except OSError as exc:
            raise SpoolError(f"{arguments.output}: {exc.strerror}", remedy="name a file that can be written") from exc
    if arguments.json:
        print(f'{{"events":{count}}}')
    else:
        print(f"{count} events", file=sys.stderr)
    return 0


def _write(events: Iterable[export.Exported], file: IO[str]) -> int:
    count = 0
    for event in events:
        file.write(msgspec.json.encode(event).decode() + "\n")
        count += 1
    return count


def _verify(arguments: argparse.Namespace, _: GatewayConfig, path: Path) -> int:
    verdict = verify(path)
    if arguments.json:
        _print_json(verdict)
    else:
        print(f"{path}: {verdict.events} events, {verdict.blocks} blocks, {len(verdict.findings)} findings")
        for finding in verdict.findings:
            print(f"! {finding.where}: {finding.what}\n  try: {finding.remedy}")
    return 1 if verdict.findings else 0


def _retry(arguments: argparse.Namespace, _: GatewayConfig, path: Path) -> int:
    wanted = None if arguments.all else set(arguments.numbers)
    done = requeue(path, wanted, new_id=lambda: secrets.token_hex(8), wall_ms=lambda: time.time_ns() // 1_000_000)
    if arguments.json:
        _print_json({"retried": done})
    else:
        for one in done:
            print(_told(one))
    return 1 if any(one.problem for one in done) else 0


def _told(one: Requeued) -> str:
    return f"{one.number}: stays: {one.problem}" if one.problem else f"{one.number}: {one.lane} {one.seq}"


def _print_json(found: object) -> None:
    print(msgspec.json.encode(found).decode())
