"""Every state of an execution, and what goes wrong on the way: J1 to J8 and J16 of the fault list, each by its name."""

import pytest

from device_agent.fleet.limits import Limits
from device_agent.fleet.port import Outcome
from tests.device_agent.fleet.rig import QUIET, Gate, Hand, Rig, document, until


@pytest.fixture
def rig(tmp_path):
    built = Rig(tmp_path)
    yield built
    built.stop.set()
    built.engine.end(5)


@pytest.fixture
def quiet(tmp_path):
    return Rig(tmp_path, limits=QUIET)


def said(rig, job_id, number=0):
    return rig.ledger.of(job_id, number).said


# --- every state ------------------------------------------------------------------------------------------------------


def test_a_job_is_claimed_before_it_is_done_and_told_when_it_is_over(rig):
    rig.hand.script = lambda task: Outcome(status="SUCCEEDED", details={"seen": rig.status(task.job_id)})
    rig.ledger.create("j-1", document("a"))
    rig.until_over("j-1")
    assert rig.status("j-1") == "SUCCEEDED"
    assert rig.ledger.of("j-1").details["seen"] == "IN_PROGRESS"
    assert said(rig, "j-1") == ["IN_PROGRESS", "SUCCEEDED"]


def test_a_job_that_fails_says_why_and_at_which_step(rig):
    rig.hand.script = lambda task: (
        Outcome(status="FAILED", reason="no room") if task.step else Outcome(status="SUCCEEDED")
    )
    rig.ledger.create("j-1", document("a", "b", "c"))
    rig.until_over("j-1")
    assert rig.status("j-1") == "FAILED"
    assert rig.ledger.of("j-1").details["reason"] == "2/3 b: no room"
    assert len(rig.hand.effects) == 2


def test_a_last_step_is_done_when_all_others_are(rig):
    last = {"action": {"name": "z", "type": "restart"}}
    rig.ledger.create("j-1", document("a", finalStep=last))
    rig.until_over("j-1")
    assert [step for _, _, step in rig.hand.effects] == [0, 1]


@pytest.mark.parametrize(
    "asked",
    [
        document("a", kind="mineBitcoin"),
        document("a", kind="reboot"),  # known, but nobody carries it out here
        {"version": "2.0"},
        {"version": "1.0", "steps": []},
        {},
        "reboot",
        None,
    ],
)
def test_j15_what_can_never_be_done_is_rejected_at_once_and_never_begun(rig, asked):
    rig.ledger.create("j-1", asked)
    rig.ledger.create("j-2", document("a"))
    rig.until_over("j-1", "j-2")
    assert rig.status("j-1") == "REJECTED"
    assert rig.ledger.of("j-1").details["reason"]
    assert said(rig, "j-1") == ["REJECTED"]
    assert rig.status("j-2") == "SUCCEEDED"


def test_what_a_performer_refuses_is_rejected_before_the_first_step(rig):
    rig.hand.refuses = "not on this gateway"
    rig.ledger.create("j-1", document("a"))
    rig.until_over("j-1")
    assert rig.status("j-1") == "REJECTED"
    assert rig.ledger.of("j-1").details["reason"] == "1/1 a: not on this gateway"
    assert not rig.hand.effects


def test_a_document_that_does_not_mean_this_gateway_is_rejected(rig):
    rig.meant = lambda _: "condition not met: site"
    rig.ledger.create("j-1", document("a"))
    rig.until_over("j-1")
    assert rig.status("j-1") == "REJECTED"


@pytest.mark.parametrize("key", ["fleetConfigArn", "configurationArn", "deploymentId"])
def test_a_deployment_of_greengrass_is_left_alone(rig, key):
    rig.ledger.create("j-1", {key: "arn:aws:greengrass:eu-central-1:1:configuration:thing/x:1"})
    rig.look(5)
    assert rig.status("j-1") == "QUEUED"
    assert not said(rig, "j-1")
    assert rig.engine.taking.left_alone


def test_a_job_that_is_cancelled_while_it_waits_is_never_begun(rig):
    gate = rig.hand.script = Gate()
    rig.ledger.create("j-1", document("a"))
    rig.ledger.create("j-2", document("a"))
    rig.until(gate.reached.is_set)
    rig.ledger.cancel("j-2")
    gate.opened.set()
    rig.until_over("j-1")
    rig.look(5)
    assert rig.status("j-2") == "CANCELED"
    assert [job for job, _, _ in rig.hand.effects] == ["j-1"]


