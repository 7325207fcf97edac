"""Diagnostics, recalibration and reboot as performers; what is uploaded goes to a server on the loopback interface."""

import http.server
import io
import json
import secrets
import tarfile
import threading

import msgspec
import pytest

from contract.jobs import CollectDiagnostics, Reboot, Recalibrate, RunHandler, Sensors, Wanted
from device_agent.config import GatewayConfig
from device_agent.filters.wishes import calibration_file, wish_file
from device_agent.fleet.port import Interrupted, Outcome, Task
from device_agent.fleet.tending.archive import INDEX, collect
from device_agent.fleet.tending.diagnostics import TRIES, Diagnostics
from device_agent.fleet.tending.parts import Seat, UnavailableError, parts
from device_agent.fleet.tending.rebooting import HANDLER, Rebooting
from device_agent.fleet.tending.recalibrating import Recalibrating


def task(action, *, renew=None, **events):
    return Task(
        job_id="j",
        execution_number=1,
        step=0,
        action=action,
        cancelled=events.get("cancelled", threading.Event()),
        stop=events.get("stop", threading.Event()),
        tell=lambda *_: None,
        renew=renew or (lambda: action),
    )


def is_set():
    event = threading.Event()
    event.set()
    return event


def wanted(**values):
    return CollectDiagnostics(name="look", input=Wanted(**values))


def sensing(folder, *sensors):
    """Looks at a document with these sensors."""
    listed = [{"type": "host", "name": name} for name in sensors]
    return lambda: msgspec.convert({"gateway": "g", "state_dir": str(folder), "sensors": listed}, GatewayConfig)


def unpacked(data):
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as tar:
        return {entry.name: tar.extractfile(entry).read() for entry in tar}


def missing():
    raise UnavailableError("this machine has none")


PARTS = {
    "status": lambda: b"fine\n",
    "journal": lambda: b"old " + secrets.token_hex(50_000).encode() + b" new",
    "gone": missing,
}


