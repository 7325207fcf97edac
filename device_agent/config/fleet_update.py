"""When, from where and how much a gateway may be updated."""

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

MIB = 1024 * 1024

_TIME = "([01][0-9]|2[0-3]):[0-5][0-9]"


class UpdateConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The section ``fleet.update``.

    Attributes:
        window: Local time of day in which a new version may be put in use, e.g. ``02:00-04:00``; empty for any.
            It is downloaded, verified and staged before.
        defer_limit_s: An open episode defers an update at most so long, seconds; 0 not at all.
        max_bundle_bytes: Nothing larger is downloaded.
        max_unpacked_bytes: Nothing that unpacks to more is staged.
        spare_bytes: Stay free on the disk.
        slowest_bytes_s: A download that is slower for long is ended.
        download_within_s: Without an end after so many seconds of trying, a download has failed.
        ca_file: PEM of who may vouch for download servers; empty for the system's own.
        proxy: ``http://host:port`` through which downloads go; empty for none.
    """

    window: Annotated[str, Meta(pattern=f"^({_TIME}-{_TIME})?$")] = ""
    defer_limit_s: Annotated[float, Meta(ge=0, le=86_400)] = 900.0
    max_bundle_bytes: Annotated[int, Meta(gt=0)] = 256 * MIB
    max_unpacked_bytes: Annotated[int, Meta(gt=0)] = 1024 * MIB
    spare_bytes: Annotated[int, Meta(ge=0)] = 64 * MIB
    slowest_bytes_s: Annotated[int, Meta(ge=0)] = 512
    download_within_s: Annotated[float, Meta(gt=0, le=86_400)] = 6 * 3600.0
    ca_file: str = ""
    proxy: Annotated[str, Meta(pattern=r"^(http://[A-Za-z0-9.-]+:[0-9]{1,5})?$")] = ""


def located_update(update: UpdateConfig, folder: Path) -> UpdateConfig:
    """The same with its relative path taken from a folder."""
    return msgspec.structs.replace(update, ca_file=str(folder / update.ca_file) if update.ca_file else "")