def test_a_performer_that_breaks_fails_its_job_and_no_other(rig):
    rig.hand.script = lambda task: 1 / 0 if task.job_id == "j-1" else Outcome(status="SUCCEEDED")
    rig.ledger.create("j-1", document("a"))
    rig.ledger.create("j-2", document("a"))
    rig.until_over("j-1", "j-2")
    assert (rig.status("j-1"), rig.status("j-2")) == ("FAILED", "SUCCEEDED")
    assert "ZeroDivisionError" in rig.ledger.of("j-1").details["reason"]


def test_a_performer_that_breaks_while_it_is_asked_rejects_its_job_and_ends_nothing(rig):
    rig.hand.refusal = lambda _: 1 / 0
    rig.ledger.create("j-1", document("a"))
    rig.until_over("j-1")
    assert rig.status("j-1") == "REJECTED"
    rig.hand.refusal = lambda _: ""
    rig.ledger.create("j-2", document("a"))
    rig.until_over("j-2")
    assert rig.status("j-2") == "SUCCEEDED"


def test_a_document_that_never_comes_through_is_rejected_unseen_and_the_next_job_is_done(tmp_path):
    rig = Rig(tmp_path, limits=Limits(unheard_after=4))
    rig.service.largest = 5000
    rig.ledger.create("j-1", document("a", note="x" * 6000))
    rig.ledger.create("j-2", document("a"))
    rig.until_over("j-1", "j-2")
    assert (rig.status("j-1"), rig.status("j-2")) == ("REJECTED", "SUCCEEDED")
    assert "5,000 bytes" in rig.ledger.of("j-1").details["reason"]


def test_a_service_that_is_silent_has_no_job_rejected_for_it(tmp_path):
    rig = Rig(tmp_path, limits=Limits(unheard_after=2))
    rig.service.deaf = 12
    rig.ledger.create("j-1", document("a"))
    rig.until_over("j-1")
    assert rig.status("j-1") == "SUCCEEDED"


def test_a_job_that_waits_for_its_window_stays_in_progress_and_says_so(rig):
    gate = Gate()

    def wait(task):
        task.tell("waiting for 02:00-04:00", {})
        return gate(task)

    rig.hand.script = wait
    rig.ledger.create("j-1", document("a"))
    rig.until(lambda: rig.ledger.of("j-1").details.get("state") == "waiting for 02:00-04:00")
    assert rig.status("j-1") == "IN_PROGRESS"
    assert rig.ledger.of("j-1").details["step"] == "1/1 a"
    gate.opened.set()
    rig.until_over("j-1")
    assert rig.status("j-1") == "SUCCEEDED"


def test_a_document_is_renewed_with_its_fresh_urls(rig):
    seen = []

    def renew(task):
        rig.ledger.of("j-1").document = document("a", note="https://bucket/x?X-Amz-Signature=new")
        seen.append(task.renew())
        return Outcome(status="SUCCEEDED")

    rig.hand.script = renew
    rig.ledger.create("j-1", document("a", note="https://bucket/x?X-Amz-Signature=old"))
    rig.until_over("j-1")
    assert rig.status("j-1") == "SUCCEEDED"
    assert seen[0].name == "a"


# --- J1 to J8, J16 ----------------------------------------------------------------------------------------------------


def test_j1_a_hint_that_comes_twice_does_a_job_once(rig):
    rig.service.tells_twice = True
    rig.ledger.create("j-1", document("a"))
    rig.until_over("j-1")
    for _ in range(5):
        rig.service.hint()
        rig.look(3)
    assert rig.hand.effects == [("j-1", 1, 0)]
    assert said(rig, "j-1").count("SUCCEEDED") == 1


def test_j3_a_job_that_was_interrupted_goes_on_where_it_was(rig):
    gate = rig.hand.script = Gate()
    rig.hand.script = lambda task: gate(task) if task.step else Outcome(status="SUCCEEDED", details={"first": "done"})
    rig.ledger.create("j-1", document("a", "b", "c"))
    rig.until(gate.reached.is_set)
    rig.restart()
    rig.hand.script = lambda _: Outcome(status="SUCCEEDED")
    rig.until_over("j-1")
    assert rig.hand.effects == [("j-1", 1, 0), ("j-1", 1, 1), ("j-1", 1, 2)]
    assert rig.hand.resumed == [("j-1", 1, 1)]
    assert rig.status("j-1") == "SUCCEEDED"
    assert rig.ledger.of("j-1").details["first"] == "done"


