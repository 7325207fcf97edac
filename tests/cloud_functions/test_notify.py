from cloud_functions.adapters.memory import MemoryNotifier, MemoryTable
from cloud_functions.adapters.sns import subject
from cloud_functions.core.errors import StoreError
from cloud_functions.core.keys import Key
from cloud_functions.core.notify import Notify
from cloud_functions.core.people import Alert
from cloud_functions.core.shape import alert_row, severity
from tests.cloud_functions.make import NOW_MS, Clock, episode


def an_alert(**fields: object) -> Alert:
    return alert_row("gw-1", episode(**fields), expires_at=1)  # type: ignore[arg-type]


def test_an_alert_is_told_once_however_often_the_stream_says_so() -> None:
    table, notifier, alert = MemoryTable(), MemoryNotifier(), an_alert()
    table.insert(alert)
    notify = Notify(table, notifier, Clock())
    assert [notify.notify(alert.key) for _ in range(3)] == [True, False, False]
    assert [told.alert_id for told in notifier.told] == [alert.alert_id]
    stored = table.get(alert.key)
    assert isinstance(stored, Alert)
    assert stored.notified_ms == NOW_MS


def test_an_alert_that_could_not_be_told_is_told_later() -> None:
    class Unplugged(MemoryNotifier):
        def notify(self, alert: Alert) -> None:
            raise StoreError(alert.alert_id)

    table, notifier, alert = MemoryTable(), MemoryNotifier(), an_alert()
    table.insert(alert)
    try:
        Notify(table, Unplugged(), Clock()).notify(alert.key)
    except StoreError:
        assert Notify(table, notifier, Clock()).notify(alert.key)
    assert len(notifier.told) == 1


def test_an_alert_that_closed_before_it_was_told_is_still_told() -> None:
    table, notifier, alert = MemoryTable(), MemoryNotifier(), an_alert(phase="closed", duration_ms=10)
    table.insert(alert)
    assert Notify(table, notifier, Clock()).notify(alert.key)


def test_a_row_that_is_gone_is_nobodys_alert() -> None:
    assert not Notify(MemoryTable(), MemoryNotifier(), Clock()).notify(Key("A#0", "gone"))


def test_severity_rises_with_the_peak() -> None:
    assert [severity(peak) for peak in (1.0, 1.99, 2.0, 3.9, 4.0, 99.0)] == [
        "minor",
        "minor",
        "major",
        "major",
        "critical",
        "critical",
    ]


def test_a_subject_is_one_short_line_of_ascii() -> None:
    line = subject(an_alert(sensor="kü\nche" + "x" * 200))
    assert len(line) == 100
    assert line.isascii()
    assert line.isprintable()


def test_a_rules_alert_has_the_rules_severity_and_reason_and_a_made_up_one_counts_for_nothing() -> None:
    reason = "hot: oven.t > 90 (oven.t is 95)"
    alert = an_alert(rule="hot", severity="critical", peak_score=1.0, reason=reason)
    assert (alert.severity, alert.reason) == ("critical", reason)
    assert an_alert(rule="hot", severity="dreadful", peak_score=1.0).severity == "minor"
