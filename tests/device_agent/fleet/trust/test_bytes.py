"""Every byte of a bundle counts: a changed one is refused, or changes nothing."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.bundle import BLOCK, MANIFEST, header, read_layout
from contract.errors import ContractError
from device_agent.fleet.trust import TrustStore, UntrustedError, verify_bundle
from tests.device_agent.fleet.trust.world import World


@pytest.fixture(scope="module")
def offered(tmp_path_factory):
    """A world, and the bytes of a bundle that it takes; it has two roots, so that one follows."""
    world = World(tmp_path_factory.mktemp("world"))
    world.rotate()
    return world, world.bundle().read_bytes()


def outcome(world, data):
    """What a fresh gateway makes of a bundle: what was taken, or the check."""
    bundle = world.folder / "changed.bundle"
    bundle.write_bytes(data)
    fresh = TrustStore(world.folder / "none", world.root_file)
    try:
        found = verify_bundle(bundle, trust=fresh, device=world.device, now=world.now)
    except UntrustedError as exc:
        return exc.check
    finally:
        for path in (world.folder / "none").glob("*"):
            path.unlink()
    with found.content() as stream:
        return found.manifest, stream.read()


@given(data=st.data(), change=st.integers(1, 255))
def test_a_changed_byte_is_refused_or_changes_nothing(offered, data, change):
    world, whole = offered
    place = data.draw(st.integers(0, len(whole) - 1))
    changed = outcome(world, whole[:place] + bytes([whole[place] ^ change]) + whole[place + 1 :])
    assert isinstance(changed, str) or changed == outcome(world, whole)


@given(data=st.data())
def test_a_bundle_that_is_cut_or_longer_is_refused(offered, data):
    world, whole = offered
    cut = data.draw(st.integers(0, len(whole) - 1))
    assert outcome(world, whole[:cut]) == "layout"
    assert outcome(world, whole + data.draw(st.binary(min_size=1, max_size=600))) == "layout"


@given(data=st.data(), piece=st.binary(max_size=600))
def test_bytes_put_in_or_taken_out_are_refused_or_change_nothing(offered, data, piece):
    world, whole = offered
    first, second = sorted(data.draw(st.tuples(st.integers(0, len(whole)), st.integers(0, len(whole)))))
    mixed = whole[:first] + piece + whole[second:]
    changed = outcome(world, mixed)
    assert isinstance(changed, str) or changed == outcome(world, whole)


@given(st.binary(max_size=2000))
def test_anything_else_is_no_bundle_and_no_crash(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "anything"
    path.write_bytes(data)
    with path.open("rb") as file, pytest.raises(ContractError):
        read_layout(file)


@pytest.mark.parametrize("size", [-1, -512])
def test_a_part_of_less_than_no_bytes_is_refused_before_anything_of_it_is_read(size):
    file = io.BytesIO(header(MANIFEST, size) + bytes(100_000))
    with pytest.raises(ContractError):
        read_layout(file)
    assert file.tell() == BLOCK
