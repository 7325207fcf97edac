"""Whether the certificate is valid, the key belongs to it, and nobody else can read what is secret."""

import stat
from collections.abc import Iterator
from pathlib import Path

from device_agent.config import UplinkConfig
from device_agent.doctor.findings import Finding, good, note, problem
from device_agent.errors import ConfigError
from device_agent.uplink.credentials import check_credentials
from device_agent.uplink.validity import complaint, read_validity


def credential_findings(uplink: UplinkConfig, wall_s: float) -> list[Finding]:
    """About the files of mutual TLS; nothing where a nucleus has them."""
    if uplink.type == "greengrass":
        return []
    try:
        check_credentials(uplink)
    except ConfigError as exc:
        return [problem("certificates", str(exc), exc.remedy), *_exposed(uplink)]
    return [_validity(Path(uplink.certificate), wall_s), *_exposed(uplink)]


def _validity(path: Path, wall_s: float) -> Finding:
    try:
        validity = read_validity(path.read_text(encoding="ascii", errors="replace"))
    except (OSError, ValueError) as exc:
        return problem("certificates", f"{path}: {exc}", "provision this gateway again")
    warning = complaint(validity, wall_s)
    days = (validity.ends_s - wall_s) / 86_400
    if not warning:
        return good("certificates", f"{path}: belongs to its key, good for {days:,.0f} days")
    tell = note if days > 0 and wall_s >= validity.begins_s else problem
    return tell("certificates", f"{path}: {warning}", "provision a new one; it is used without a restart")


def _exposed(uplink: UplinkConfig) -> Iterator[Finding]:
    token, proxy = uplink.pkcs11, uplink.proxy
    for path in (uplink.private_key, token.pin_file if token else "", proxy.password_file if proxy else ""):
        if not path:
            continue
        try:
            mode = Path(path).stat().st_mode
        except OSError as exc:
            yield problem("certificates", f"{path}: {exc.strerror or exc}", "provision this gateway again")
            continue
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            yield note("certificates", f"{path}: others than its owner may use it", f"chmod 600 {path}")
