"""What the update machine may rely on, of whatever says what a bundle is worth; and both of them in a real machine."""

import hashlib
from pathlib import Path

import msgspec
import pytest

from bench.updates.helpers import PlainTrust, make_bundle, ordered
from contract.manifest import Manifest
from device_agent.fleet.trust import GatewayTrust, UntrustedError
from device_agent.fleet.update.port import SHIPPED
from operations.fleet.bundles import opened
from tests.device_agent.fleet.trust.parts import content_start, flip
from tests.device_agent.fleet.trust.world import World
from tests.device_agent.fleet.update.conftest import Gateway


class Plain:
    """Bundles that are believed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def trust(self):
        return PlainTrust(self.folder)

    def bundle(self, version, counter):
        path = self.folder / f"{version}.bundle"
        make_bundle(path, "model", version, files={"version": version.encode()}, counter=counter)
        return path


class Signed:
    """Bundles that are signed."""

    def __init__(self, folder: Path) -> None:
        self.world = World(folder)

    def trust(self):
        self.world.restart()
        return GatewayTrust(self.world.store, self.world.device, lambda: self.world.now)

    def bundle(self, version, counter):
        made = self.world.bundle(files={"version": version.encode()}, version=version, counter=counter)
        return made.rename(made.with_name(f"{version}.bundle"))


@pytest.fixture(params=[Plain, Signed], ids=["plain", "signed"])
def fleet(request, tmp_path):
    return request.param(tmp_path)


def test_a_good_bundle_says_what_it_is_and_hands_out_its_content(fleet):
    found = fleet.trust().verify(fleet.bundle("1.0.0", 1))
    with found.content() as stream:
        assert hashlib.sha256(stream.read()).hexdigest() == found.manifest.content.sha256
    assert found.manifest.version == "1.0.0"


def test_a_damaged_bundle_is_untrusted_and_may_be_fetched_again(fleet):
    bundle = fleet.bundle("1.0.0", 1)
    flip(bundle, content_start(bundle) if isinstance(fleet, Signed) else bundle.stat().st_size - 1)
    with pytest.raises(UntrustedError) as caught:
        fleet.trust().verify(bundle)
    assert caught.value.passing


def test_after_a_commit_nothing_older_is_taken_and_the_same_again_is(fleet):
    older, newer = fleet.bundle("1.0.0", 1), fleet.bundle("1.1.0", 2)
    trust = fleet.trust()
    trust.verify(older)
    manifest = trust.verify(newer).manifest
    trust.commit(manifest)
    trust.commit(manifest)
    again = fleet.trust()
    again.verify(newer)
    with pytest.raises(UntrustedError) as caught:
        again.verify(older)
    assert (caught.value.check, caught.value.passing) == ("counter", False)


def test_a_commit_may_come_from_a_process_that_did_not_verify(fleet):
    older, newer = fleet.bundle("1.0.0", 1), fleet.bundle("1.1.0", 2)
    manifest = fleet.trust().verify(newer).manifest
    fleet.trust().commit(manifest)
    with pytest.raises(UntrustedError):
        fleet.trust().verify(older)


@pytest.fixture
def signed_gateway(tmp_path):
    fleet = Signed(tmp_path / "fleet")
    gateway = Gateway(tmp_path)
    gateway.trust = fleet.trust()
    return fleet, gateway


def order_of(bundle):
    """The order for a bundle, as its maker would write it."""
    with opened(bundle) as (_, layout):
        return ordered(bundle, msgspec.json.decode(layout.manifest, type=Manifest))


def test_a_signed_bundle_goes_all_the_way_and_an_older_one_is_rejected_after_it(signed_gateway):
    fleet, gateway = signed_gateway
    older, newer = fleet.bundle("1.0.0", 1), fleet.bundle("1.1.0", 2)
    assert gateway.apply(order_of(newer)).status == "SUCCEEDED"
    refused = gateway.apply(order_of(older), "job-2")
    assert (refused.status, refused.reason.partition(":")[0]) == ("REJECTED", "counter")
    assert gateway.active().startswith("1.1.0-")


def test_a_bundle_of_a_stranger_changes_nothing_and_its_job_is_rejected(signed_gateway):
    fleet, gateway = signed_gateway
    fleet.world.keyring.make_signer("stranger")
    bundle = fleet.world.bundle(by=["stranger"], files={"version": b"1.0.0"})
    refused = gateway.apply(order_of(bundle))
    assert (refused.status, refused.reason.partition(":")[0]) == ("REJECTED", "signature")
    assert gateway.active() == SHIPPED
