"""Makes the report of a demo that has ended in order: every gateway's account, alerts, latency, quarantine."""

from collections import Counter
from collections.abc import Sequence

from twin.cloud import Deployment
from twin.errors import TwinError
from twin.evidence import count_quarantined, read_blocks, read_ledger
from twin.gateways import Gateway
from twin.reckoning import Block, Reckoning, latency, reckon
from twin.report import DemoReport, GatewayReport


def audit(gateways: Sequence[Gateway], deployment: Deployment, *, seconds: float, start_s: float) -> DemoReport:
    """Compares what the gateways accepted with what the table holds.

    Args:
        gateways: All ended.
        deployment: Still running.
        seconds: How long all gateways ran.
        start_s: How long it took to start them.
    """
    table = deployment.outputs.table_name
    blocks = read_blocks(deployment.clients, table)
    alerts = deployment.inbox.alerts
    notified = Counter(alert.gateway_id for alert in alerts)
    accounts = [_account(gateway, blocks) for gateway in gateways]
    rows = [
        _row(gateway, account, notified[gateway.gateway_id])
        for gateway, account in zip(gateways, accounts, strict=True)
    ]
    return DemoReport(
        seconds=round(seconds, 1),
        start_s=round(start_s, 1),
        gateways=rows,
        alerts=len(alerts),
        notifications=alerts,
        latency_ms=latency(accounts),
        lost=sum(row.lost for row in rows),
        duplicates=sum(row.duplicates for row in rows),
        quarantined=count_quarantined(deployment.clients, table),
    )


def _account(gateway: Gateway, blocks: Sequence[Block]) -> Reckoning:
    own = (block for block in blocks if block.gateway_id == gateway.gateway_id)
    return reckon(read_ledger(gateway.ledger), own)


def _row(gateway: Gateway, account: Reckoning, alerts: int) -> GatewayReport:
    run, agent = gateway.run_status(), gateway.agent_status()
    if run is None or agent is None:
        raise TwinError(f"{gateway.gateway_id}: its status files are gone", remedy="report it, with --keep's logs")
    return GatewayReport(
        id=gateway.gateway_id,
        samples=run.samples,
        windows=run.windows,
        events=account.accepted,
        stored=account.stored,
        lost=account.lost,
        duplicates=account.duplicates,
        declared=account.declared,
        unknown=account.unknown,
        raw_bytes=run.raw_bytes,
        sent_bytes=agent.sent_bytes,
        alerts=alerts,
        armed_after_ms=run.armed_after_ms,
    )