def test_j3_what_was_begun_goes_on_without_a_link(rig):
    gate = rig.hand.script = Gate()
    rig.ledger.create("j-1", document("a"))
    rig.until(gate.reached.is_set)
    rig.service.cut()
    rig.restart()
    rig.until(rig.engine.outbox.waiting)
    assert rig.hand.resumed == [("j-1", 1, 0)]
    rig.service.restore()
    rig.until_over("j-1")
    assert rig.status("j-1") == "SUCCEEDED"


def test_j4_an_end_that_cannot_be_told_waits_over_restarts_until_it_can(rig):
    gate = rig.hand.script = Gate()
    rig.ledger.create("j-1", document("a"))
    rig.until(gate.reached.is_set)
    rig.service.cut()
    gate.opened.set()
    rig.until(rig.engine.outbox.waiting)
    rig.restart()
    rig.look(200)
    assert rig.status("j-1") == "IN_PROGRESS"
    rig.service.restore()
    rig.look()  # at once, whatever the last wait was
    assert rig.status("j-1") == "SUCCEEDED"
    assert rig.hand.effects == [("j-1", 1, 0)]


def test_j4_an_end_that_nobody_answers_is_said_again_within_a_minute(quiet):
    quiet.ledger.create("j-1", document("a"))
    quiet.until(lambda: quiet.engine.entry)
    quiet.service.deaf = 6
    before_s = quiet.now_s
    quiet.until_over("j-1")
    assert quiet.status("j-1") == "SUCCEEDED"
    assert quiet.now_s - before_s < 6 * 61


def test_j4_an_end_that_was_heard_and_not_answered_is_not_told_as_another(quiet):
    quiet.ledger.create("j-1", document("a"))
    quiet.until(lambda: quiet.engine.entry)
    quiet.service.mute = 1
    quiet.until_over("j-1")
    assert said(quiet, "j-1").count("SUCCEEDED") == 1
    assert quiet.journal.entries()[0].end == "accepted before"


@pytest.mark.parametrize("code", ["InternalError", "RequestThrottled"])
def test_j4_what_the_service_cannot_do_now_is_said_again(quiet, code):
    quiet.ledger.create("j-1", document("a"))
    quiet.until(lambda: quiet.engine.entry)
    quiet.service.refusals = [code] * 3
    quiet.until_over("j-1")
    assert quiet.status("j-1") == "SUCCEEDED"


def test_j5_a_version_that_has_moved_on_is_adopted_and_progress_is_told(rig):
    gate = Gate()

    def tell(task):
        gate.task = task
        task.tell("downloading", {})
        return gate(task)

    rig.hand.script = tell
    rig.ledger.create("j-1", document("a"))
    rig.until(gate.reached.is_set)
    rig.ledger.of("j-1").version += 5
    rig.until(lambda: rig.ledger.of("j-1").details.get("state") == "downloading")
    gate.opened.set()
    rig.until_over("j-1")
    assert rig.status("j-1") == "SUCCEEDED"


def test_j5_an_end_is_told_whatever_the_version(rig):
    gate = rig.hand.script = Gate()
    rig.ledger.create("j-1", document("a"))
    rig.until(gate.reached.is_set)
    rig.ledger.of("j-1").version += 5
    gate.opened.set()
    rig.until_over("j-1")
    assert rig.status("j-1") == "SUCCEEDED"


@pytest.mark.parametrize("by", ["cancel", "delete"])
def test_j6_a_job_that_is_taken_back_while_it_runs_is_undone_and_not_told(rig, by):
    gate = rig.hand.script = Gate()
    rig.ledger.create("j-1", document("a"))
    rig.until(gate.reached.is_set)
    kept = rig.ledger.of("j-1")
    getattr(rig.ledger, by)("j-1")
    rig.until(gate.task.cancelled.is_set)
    rig.until(lambda: rig.engine.taken_back and rig.journal.entries()[0].phase == "told")
    assert kept.said == ["IN_PROGRESS"]
    assert rig.journal.entries()[0].end.startswith("taken back: ")
    rig.ledger.create("j-2", document("a"))
    gate.opened.set()
    rig.until_over("j-2")
    assert rig.status("j-2") == "SUCCEEDED"


def test_j6_a_job_that_was_taken_back_without_a_link_is_undone_when_it_is_back(rig):
    gate = rig.hand.script = Gate()
    rig.ledger.create("j-1", document("a"))
    rig.until(gate.reached.is_set)
    rig.service.cut()
    rig.ledger.cancel("j-1")
    rig.look(20)
    assert not gate.task.cancelled.is_set()
    rig.service.restore()
    rig.until(gate.task.cancelled.is_set)


