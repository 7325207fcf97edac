import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from device_agent.spool.noticing import Noticing
from device_agent.spool.sqlite import SqliteSpool


class Watch:
    """A spool in a folder, and how often a write to it was told."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "spool.sqlite3"
        self.spool = SqliteSpool(self.path)
        self.told = threading.Event()
        self.noticing = Noticing(self.path, self.told.set)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self.noticing.run, args=(self._stop,))
        self._thread.start()
        while not self.noticing.works:
            assert self._thread.is_alive()

    def end(self) -> None:
        self._stop.set()
        self._thread.join(10)
        assert not self._thread.is_alive()
        self.spool.close()


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Watch]:
    made = Watch(tmp_path)
    yield made
    made.end()


def test_an_append_of_another_process_is_told(watch: Watch, health) -> None:
    other = SqliteSpool(watch.path)
    watch.told.clear()
    before = watch.spool.version()
    other.append("boot", [health()])
    assert watch.told.wait(10)
    assert watch.spool.version() != before
    other.close()


def test_reading_is_not_told(watch: Watch, tmp_path: Path) -> None:
    watch.told.clear()
    watch.spool.version()
    watch.spool.pending()
    (tmp_path / "calibration.json").write_text("{}")
    assert not watch.told.wait(0.3)


def test_a_log_that_is_replaced_is_still_heard_of(watch: Watch, health) -> None:
    watch.spool.close()  # the last user takes the log away with it
    other = SqliteSpool(watch.path)
    watch.told.clear()
    other.append("boot", [health()])
    assert watch.told.wait(10)
    other.close()


def test_where_there_is_nothing_to_watch_it_says_so_and_ends(tmp_path: Path) -> None:
    noticing = Noticing(tmp_path / "absent" / "spool.sqlite3", lambda: None)
    noticing.run(threading.Event())
    assert not noticing.works
