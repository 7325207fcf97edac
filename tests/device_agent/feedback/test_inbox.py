import threading
import time
from pathlib import Path

import msgspec

from contract.feedback import NO_FEEDBACK, Feedback, Threshold, encode_feedback
from device_agent.feedback.inbox import Heard, Inbox
from device_agent.feedback.store import FileFeedback, MemoryFeedback

WAIT_S = 10.0


def _feedback(version: int, factor: float = 1.5) -> Feedback:
    raised = Threshold(sensor="press", channel="current", factor=factor, since_ms=1)
    return Feedback(version=version, made_ms=1, thresholds=[raised])


def _looked_at(inbox: Inbox) -> int:
    return sum(msgspec.structs.astuple(inbox.heard))


def _hear(inbox: Inbox, *payloads: bytes) -> None:
    """Runs the inbox until everything was looked at."""
    stop = threading.Event()
    worker = threading.Thread(target=inbox.run, args=(stop,))
    worker.start()
    before = _looked_at(inbox)
    for payload in payloads:
        inbox.hear(payload)
    deadline = time.monotonic() + WAIT_S
    while _looked_at(inbox) < before + len(payloads):
        assert time.monotonic() < deadline, inbox.heard
        stop.wait(0.005)
    stop.set()
    worker.join()


def test_the_highest_version_is_kept_in_whatever_order_they_come() -> None:
    store = MemoryFeedback()
    inbox = Inbox(store)
    _hear(inbox, *(encode_feedback(_feedback(version)) for version in (2, 5, 5, 1, 4)))
    assert store.load() == _feedback(5)
    assert inbox.heard == Heard(kept=2, stale=3)


def test_a_second_copy_is_not_written_again(tmp_path: Path) -> None:
    store = FileFeedback(tmp_path / "feedback.json")
    inbox = Inbox(store)
    _hear(inbox, encode_feedback(_feedback(1)))
    stamp = store.stamp()
    _hear(inbox, encode_feedback(_feedback(1)))
    assert store.stamp() == stamp


def test_what_cannot_be_read_changes_nothing_and_is_counted() -> None:
    store = MemoryFeedback(_feedback(3))
    inbox = Inbox(store)
    _hear(inbox, b"{", b"\xff", encode_feedback(_feedback(9, factor=5.0)))
    assert store.load() == _feedback(3)
    assert inbox.heard == Heard(malformed=3)


def test_what_cannot_be_written_is_taken_when_it_is_said_again(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.write_text("in the way")
    store = FileFeedback(folder / "feedback.json")
    inbox = Inbox(store)
    _hear(inbox, encode_feedback(_feedback(1)))
    assert inbox.heard == Heard(unsaved=1)
    folder.unlink()
    _hear(inbox, encode_feedback(_feedback(1)))
    assert store.load() == _feedback(1)


def test_a_damaged_file_counts_as_no_feedback(tmp_path: Path) -> None:
    path = tmp_path / "feedback.json"
    path.write_bytes(b'{"version": 1')
    assert FileFeedback(path).load() == NO_FEEDBACK


def test_a_flood_is_counted_and_does_not_block() -> None:
    inbox = Inbox(MemoryFeedback())
    for version in range(1, 50):
        inbox.hear(encode_feedback(_feedback(version)))
    assert inbox.heard.unheard > 0
