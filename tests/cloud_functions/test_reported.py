"""Readings by exception, as the query API gives them."""

from cloud_functions.core import reported
from contract.readings import Report, Reported
from contract.traces import Trace, pack
from tests.cloud_functions.make import NOW_MS, envelope, summary
from tests.cloud_functions.world import World


def report(first_ms: int, steps: list[int | None], *, packed: str | None = None) -> Report:
    times = Trace(unit="ms", resolution=1.0, packed=pack([n * 1000 for n in range(len(steps))]))
    values = Trace(unit="bar", resolution=0.5, packed=pack(steps) if packed is None else packed)
    told = Reported(mode="swinging_door", width=0.1, readings=len(steps), times=times, values=values)
    return Report(wall_ms=first_ms, monotonic_ms=1, sensor="pump", channels={"pressure": told})


def test_readings_by_exception_come_unpacked_in_the_order_of_time_and_gaps_are_null(world: World) -> None:
    world.send(envelope(3, report(NOW_MS - 10_000, [8, None]), lane="summaries"))
    world.send(envelope(1, report(NOW_MS - 61_000, [2, 4, 6]), summary(), lane="summaries"))
    _, view = world.ask("/api/gateways/gw-1/reports", minutes="1")
    assert view == {
        "gateway_id": "gw-1",
        "from_ms": NOW_MS - 60_000,
        "to_ms": NOW_MS,
        "channels": [
            {
                "sensor": "pump",
                "channel": "pressure",
                "unit": "bar",
                "mode": "swinging_door",
                "width": 0.1,
                "times_ms": [NOW_MS - 60_000, NOW_MS - 59_000, NOW_MS - 10_000, NOW_MS - 9_000],
                "values": [2.0, 3.0, 4.0, None],
            }
        ],
        "left_out": 0,
    }


def test_a_report_that_does_not_hold_what_it_says_is_left_out_and_counted(world: World) -> None:
    world.send(envelope(1, report(NOW_MS - 9_000, [1, 2, 3], packed="Bg=="), report(NOW_MS, [7]), lane="summaries"))
    _, view = world.ask("/api/gateways/gw-1/reports")
    assert [channel["values"] for channel in view["channels"]] == [[3.5]]
    assert view["left_out"] == 3


def test_no_answer_has_more_readings_than_fit(world: World) -> None:
    many = [report(NOW_MS - 60_000, [5] * 5000) for _ in range(reported.MAX_READINGS // 5000 + 1)]
    for number, one in enumerate(many, 1):
        world.send(envelope(number, one, lane="summaries"))
    status, view = world.ask("/api/gateways/gw-1/reports", minutes="1440")
    assert status == 200
    assert view["left_out"] == 5000
    assert len(view["channels"][0]["values"]) == reported.MAX_READINGS


def test_readings_before_the_time_asked_for_take_no_room_and_are_not_left_out(world: World) -> None:
    before = [report(NOW_MS - 59 * 60_000, [5] * 3000) for _ in range(reported.MAX_READINGS // 3000 + 1)]
    for number, one in enumerate([*before, report(NOW_MS - 1000, [7])], 1):
        world.send(envelope(number, one, lane="summaries"))
    _, view = world.ask("/api/gateways/gw-1/reports", minutes="1")
    assert ([channel["values"] for channel in view["channels"]], view["left_out"]) == ([[3.5]], 0)
