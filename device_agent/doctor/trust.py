"""Whose updates the gateway takes, and until when its newest root lets it."""

import datetime as dt
import hashlib
from pathlib import Path
from typing import Final

from device_agent.config import GatewayConfig
from device_agent.doctor.findings import Finding, good, note, problem
from device_agent.errors import UpdateError
from device_agent.fleet.trust.ed25519 import check_here
from device_agent.fleet.trust.roots import TrustedRoot, first_root, kept_root
from device_agent.fleet.trust.state import load
from device_agent.fleet.trust.store import TRUST_FOLDER, anchor_of

_SOON: Final = dt.timedelta(days=90)


def trust_findings(config: GatewayConfig, wall_s: float) -> list[Finding]:
    """About ``fleet.trust``; nothing is written."""
    if not config.fleet.trust.root:
        remedy = "install the fleet's root document and name it in `fleet.trust.root`, see docs/trust.md"
        return [note("updates", "there is no root: the gateway takes no updates", remedy)]
    state, lost = load(Path(config.state_dir) / TRUST_FOLDER)
    found = []
    if lost:
        remedy = "look at the card; nothing else is to be done"
        found.append(note("updates", "what was trusted was damaged, the installed root counts again", remedy))
    try:
        document = anchor_of(Path(config.fleet.trust.root))
        followed = state.anchor == hashlib.sha256(document).hexdigest()
        trusted = kept_root(state.root.encode()) if followed else first_root(document, check_here)
    except UpdateError as exc:
        return [*found, problem("updates", str(exc), exc.remedy or "install the fleet's root document again")]
    return [*found, _validity(trusted, dt.datetime.fromtimestamp(wall_s, dt.UTC))]


def _validity(trusted: TrustedRoot, now: dt.datetime) -> Finding:
    root = trusted.root
    shown = f"root {root.version} is good until {root.expires:%Y-%m-%d}"
    if now < root.expires - _SOON:
        return good("updates", f"taken by the keys of a root; {shown}")
    return note("updates", shown, "sign the next root (thresher fleet keys rotate) and bring it by any bundle")
