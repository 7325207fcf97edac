"""A machine with a nucleus in memory, and components that run in threads of the test."""

import threading
import time
from pathlib import Path
from random import Random
from typing import NamedTuple

from contract.topics import jobs_topic
from device_agent.clock import SystemClock
from device_agent.greengrass.component import Inside
from device_agent.greengrass.place import Place
from device_agent.greengrass.sharing import Client
from device_agent.ipc import operations as ops
from device_agent.ipc.memory import MemoryHost, MemoryNucleus
from device_agent.machine import Machine
from twin.jobs_service import ScriptedJobs

THING = "press-3"


def until(wanted, *, within_s=20.0):
    """Waits for a condition and returns what it came to."""
    deadline = time.monotonic() + within_s
    while not (found := wanted()):
        assert time.monotonic() < deadline, f"not within {within_s} s"
        time.sleep(0.02)
    return found


class Running(NamedTuple):
    """One component at work."""

    stop: threading.Event
    thread: threading.Thread
    failures: list

    def end(self, *, within_s=10.0):
        self.stop.set()
        self.thread.join(within_s)
        assert not self.thread.is_alive()


class Machinery:
    """Starts components on one host, each in its own work folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.host = MemoryHost()
        self._running: list[Running] = []

    def work(self, component: str) -> Path:
        folder = self.root / component
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def start(self, component: str, run) -> Running:
        stop, failures = threading.Event(), []
        place = Place(component, THING, self.work(component), str(self.root))
        client = Client(MemoryNucleus(self.host, component))
        client.open()
        inside = Inside(place, client, Machine(SystemClock(), ""), stop)

        def work() -> None:
            try:
                run(inside)
            except Exception as exc:  # noqa: BLE001 - a test looks at it
                failures.append(exc)
            finally:
                client.close()

        thread = threading.Thread(target=work)
        thread.start()
        running = Running(stop, thread, failures)
        self._running.append(running)
        return running

    def end(self) -> None:
        for running in self._running:
            running.end()


class Cloud:
    """IoT Jobs behind a nucleus in memory."""

    def __init__(self, host) -> None:
        self._host, self._seen = host, 0
        self.jobs = ScriptedJobs(THING, host.say)

    def serve(self) -> None:
        """Answers what was published since."""
        published = [each for _, each in list(self._host.requests) if isinstance(each, ops.PublishToIoTCore)]
        for request in published[self._seen :]:
            if request.topic.startswith(jobs_topic(THING, "")):
                self.jobs.hear(request.topic, request.payload)
        self._seen = len(published)

    def until_over(self, job_id: str, *, within_s: float = 20.0) -> str:
        """Returns how it ended."""
        kept = self.jobs.ledger.of(job_id)
        until(lambda: self.serve() or kept.status not in ("QUEUED", "IN_PROGRESS"), within_s=within_s)
        return kept.status


def recording(path: Path, *, burn_from: int = 150, burn_rows: int = 100_000, rows: int = 6000) -> dict:
    """A sensor that plays back two calm channels at 10 Hz, one of which burns for a while; ten times as fast."""
    random = Random(5)  # noqa: S311 - a seed makes the same recording each time
    lines = ["timestamp,cpu_percent,temperature"]
    for row in range(rows):
        burning = burn_from <= row < burn_from + burn_rows
        cpu = 99.0 if burning else random.uniform(5, 35)
        minutes, seconds = divmod(row / 10, 60)
        hours, minutes = divmod(int(minutes), 60)
        stamp = f"2026-01-01T{hours:02d}:{minutes:02d}:{seconds:04.1f}Z"
        lines.append(f"{stamp},{cpu:.1f},{random.gauss(40, 0.1):.2f}")
    path.write_text("\n".join(lines) + "\n")
    return {"type": "replay", "name": "bench", "path": str(path), "speed": 10}
