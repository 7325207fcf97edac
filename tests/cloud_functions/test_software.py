"""What a gateway says that it runs, from its shadow to the fleet's view."""

import json
import time
import uuid
from typing import Any

import pytest

from cloud_functions.core import software
from cloud_functions.core.errors import RejectedError
from tests.cloud_functions.make import NOW_MS, envelope, health
from tests.cloud_functions.world import World
from twin.cloud import Deployment

SAID = {
    "software": {"version": "0.1.0", "release": "0.2.0", "bundle_sha256": "b" * 64},
    "model": {"version": "3", "sha256": "a" * 64},
    "configuration": {"sha256": "c" * 64},
    "update": {"phase": "probe", "order": "r1-w1.1"},
    "boot_id": "boot",
}


def report(said: dict[str, Any] | None = None, *, broker_ms: int = NOW_MS) -> dict[str, Any]:
    return {"gateway_id": "gw-1", "broker_ms": broker_ms, "reported": SAID if said is None else said}


def shown(world: World) -> dict[str, Any]:
    (gateway,) = world.ask("/api/fleet")[1]["gateways"]
    found: dict[str, Any] = gateway["software"]
    return found


def test_the_fleet_shows_what_each_gateway_runs(world: World) -> None:
    world.send(envelope(1, health()))
    assert shown(world) is None
    software.keep(world.table, report())
    expected = {"application": "0.2.0", "model": "3", "configuration": "c" * 12, "update": "probe", "said_ms": NOW_MS}
    assert shown(world) == expected


def test_what_is_older_or_comes_twice_changes_nothing(world: World) -> None:
    software.keep(world.table, report())
    for late in ({}, SAID):
        software.keep(world.table, report(late, broker_ms=NOW_MS - 1))
    assert shown(world)["application"] == "0.2.0"


def test_a_gateway_that_has_only_said_what_it_runs_is_shown(world: World) -> None:
    software.keep(world.table, report({}))
    assert (shown(world)["application"], shown(world)["update"]) == ("", "")


@pytest.mark.parametrize("damage", [{"gateway_id": "../x"}, {"reported": {"software": 7}}, {"broker_ms": "soon"}])
def test_what_cannot_be_understood_is_refused(world: World, damage: dict[str, Any]) -> None:
    with pytest.raises(RejectedError):
        software.keep(world.table, report() | damage)


def test_a_changed_shadow_reaches_the_view_through_rule_and_function(deployment: Deployment) -> None:
    name = f"gw-{uuid.uuid4().hex[:8]}"
    deployment.clients.make("iot").create_thing(thingName=name)
    shadow = deployment.clients.make("iot-data")
    payload = json.dumps({"state": {"reported": SAID}}).encode()
    shadow.update_thing_shadow(thingName=name, shadowName="state", payload=payload)
    found: dict[str, Any] = {}
    deadline = time.monotonic() + 30
    while not found and time.monotonic() < deadline:
        gateways = json.loads(deployment.backend().api("/api/fleet").body)["gateways"]
        found = next((one["software"] for one in gateways if one["gateway_id"] == name), {})
        time.sleep(0.1)
    assert (found["application"], found["update"]) == ("0.2.0", "probe")
    assert json.loads(deployment.backend().api(f"/api/gateways/{name}/jobs").body) == {"gateway_id": name, "jobs": []}
