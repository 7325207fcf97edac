"""One open spool file: whose turn it is, what its errors mean, and what happens when nothing more fits.

Threads take turns. A file that cannot be opened now, or was let go of because it is damaged, is opened by the next
call (``database``). A write that finds no room is tried again after the file was bound to its size, and then after
the lowest lane's oldest events were given up, ever more of them.

Not here: what is read and written (``sqlite``), the room itself (``headroom``).
"""

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Final, TypeVar

from contract.events import LANES, Lane
from device_agent.fault_points import reach
from device_agent.spool import surrender
from device_agent.spool.database import Database, Opening, open_database
from device_agent.spool.headroom import Headroom
from device_agent.spool.locking import is_marked_damaged, mark_damaged
from device_agent.spool.trouble import SpoolTroubleError, kind_of, kind_of_os

_ROOM_BYTES: Final = (0, 4096, 16384, 65536, 262144)
"""Given up before each further try: pages are only free where all of their rows are gone."""

Version = tuple[int, int]
"""Of the file's content: of other connections' commits (``PRAGMA data_version``), and of one's own."""

T = TypeVar("T")


class Session:
    """The file, open whenever it can be.

    Args:
        opening: How to open it.
        headroom: Of its disk.
        monotonic_s: Counts the running time.
    """

    def __init__(self, opening: Opening, headroom: Headroom, *, monotonic_s: Callable[[], float]) -> None:
        self._opening = opening
        self._headroom = headroom
        self._now_s = monotonic_s
        self._mutex = threading.RLock()
        self._database: Database | None = None
        self._elapsed_from = 0, monotonic_s()
        self.spool_id = ""
        self.writes = 0
        with contextlib.suppress(SpoolTroubleError):  # may pass: every later call tries again and says so
            self.connection()

    @property
    def elapsed_s(self) -> int:
        """How long this spool has been in use, seconds."""
        base, since = self._elapsed_from
        return base + int(self._now_s() - since)

    def close(self) -> None:
        """Closes the file."""
        with self._mutex:
            self._let_go()

    def connection(self) -> sqlite3.Connection:
        """The open file's.

        Raises:
            SpoolTroubleError: It cannot be opened now.
        """
        return self._open().connection

    def version(self) -> Version:
        """Changes with every commit of any process."""
        with self._turn() as db:
            return db.execute("PRAGMA data_version").fetchone()[0], self.writes

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One transaction that sees one state of the file."""
        with self._turn() as db, _transaction(db, "DEFERRED"):
            yield db

    def write(
        self, step: str, work: Callable[[sqlite3.Connection], T], *, at_the_cost_of: Sequence[Lane] = LANES[::-1]
    ) -> T:
        """Does ``work`` in one durable transaction; it may be called again after a try that found no room.

        Args:
            step: Of its fault points.
            work: Called with the open transaction.
            at_the_cost_of: Lanes whose oldest may be given up where the disk has no room, the lowest first.

        Raises:
            SpoolTroubleError: Nothing of it is done.
        """
        with self._mutex:
            try:
                return self._attempt(step, work)
            except SpoolTroubleError as exc:
                if exc.kind != "full":
                    raise
                failure = exc
            return self._make_room_for(step, work, at_the_cost_of, failure)

    def _make_room_for(
        self, step: str, work: Callable[[sqlite3.Connection], T], lanes: Sequence[Lane], failure: SpoolTroubleError
    ) -> T:
        with self._turn() as db:
            self._headroom.tighten(db)
        for needed in _ROOM_BYTES:
            if needed and not self._attempt("make_room", partial(surrender.make_room, lanes=lanes, needed=needed)):
                break
            try:
                return self._attempt(step, work)
            except SpoolTroubleError as exc:
                if exc.kind != "full":
                    raise
                failure = exc
        raise failure

    def _attempt(self, step: str, work: Callable[[sqlite3.Connection], T]) -> T:
        with self._turn() as db:
            reach(f"spool.{step}.begin")
            self._headroom.mind(db)
            with _transaction(db, "IMMEDIATE"):
                result = work(db)
                if self._database is not None:
                    self._database.lease.cover(db)
                reach(f"spool.{step}.written")
            self.writes += 1
        reach(f"spool.{step}.committed")
        return result

    @contextmanager
    def _turn(self) -> Iterator[sqlite3.Connection]:
        with self._mutex:
            path = self._opening.path
            try:
                yield self.connection()
            except sqlite3.Error as exc:
                if kind_of(exc) == "damaged":
                    self._give_up()
                raise SpoolTroubleError(f"spool {path}: {exc}", kind=kind_of(exc)) from exc
            except UnicodeDecodeError as exc:  # in one of SQLite's own messages
                self._give_up()
                raise SpoolTroubleError(f"spool {path}: {exc}", kind="damaged") from exc
            except OSError as exc:
                raise SpoolTroubleError(f"spool {path}: {exc}", kind=kind_of_os(exc)) from exc

    def _open(self) -> Database:
        if self._database is not None and is_marked_damaged(self._opening.path):
            self._let_go()
        if self._database is None:
            self._database = self._opened()
            self.spool_id = self._database.spool_id
            self._elapsed_from = self._database.elapsed_s, self._now_s()
            self.writes += 1
            self._headroom.begin(self._database.connection)
        return self._database

    def _opened(self) -> Database:
        try:
            return open_database(self._opening)
        except SpoolTroubleError:
            with contextlib.suppress(OSError):
                if self._headroom.rescue():
                    return open_database(self._opening)
            raise

    def _give_up(self) -> None:
        mark_damaged(self._opening.path)
        self._let_go()

    def _let_go(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None


@contextmanager
def _transaction(db: sqlite3.Connection, kind: str) -> Iterator[None]:
    db.execute(f"BEGIN {kind}")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