@pytest.fixture
def bucket():
    """Answers PUTs by the statuses it is given, then with 200."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = self.server.statuses.pop(0) if self.server.statuses else 200
            if status == 200:
                self.server.got.append((self.path, body))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.statuses, server.got = [], []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    server.url = f"http://127.0.0.1:{server.server_port}/diagnostics.tar.gz?X-Amz-Signature=1"
    yield server
    server.shutdown()
    thread.join(5)
    server.server_close()


def test_an_archive_holds_every_part_and_says_what_is_missing():
    archive = collect(PARTS, [], max_bytes=1_000_000)
    files = unpacked(archive.data)
    assert files["status.txt"] == b"fine\n"
    assert json.loads(files[INDEX])["gone"] == {"missing": "this machine has none"}
    assert "gone.txt" not in files


def test_what_does_not_fit_is_cut_from_its_oldest_end_and_said():
    archive = collect(PARTS, [], max_bytes=20_000)
    assert len(archive.data) <= 20_000
    files = unpacked(archive.data)
    assert files["journal.txt"].endswith(b" new")
    assert not files["journal.txt"].startswith(b"old ")
    assert archive.told["journal"].cut_bytes + archive.told["journal"].bytes == len(PARTS["journal"]())
    assert files["status.txt"] == b"fine\n"


@pytest.mark.parametrize("max_bytes", [1, 200, 600])
def test_even_the_smallest_budget_is_kept_or_nothing_but_the_index_is_sent(max_bytes):
    archive = collect(PARTS, [], max_bytes=max_bytes)
    assert set(unpacked(archive.data)) <= {INDEX, "status.txt"}
    assert archive.told["journal"].missing


def test_real_parts_of_this_machine_hold_no_planted_secret(tmp_path):
    secret = secrets.token_hex(10)
    (tmp_path / "agent-status.json").write_text(f'{{"reason": "https://h/b?sig={secret}"}}')
    (tmp_path / "update").mkdir()
    (tmp_path / "update" / "order.json").write_text(f'{{"url": "https://h/b.tar?X-Amz-Security-Token={secret}"}}')
    document = {"gateway": "gw-1", "state_dir": str(tmp_path), "sensors": [{"type": "host", "name": "h"}]}
    config = msgspec.convert(document, GatewayConfig)
    here = parts(Seat(lambda: config, lambda: [tmp_path], tmp_path))
    archive = collect(here, ["document", "status", "update", "machine", "processes", "spool"], max_bytes=4_000_000)
    files = unpacked(archive.data)
    assert b'"gateway": "gw-1"' in files["document.txt"]
    assert b"agent-status.json" in files["status.txt"]
    assert "spool.sqlite3" in archive.told["spool"].missing
    assert not any(secret.encode() in data for data in files.values())
    assert archive.told["update"].redacted == 1


def test_diagnostics_are_uploaded_whole(bucket):
    outcome = Diagnostics(PARTS).perform(task(wanted(upload_url=bucket.url)))
    assert outcome.status == "SUCCEEDED"
    assert outcome.details["missing"] == "gone"
    ((path, body),) = bucket.got
    assert path.endswith("?X-Amz-Signature=1")
    assert unpacked(body)["status.txt"] == b"fine\n"


def test_without_a_url_they_are_told_in_a_few_words():
    outcome = Diagnostics(PARTS).perform(task(wanted(parts=["status", "gone"])))
    assert outcome.details == {"status": "5 bytes", "gone": "this machine has none"}


def test_an_expired_url_is_renewed(bucket):
    bucket.statuses = [403]
    fresh = wanted(upload_url=bucket.url + "2")
    outcome = Diagnostics(PARTS, pause_s=0).perform(task(wanted(upload_url=bucket.url), renew=lambda: fresh))
    assert outcome.status == "SUCCEEDED"
    assert bucket.got[0][0].endswith("=12")


def test_a_server_that_fails_is_tried_a_few_times_and_its_answer_told(bucket):
    bucket.statuses = [500] * TRIES
    outcome = Diagnostics(PARTS, pause_s=0).perform(task(wanted(upload_url=bucket.url)))
    assert outcome.status == "FAILED"
    assert "HTTP 500; tried 3 times" in outcome.reason


def test_an_upload_that_is_taken_back_or_interrupted_says_so(bucket):
    bucket.statuses = [500] * TRIES
    job = wanted(upload_url=bucket.url)
    assert Diagnostics(PARTS).perform(task(job, cancelled=is_set())).status == "FAILED"
    with pytest.raises(Interrupted):
        Diagnostics(PARTS).perform(task(job, stop=is_set()))


@pytest.mark.parametrize(
    ("action", "reason"),
    [
        (wanted(parts=["keys"]), "there is no part 'keys'"),
        (wanted(upload_url="http://example.org/x"), "not https"),
        (wanted(upload_url="ftp://example.org/x"), "not https"),
        (wanted(upload_url="https://"), "not https"),
        (wanted(upload_url="https://bucket.example.org/x?y"), ""),
        (wanted(), ""),
    ],
)
def test_what_can_never_be_collected_is_refused_before_anything_is_done(action, reason):
    assert reason in Diagnostics(PARTS).refusal(action)
    assert bool(reason) == bool(Diagnostics(PARTS).refusal(action))


def recalibrate(*sensors):
    return Recalibrate(name="again", input=Sensors(sensors=list(sensors)))


def test_named_sensors_learn_anew_and_no_others(tmp_path):
    outcome = Recalibrating(sensing(tmp_path, "a", "b")).perform(task(recalibrate("b")))
    assert outcome == Outcome(status="SUCCEEDED", details={"sensors": "b"})
    assert [path.name for path in tmp_path.iterdir()] == [wish_file(calibration_file(tmp_path, "b")).name]


def test_all_learn_anew_where_none_is_named_and_a_second_wish_changes_nothing(tmp_path):
    performer = Recalibrating(sensing(tmp_path, "a", "b"))
    assert performer.perform(task(recalibrate())) == performer.resume(task(recalibrate()))
    assert len(list(tmp_path.iterdir())) == 2


def test_an_unknown_sensor_is_refused_and_a_lost_folder_fails(tmp_path):
    assert "no sensor is named 'c'" in Recalibrating(sensing(tmp_path, "a")).refusal(recalibrate("c"))
    assert Recalibrating(sensing(tmp_path / "lost", "a")).perform(task(recalibrate())).status == "FAILED"


def test_a_reboot_is_the_shipped_handler_under_the_same_rules():
    asked = []

    class Commands:
        def refusal(self, action):
            asked.append(action)
            return "not allowed here"

        def perform(self, one):
            asked.append(one.action)
            return Outcome(status="SUCCEEDED")

        resume = perform

    reboot = Rebooting(Commands())
    assert reboot.refusal(Reboot(name="r")) == "not allowed here"
    assert reboot.perform(task(Reboot(name="r"))) == reboot.resume(task(Reboot(name="r")))
    assert all(isinstance(action, RunHandler) and action.input.handler == HANDLER for action in asked)
