"""Which log lines leave the gateway."""

from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Level = Literal["debug", "info", "warning", "error", "critical"]
LEVELS: tuple[Level, ...] = ("debug", "info", "warning", "error", "critical")


class LogsConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The section ``fleet.logs``; see docs/logs.md.

    Attributes:
        monthly_bytes: What a month's lines may cost in data; 0 sends none. Above today's part of it lines wait.
        level: The least that is sent.
        units: systemd units whose journal is read.
        files: Files of lines that are read besides.
    """

    monthly_bytes: Annotated[int, Meta(ge=0)] = 0
    level: Level = "warning"
    units: list[Annotated[str, Meta(pattern=r"^[A-Za-z0-9:_.@\\][A-Za-z0-9:_.@\\-]*$")]] = []
    files: list[str] = []


def located_logs(logs: LogsConfig, folder: Path) -> LogsConfig:
    """The same with its relative paths taken from a folder."""
    return msgspec.structs.replace(logs, files=[str(folder / each) for each in logs.files])
