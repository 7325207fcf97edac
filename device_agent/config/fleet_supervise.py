"""How the gateway's processes are kept running."""

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta


class SuperviseConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The section ``fleet.supervise``; only ``thresher supervise`` reads it.

    Attributes:
        install_dir: Where releases of the application lie; empty: applications are not updated here, and the
            processes run from the supervisor's own installation.
        hang_after_s: A process whose status file stands still for so long is ended and started again.
    """

    install_dir: str = ""
    hang_after_s: Annotated[float, Meta(ge=20, le=86_400)] = 180.0


def located_supervise(supervise: SuperviseConfig, folder: Path) -> SuperviseConfig:
    """The same with its relative path taken from a folder."""
    if not supervise.install_dir:
        return supervise
    return msgspec.structs.replace(supervise, install_dir=str(folder / supervise.install_dir))
