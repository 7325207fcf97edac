import threading

from device_agent.sampling.queue import ScanQueue
from device_agent.sensors.port import Scan


def scan(seq: int) -> Scan:
    return Scan(seq, 0, 0, (1.0,), {})


def test_scans_come_out_in_order_and_all_at_once() -> None:
    queue = ScanQueue()
    for seq in range(3):
        assert queue.put(scan(seq))
    assert [item.seq for item in queue.take(0)] == [0, 1, 2]
    assert queue.take(0) == []


def test_a_full_queue_refuses_the_newest() -> None:
    queue = ScanQueue(capacity=2)
    assert [queue.put(scan(seq)) for seq in range(3)] == [True, True, False]
    assert [item.seq for item in queue.take(0)] == [0, 1]


def test_what_waits_in_a_closed_queue_can_still_be_taken() -> None:
    queue = ScanQueue()
    queue.put(scan(0))
    queue.close()
    assert not queue.finished
    assert len(queue.take(0)) == 1
    assert queue.finished


def test_taking_ends_at_once_when_a_scan_comes_or_the_queue_closes() -> None:
    queue = ScanQueue()
    for wake in (lambda: queue.put(scan(0)), queue.close):
        thread = threading.Thread(target=queue.take, args=(60.0,))
        thread.start()
        wake()
        thread.join(10.0)
        assert not thread.is_alive()
