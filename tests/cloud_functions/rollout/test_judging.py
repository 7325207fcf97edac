from cloud_functions.core.rollout.judging import Execution, JobStatus, Standing, Verdict, compare, judge
from cloud_functions.core.rollout.rates import Rate
from contract.rollout import Bounds
from tests.cloud_functions.make import NOW_MS
from tests.cloud_functions.rollout.make import wave

HOUR = 3_600_000
CANARIES = wave("canaries", "r1-w1", "gw-1", "gw-2", "gw-3")


def said(*statuses: JobStatus, age_s: int = 0) -> list[Execution]:
    return [Execution(f"gw-{i}", one, 1, NOW_MS - age_s * 1000, True) for i, one in enumerate(statuses, 1)]  # noqa: FBT003


def verdict(executions: list[Execution], *, age_s: int = 300, **bounds: float) -> Verdict:
    return judge(CANARIES, executions, begun_ms=NOW_MS - age_s * 1000, now_ms=NOW_MS, bounds=Bounds(**bounds))


def test_a_wave_waits_for_everybody() -> None:
    assert verdict(said("SUCCEEDED", "IN_PROGRESS", "QUEUED")) == Verdict("wait", "canaries: 1 of 3 have it")


def test_one_failure_takes_it_back_at_once() -> None:
    for bad in ("FAILED", "TIMED_OUT", "REJECTED"):
        found = verdict(said("QUEUED", "QUEUED", bad))
        assert found.decision == "abort"
        assert f"1 {bad} of 3" in found.reason


def test_failures_within_the_bound_do_not() -> None:
    assert verdict(said("SUCCEEDED", "SUCCEEDED", "FAILED"), failed_percent=34).decision == "wait"


def test_what_somebody_cancelled_is_not_promoted() -> None:
    assert verdict(said("SUCCEEDED", "SUCCEEDED", "CANCELED")).decision == "abort"


def test_it_passes_only_after_the_last_has_soaked() -> None:
    young = said("SUCCEEDED", "SUCCEEDED", "SUCCEEDED", age_s=59)
    assert "soaks for 1 s more" in verdict(young).reason
    assert verdict(said("SUCCEEDED", "SUCCEEDED", "SUCCEEDED", age_s=60)).decision == "pass"


def test_who_is_away_at_the_deadline_is_left_behind_if_enough_have_it() -> None:
    late = said("SUCCEEDED", "SUCCEEDED", "QUEUED", age_s=100)
    assert verdict(late, age_s=599).decision == "wait"
    assert verdict(late, age_s=600).decision == "abort"
    lenient = wave("canaries", "r1-w1", "gw-1", "gw-2", "gw-3", quorum_percent=60.0)
    assert judge(lenient, late, begun_ms=NOW_MS - 600_000, now_ms=NOW_MS, bounds=Bounds()).decision == "pass"


def test_nobody_is_no_quorum() -> None:
    nobody = wave("canaries", "r1-w1", "gw-1", quorum_percent=0.0)
    late = judge(nobody, [], begun_ms=NOW_MS - 600_000, now_ms=NOW_MS, bounds=Bounds())
    assert late.decision == "abort"


def standing(gateways: int = 10, *, silent: int = 0, restarted: int = 0, alerts: int = 0, false: int = 0) -> Standing:
    return Standing(gateways, silent, restarted, Rate(alerts, HOUR * gateways), Rate(false, HOUR * gateways))


def test_doing_as_before_is_nothing_to_tell() -> None:
    assert compare(standing(alerts=10, false=2), standing(40, alerts=40, false=8), Bounds()) == ""


def test_each_way_of_doing_worse_is_named() -> None:
    old = standing(40, alerts=4)
    for worse, word in (
        (standing(silent=1), "fell silent"),
        (standing(restarted=1), "began anew"),
        (standing(alerts=12), "alerts an hour"),
        (standing(false=12), "false alarms an hour"),
    ):
        assert word in compare(worse, old, Bounds())


def test_an_outage_that_hits_both_is_nobodys_fault() -> None:
    assert compare(standing(silent=10), standing(40, silent=40), Bounds()) == ""
