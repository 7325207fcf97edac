"""What waits for IoT Core, by value."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.nucleus.broker import Message
from twin.nucleus.errors import BrokerError, NucleusIpcError, RefusedError
from twin.nucleus.spooler import Landed, Spooler, Unacknowledged


class Core:
    """IoT Core, message by message."""

    def __init__(self, size_bytes: int = 100) -> None:
        self.flying: list[tuple[Message, Landed]] = []
        self.later: list[Callable[[], None]] = []
        self.spooler = Spooler(
            lambda message, landed: self.flying.append((message, landed)), size_bytes, self.later.append
        )

    def add(self, payload: bytes, qos: int = 1) -> None:
        self.spooler.add(Message("t", payload, qos))

    def settle(self, error: BrokerError | None = None) -> list[bytes]:
        """Ends what is in flight; returns it."""
        flying, self.flying = self.flying, []
        for _, landed in flying:
            landed(error)
        return [message.payload for message, _ in flying]

    def pass_a_moment(self) -> None:
        later, self.later[:] = list(self.later), []
        for do in later:
            do()


@pytest.fixture
def core() -> Core:
    one = Core()
    one.spooler.set_online(online=True)
    return one


def test_what_fails_is_sent_again_in_its_order(core: Core) -> None:
    for number in range(7):
        core.add(b"%d" % number)
    assert core.settle(BrokerError("gone")) == [b"0", b"1", b"2", b"3", b"4"]
    core.spooler.set_online(online=False)
    core.pass_a_moment()
    core.spooler.set_online(online=True)

    sent = core.settle()
    while core.flying:
        sent += core.settle()
    assert sent == [b"%d" % number for number in range(7)]
    assert core.spooler.used_bytes == core.spooler.dropped == 0


def test_after_a_failure_nothing_is_sent_for_a_moment(core: Core) -> None:
    core.add(b"0")
    core.settle(BrokerError("gone"))
    assert core.flying == []
    core.pass_a_moment()

    assert core.settle() == [b"0"]


def test_what_iot_core_refuses_is_given_up(core: Core) -> None:
    core.add(b"0")
    core.settle(RefusedError("policy"))

    assert (core.spooler.dropped, core.spooler.used_bytes, core.flying) == (1, 0, [])


def test_a_message_is_tried_a_hundred_times(core: Core) -> None:
    core.add(b"0")
    for _ in range(100):
        assert core.settle(BrokerError("gone")) == [b"0"]
        core.pass_a_moment()

    assert (core.spooler.dropped, core.flying) == (1, [])


def test_qos_0_makes_room_and_qos_1_does_not() -> None:
    core = Core()
    core.spooler.set_online(online=True)
    for _ in range(5):
        core.add(b"")  # in flight, so that the rest waits
    core.add(bytes(60), qos=0)
    core.add(bytes(60))
    assert core.spooler.dropped == 1

    with pytest.raises(NucleusIpcError, match="spool is full"):
        core.add(bytes(60))
    with pytest.raises(NucleusIpcError, match="larger than"):
        core.add(bytes(101))


def test_qos_0_does_not_outlive_the_connection(core: Core) -> None:
    for _ in range(5):
        core.add(b"")
    core.add(b"0", qos=0)
    core.spooler.set_online(online=False)

    assert core.spooler.dropped == 1


@given(steps=st.lists(st.sampled_from(["add", "settle", "fail", "moment", "online", "offline"]), max_size=40))
def test_nothing_of_qos_1_is_lost_or_reordered_whatever_happens(steps) -> None:
    core, added, sent = Core(10_000), 0, []
    for step in steps:
        if step == "add":
            core.add(b"%d" % added)
            added += 1
        elif step == "settle":
            sent += core.settle()
        elif step == "fail":
            core.settle(BrokerError("gone"))
        elif step == "moment":
            core.pass_a_moment()
        else:
            core.spooler.set_online(online=step == "online")
    core.spooler.set_online(online=True)
    core.pass_a_moment()
    while core.flying:
        sent += core.settle()

    assert sent == [b"%d" % number for number in range(added)]
    assert core.spooler.used_bytes == 0


def test_lite_refuses_what_it_could_not_write_and_takes_no_place_for_it() -> None:
    out = Unacknowledged(lambda _, landed: landed(BrokerError("gone")), most=1, most_bytes=100)
    out.set_online(online=True)
    for _ in range(3):
        with pytest.raises(NucleusIpcError):
            out.add(Message("t", b""))


def test_a_core_that_fails_at_once_is_left_alone_for_a_moment() -> None:
    later: list = []
    tried: list = []

    def fail(message: Message, landed: Landed) -> None:
        tried.append(message.payload)
        landed(BrokerError("gone"))

    spooler = Spooler(fail, 100, later.append)
    spooler.set_online(online=True)
    spooler.add(Message("t", b"0"))
    spooler.add(Message("t", b"1"))

    assert tried == [b"0"]
    assert len(later) == 1


def test_lite_has_ten_places_and_15_000_bytes() -> None:
    flying: list[Landed] = []
    out = Unacknowledged(lambda _, landed: flying.append(landed), most=10, most_bytes=15_000)
    with pytest.raises(NucleusIpcError):
        out.add(Message("t", b""))
    out.set_online(online=True)
    out.add(Message("t", bytes(14_000)))
    with pytest.raises(NucleusIpcError):
        out.add(Message("t", bytes(2_000)))
    out.add(Message("t", bytes(2_000), 0))
    flying[0](None)
    for _ in range(10):
        out.add(Message("t", b""))

    with pytest.raises(NucleusIpcError):
        out.add(Message("t", b""))
