"""What each gateway says that it runs: kept from its shadow ``state`` whenever that changes, for the fleet's view.

The shadow's words are the gateway's own (``device_agent.fleet.visibility.content``); what is unknown here is left out.
"""

from typing import Any

import msgspec

from cloud_functions.core.errors import RejectedError
from cloud_functions.core.keys import fleet_key
from cloud_functions.core.ports import Table
from cloud_functions.core.rows import SoftwareRow
from cloud_functions.core.views import SoftwareView
from contract.envelope import check_gateway_id
from contract.errors import ContractError


class Part(msgspec.Struct, frozen=True):
    """Software, model or configuration."""

    version: str = ""
    release: str = ""
    sha256: str = ""
    bundle_sha256: str = ""


class Update(msgspec.Struct, frozen=True):
    """How an update stands."""

    phase: str = ""
    order: str = ""


class Reported(msgspec.Struct, frozen=True):
    """What of the shadow is kept."""

    software: Part = Part()
    model: Part = Part()
    configuration: Part = Part()
    update: Update = Update()


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What the rule hands over: the shadow as it is now, whose, and when."""

    gateway_id: str
    broker_ms: int
    reported: Reported


def keep(table: Table, event: dict[str, Any]) -> None:
    """Keeps it, unless something newer is kept.

    Raises:
        RejectedError: It cannot be understood.
        StoreError: A retry may help.
    """
    try:
        report = msgspec.convert(event, Report)
        pk, sk = fleet_key(check_gateway_id(report.gateway_id), "software")
    except (msgspec.ValidationError, ContractError) as exc:
        raise RejectedError(f"state of a gateway: {exc}") from exc
    body = msgspec.json.encode(report.reported).decode()
    row = SoftwareRow(pk=pk, sk=sk, gateway_id=report.gateway_id, broker_ms=report.broker_ms, body=body)
    table.merge(row, rank="broker_ms")


def view(row: SoftwareRow | None) -> SoftwareView | None:
    """As the API shows it: the release where a bundle brought it, else what was installed with the gateway."""
    if row is None:
        return None
    said = msgspec.json.decode(row.body, type=Reported)
    return SoftwareView(
        application=said.software.release or said.software.version,
        model=said.model.release or said.model.version,
        configuration=said.configuration.release or said.configuration.sha256[:12],
        update=said.update.phase,
        said_ms=row.broker_ms,
    )
