from contract.topics import stored_topic
from device_agent.clock import SimulatedClock
from device_agent.uplink.memory import MemoryBroker, MemoryUplink
from device_agent.uplink.observed import ObservedUplink


def connected() -> tuple[ObservedUplink, MemoryBroker, SimulatedClock]:
    broker, clock = MemoryBroker(reachable=False), SimulatedClock(wall_ms=1_000_000)
    uplink = ObservedUplink(MemoryUplink(broker), clock=clock)
    uplink.connect({stored_topic("gw-1"): lambda _: None}, lambda: None)
    return uplink, broker, clock


def test_it_knows_how_long_the_link_was_away_whatever_the_wall_clock_does() -> None:
    uplink, broker, clock = connected()
    clock.advance(2)
    broker.restore()
    assert uplink.history.last_away_ms == 2000
    clock.advance(10)
    broker.cut()
    clock.jump_wall(-500)
    clock.advance(3)
    assert uplink.history.away_ms == 5000
    broker.restore()

    history = uplink.history
    assert (history.last_away_ms, history.away_ms, history.losses) == (3000, 5000, 1)
    assert history.last_disconnected_ms == 1_012_000
    assert history.last_connected_ms == 515_000


def test_failed_attempts_change_nothing() -> None:
    uplink, broker, clock = connected()
    for _ in range(3):
        clock.advance(1)
        broker.cut()

    assert uplink.history.losses == 0
    assert uplink.history.away_ms == 3000