def test_j6_a_job_that_was_taken_back_goes_on_being_undone_after_a_restart(rig):
    gate = rig.hand.script = Gate()
    asked = []
    rig.ledger.create("j-1", document("a"))
    rig.until(gate.reached.is_set)
    rig.ledger.cancel("j-1")
    rig.hand.resumes = lambda task: asked.append(until(task.cancelled.is_set)) or Outcome(status="FAILED")
    rig.restart()
    rig.until(lambda: rig.journal.entries()[0].phase == "told")
    assert asked == [True]
    assert rig.status("j-1") == "CANCELED"


def test_j6_a_job_made_anew_under_the_id_of_a_deleted_one_is_another_job(rig):
    keys = []
    rig.hand.script = lambda task: keys.append(task.key) or Outcome(status="SUCCEEDED")
    rig.ledger.create("j-1", document("a"))
    rig.until_over("j-1")
    rig.ledger.delete("j-1")
    rig.ledger.create("j-1", document("a"))
    rig.until_over("j-1")
    assert rig.status("j-1") == "SUCCEEDED"
    assert rig.hand.effects == [("j-1", 1, 0)] * 2
    assert len(set(keys)) == len(keys) == 2, "what a performer noted of the first says nothing of the second"


def test_j7_a_job_that_times_out_at_the_service_while_it_runs_is_undone_and_retried(rig):
    gate = rig.hand.script = Gate()
    rig.ledger.create("j-1", document("a"), retries=1)
    rig.until(gate.reached.is_set)
    rig.service.cut()
    rig.ledger.advance(minutes=61)
    assert rig.status("j-1", 1) == "TIMED_OUT"
    rig.hand.script = lambda _: Outcome(status="SUCCEEDED")
    rig.service.restore()
    rig.until_over("j-1")
    assert gate.task.cancelled.is_set()
    assert rig.status("j-1", 2) == "SUCCEEDED"
    assert said(rig, "j-1", 1) == ["IN_PROGRESS"]


def test_j7_a_step_that_works_arms_its_timer_anew_and_does_not_time_out(rig):
    gate = rig.hand.script = Gate()
    rig.ledger.create("j-1", document("a"))
    rig.until(gate.reached.is_set)
    for _ in range(12):
        rig.now_s += 20 * 60
        rig.look()
        rig.ledger.advance(minutes=20)
    assert rig.status("j-1") == "IN_PROGRESS"
    gate.opened.set()
    rig.until_over("j-1")
    assert rig.status("j-1") == "SUCCEEDED"


def test_j8_a_retry_by_the_service_is_carried_out(rig):
    outcomes = iter(["FAILED", "FAILED", "SUCCEEDED"])
    rig.hand.script = lambda _: Outcome(status=next(outcomes), reason="not yet")
    rig.ledger.create("j-1", document("a"), retries=2)
    rig.until_over("j-1")
    assert rig.hand.effects == [("j-1", 1, 0), ("j-1", 2, 0), ("j-1", 3, 0)]
    assert [rig.status("j-1", number) for number in (1, 2, 3)] == ["FAILED", "FAILED", "SUCCEEDED"]


def test_j8_what_is_rejected_is_not_retried(rig):
    rig.ledger.create("j-1", document("a", kind="mineBitcoin"), retries=2)
    rig.until_over("j-1")
    rig.look(10)
    assert len(rig.ledger.kept) == 1


def test_j16_two_jobs_are_done_one_after_the_other_in_the_order_of_the_service(rig):
    gate = Gate()
    rig.hand.script = lambda task: gate(task) if task.job_id == "j-1" else Outcome(status="SUCCEEDED")
    rig.ledger.create("j-1", document("a"))
    rig.ledger.create("j-2", document("a"))
    rig.ledger.create("j-3", document("a"))
    rig.until(gate.reached.is_set)
    rig.look(20)
    assert rig.status("j-2") == "QUEUED"
    gate.opened.set()
    rig.until_over("j-1", "j-2", "j-3")
    assert [job for job, _, _ in rig.hand.effects] == ["j-1", "j-2", "j-3"]


def test_j16_the_next_job_is_asked_for_without_having_been_told_of_it(rig):
    rig.service.deaf = 1
    rig.look(2)
    rig.ledger.on_change(lambda: None)  # no hint ever comes
    rig.ledger.create("j-1", document("a"))
    rig.ledger.create("j-2", document("a"))
    rig.now_s += 601
    rig.until_over("j-1", "j-2")


