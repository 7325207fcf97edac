"""A bundle that was carried to the gateway: signed, verified and installed as by a job, without a cloud."""

import threading
from pathlib import Path

import pytest

from bench.updates.helpers import SaidProbe
from contract.manifest import Target
from device_agent.errors import UpdateError
from device_agent.fleet.port import Outcome
from device_agent.fleet.trust.device import Device
from device_agent.fleet.trust.gateway import GatewayTrust
from device_agent.fleet.update.offline import install, offline_order
from device_agent.fleet.update.port import SHIPPED
from tests.device_agent.fleet.trust.world import World
from tests.device_agent.fleet.update.conftest import WITHIN_S, Gateway


@pytest.fixture
def fleet(gateway: Gateway, tmp_path: Path) -> World:
    world = World(tmp_path / "fleet")
    gateway.trust = GatewayTrust(world.store, world.device, lambda: world.now)
    return world


def offline(gateway: Gateway, bundle: Path, said: list[str] | None = None) -> Outcome:
    stop = threading.Event()
    worker = threading.Thread(target=gateway.machine().work, args=[stop])
    worker.start()
    told = [] if said is None else said
    try:
        return install(
            gateway.updates,
            offline_order(bundle, force=False, wall_ms=1),
            tell=lambda phase, detail: told.append(f"{phase} {detail}".strip()),
            pause=lambda _: stop.wait(0.005) and None,
        )
    finally:
        stop.set()
        worker.join(WITHIN_S)


def test_a_signed_bundle_is_installed_from_a_file(gateway: Gateway, fleet: World) -> None:
    gateway.probe = SaidProbe(*[None] * 20, gateway.probe.verdict())
    told: list[str] = []
    outcome = offline(gateway, fleet.bundle(files={"version": b"1.0.0"}), told)
    assert outcome.status == "SUCCEEDED"
    assert gateway.active().startswith("1.0.0-")
    assert "probe" in told


def test_an_altered_bundle_is_rejected_by_the_same_verifier_j12(gateway: Gateway, fleet: World) -> None:
    bundle = fleet.bundle(files={"version": b"1.0.0"})
    bundle.write_bytes(bundle.read_bytes().replace(b'"counter": 1', b'"counter": 9'))
    outcome = offline(gateway, bundle)
    assert (outcome.status, "signature" in outcome.reason) == ("REJECTED", True)
    assert gateway.active() == SHIPPED
    assert not (gateway.folder / "update/download").exists()


@pytest.mark.parametrize(
    ("fields", "check"),
    [({"counter": 1}, "counter"), ({"counter": 3, "version": "1.0.0"}, "downgrade")],
)
def test_what_is_older_is_rejected_j12(gateway: Gateway, fleet: World, fields: dict, check: str) -> None:
    offline(gateway, fleet.bundle(files={"version": b"2.0.0"}, version="2.0.0", counter=2))
    outcome = offline(gateway, fleet.bundle(files={"version": b"1.0.0"}, **fields))
    assert (outcome.status, outcome.reason.partition(":")[0]) == ("REJECTED", check)
    assert gateway.active().startswith("2.0.0-")


def test_what_is_for_another_gateway_is_rejected(gateway: Gateway, fleet: World) -> None:
    gateway.trust = GatewayTrust(fleet.store, Device(gateway="another"), lambda: fleet.now)
    outcome = offline(gateway, fleet.bundle(files={"version": b"1.0.0"}, target=Target(gateways=["press-7"])))
    assert outcome.status == "REJECTED"


def test_without_a_machine_it_says_what_to_start_and_takes_its_order_back(gateway: Gateway, fleet: World) -> None:
    order = offline_order(fleet.bundle(files={"version": b"1.0.0"}), force=False, wall_ms=1)
    with pytest.raises(UpdateError) as nobody:
        install(gateway.updates, order, tell=lambda *_: None, pause=lambda _: None)
    assert "thresher supervise" in nobody.value.remedy
    assert gateway.outcome(order.order_id).status == "FAILED"
    assert gateway.active() == SHIPPED


def test_a_file_that_is_no_bundle_is_not_ordered(tmp_path: Path) -> None:
    noise = tmp_path / "noise"
    noise.write_bytes(b"\0" * 5000)
    for path in (noise, tmp_path / "missing", tmp_path):
        with pytest.raises(UpdateError):
            offline_order(path, force=False, wall_ms=1)
