import msgspec

from twin.inbox import Alert
from twin.reckoning import Latency
from twin.report import DemoReport, GatewayReport, shortcomings, table

ALERT = Alert(alert_id="a", gateway_id="replay", sensor="host", top_channel="cpu_percent")


def row(gateway_id: str = "live", *, lost: int = 0, events: int = 10) -> GatewayReport:
    return GatewayReport(
        id=gateway_id,
        samples=100,
        windows=5,
        events=events,
        stored=events - lost,
        lost=lost,
        duplicates=0,
        declared=0,
        unknown=0,
        raw_bytes=123_456,
        sent_bytes=999,
        alerts=0,
        armed_after_ms=None,
    )


def report(*rows: GatewayReport, alerts: tuple[Alert, ...] = ()) -> DemoReport:
    return DemoReport(
        seconds=90.0,
        start_s=6.0,
        gateways=rows,
        alerts=len(alerts),
        notifications=alerts,
        latency_ms=Latency(p50=1, p99=2),
        lost=sum(row.lost for row in rows),
        duplicates=0,
        quarantined=0,
    )


def test_a_lost_event_makes_the_demo_bad() -> None:
    assert "1 events lost" in shortcomings(report(row(lost=1), alerts=(ALERT,)), faulty=["replay"], alert_due=True)[0]


def test_no_alert_from_a_replayed_fault_makes_the_demo_bad() -> None:
    live_only = msgspec.structs.replace(ALERT, gateway_id="live")
    assert shortcomings(report(row(), alerts=(live_only,)), faulty=["replay"], alert_due=True)
    assert not shortcomings(report(row(), alerts=(ALERT,)), faulty=["replay"], alert_due=True)


def test_an_alert_is_not_missed_before_it_is_due() -> None:
    assert not shortcomings(report(row()), faulty=["replay"], alert_due=False)


def test_a_gateway_without_events_makes_the_demo_bad() -> None:
    assert shortcomings(report(row(events=0), alerts=(ALERT,)), faulty=["replay"], alert_due=True)


def test_the_table_shows_what_travelled_against_what_was_read() -> None:
    assert "123.5 kB → 999 B" in table(report(row()))[1]


def test_the_report_has_the_names_a_reader_relies_on() -> None:
    plain = msgspec.to_builtins(report(row()))
    assert {"gateways", "alerts", "latency_ms", "lost", "duplicates"} <= plain.keys()
    assert {
        "id",
        "samples",
        "windows",
        "events",
        "stored",
        "lost",
        "duplicates",
        "raw_bytes",
        "sent_bytes",
    } <= plain["gateways"][0].keys()
    assert set(plain["latency_ms"]) == {"p50", "p99"}