# --- what others get wrong --------------------------------------------------------------------------------------------


def test_defect_9_details_the_service_would_refuse_are_made_fit(rig):
    rig.hand.script = lambda _: Outcome(
        status="SUCCEEDED", details={"std out": "\x1b[1mred\x00\n" + "x" * 3000, "e": ""}
    )
    rig.ledger.create("j-1", document("a"))
    rig.until_over("j-1")
    assert rig.status("j-1") == "SUCCEEDED"
    told = rig.ledger.of("j-1").details
    assert len(told["std_out"]) == 1024
    assert "e" not in told


def test_defect_9_an_end_whose_words_are_refused_is_told_without_them(quiet):
    quiet.ledger.create("j-1", document("a"))
    quiet.until(lambda: quiet.engine.entry)
    quiet.service.refusals = ["InvalidRequest"]
    quiet.until_over("j-1")
    assert quiet.status("j-1") == "SUCCEEDED"
    assert quiet.ledger.of("j-1").details == {}


def test_defect_10_a_job_that_was_done_is_not_done_again_after_a_restart(rig):
    rig.ledger.create("j-1", document("a"))
    rig.until_over("j-1")
    rig.ledger.of("j-1").status = "IN_PROGRESS"  # a service that forgot, or a copy that was late
    rig.restart()
    rig.until_over("j-1")
    assert rig.hand.effects == [("j-1", 1, 0)]
    assert rig.status("j-1") == "SUCCEEDED"


def test_defect_11_nothing_is_begun_before_the_service_knows_that_it_will_be(rig):
    rig.service.deaf = 0
    rig.ledger.create("j-1", document("a"))
    rig.service.refusals = ["InternalError"] * 4
    rig.until(lambda: len(rig.service.refusals) == 1)
    assert not rig.hand.effects
    rig.until_over("j-1")
    assert rig.hand.effects == [("j-1", 1, 0)]


def test_defect_12_a_service_that_refuses_everything_ends_nothing(rig):
    rig.ledger.create("j-1", document("a"))
    rig.service.refusals = ["RequestThrottled"] * 8
    rig.look(20)
    assert rig.engine.taking.trouble
    rig.until_over("j-1")
    assert rig.status("j-1") == "SUCCEEDED"
    assert not rig.engine.taking.trouble


def test_a_job_in_progress_that_the_journal_does_not_know_fails_and_is_never_guessed_at(rig):
    rig.ledger.create("j-1", document("a"))
    rig.ledger.of("j-1").status = "IN_PROGRESS"
    rig.until_over("j-1")
    assert rig.status("j-1") == "FAILED"
    assert not rig.hand.effects


def test_an_end_the_service_will_never_take_is_dropped_and_counted(quiet):
    gate = quiet.hand.script = Gate()
    quiet.ledger.create("j-1", document("a"))
    quiet.until(gate.reached.is_set)
    quiet.service.refusals = ["ResourceNotFound"]
    gate.opened.set()
    quiet.until(lambda: quiet.engine.outbox.undeliverable)
    assert quiet.journal.entries()[0].end.startswith("not taken: ")


def test_a_job_whose_journal_cannot_be_written_is_not_begun_and_fails(rig, tmp_path):
    rig.ledger.create("j-1", document("a"))
    for each in tmp_path.iterdir():
        each.unlink()
    tmp_path.rmdir()
    rig.until_over("j-1")
    assert rig.status("j-1") == "FAILED"
    assert not rig.hand.effects
    tmp_path.mkdir()


def test_a_step_that_may_fail_lets_the_others_be_done(tmp_path):
    from contract.jobs import RunCommand  # noqa: PLC0415 - only here

    steps = [
        {"action": {"name": "a", "type": "runCommand", "input": {"command": "false"}, "ignoreStepFailure": True}},
        {"action": {"name": "b", "type": "recalibrate"}},
    ]
    hand = Hand(lambda task: Outcome(status="FAILED", reason="no") if task.step == 0 else Outcome(status="SUCCEEDED"))
    rig = Rig(tmp_path, hand)
    rig.performers[RunCommand] = hand
    rig.ledger.create("j-1", {"version": "1.0", "steps": steps})
    rig.until_over("j-1")
    assert rig.status("j-1") == "SUCCEEDED"
    assert rig.ledger.of("j-1").details["step-1"] == "no"
