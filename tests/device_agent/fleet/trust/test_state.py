"""What is remembered survives a power cut and a damaged card, and says when it did not."""

import pytest

from device_agent import fault_points
from device_agent.fleet.trust import Moment, TrustStore
from device_agent.fleet.trust.state import EPOCH, TrustState, load, save
from tests.device_agent.fleet.trust.world import START
from twin.keyring import Keyring

COPIES = ("trust.json", "trust.second.json")


class PowerCutError(Exception):
    pass


def cut_at(place):
    """Cuts the power when a place in the code is reached for the nth time."""
    left = place

    def reached(_name):
        nonlocal left
        left -= 1
        if left == 0:
            raise PowerCutError

    fault_points.install(reached)


@pytest.fixture(autouse=True)
def without_cuts():
    yield
    fault_points.install(lambda _name: None)


def test_nothing_is_remembered_at_first_and_nothing_is_lost(tmp_path):
    assert load(tmp_path) == (TrustState(), False)


@pytest.mark.parametrize("place", [1, 2, 3, 4])
def test_a_power_cut_leaves_the_old_or_the_new(tmp_path, place):
    save(tmp_path, TrustState(anchor="old"))
    cut_at(place)
    with pytest.raises(PowerCutError):
        save(tmp_path, TrustState(generation=1, anchor="new"))
    found, lost = load(tmp_path)
    assert (found.anchor, lost) == ("old" if place == 1 else "new", False)


@pytest.mark.parametrize("name", COPIES)
@pytest.mark.parametrize("damage", [b"", b"{}", b"\0" * 300, b"\xff"])
def test_one_damaged_copy_loses_nothing(tmp_path, name, damage):
    save(tmp_path, TrustState(anchor="kept"))
    (tmp_path / name).write_bytes(damage)
    found, lost = load(tmp_path)
    assert (found.anchor, lost) == ("kept", False)


@pytest.mark.parametrize("name", COPIES)
def test_a_copy_that_the_card_does_not_give_away_is_a_damaged_one(tmp_path, name):
    save(tmp_path, TrustState(anchor="kept"))
    (tmp_path / name).unlink()
    (tmp_path / name).mkdir()  # read(2) fails, for root too
    found, lost = load(tmp_path)
    assert (found.anchor, lost) == ("kept", False)


def test_every_single_byte_of_a_copy_is_covered_by_its_digest(tmp_path):
    save(tmp_path, TrustState(anchor="kept"))
    (tmp_path / COPIES[1]).unlink()
    whole = (tmp_path / COPIES[0]).read_bytes()
    for place in range(len(whole)):
        (tmp_path / COPIES[0]).write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        found, lost = load(tmp_path)
        assert lost or found.anchor == "kept"


def test_two_damaged_copies_begin_anew_from_the_installed_root_and_say_so(world):
    world.keyring.make_signer("new")
    world.rotate(add={"model": ["new"]}, revoke=["model"])
    world.install(by=["new"], counter=5)
    for name in COPIES:
        (world.folder / "trust" / name).write_bytes(b"damaged")
    world.restart()
    assert world.store.lost
    assert world.refusal(world.bundle(by=["model"], counter=6)) == "signature", "the bundle's own roots say enough"
    assert world.refusal(world.bundle(by=["new"], counter=6)) == "taken"


def test_a_commit_in_another_process_counts_for_those_who_signed(world):
    found = world.take(world.bundle(counter=5))
    world.restart()
    world.store.commit(found.manifest)
    world.restart()
    assert world.refusal(world.bundle(counter=4)) == "counter"
    world.keyring.make_signer("new")
    world.rotate(add={"model": ["new"]}, revoke=["model"])
    assert world.refusal(world.bundle(counter=4, by=["new"])) == "taken"


def test_a_commit_of_what_was_never_seen_here_counts_for_every_key(world):
    found = world.take(world.bundle(counter=5))
    other = TrustStore(world.folder / "elsewhere", world.root_file)
    other.commit(found.manifest)
    world.store = other
    assert world.refusal(world.bundle(counter=4)) == "counter"


def test_committing_twice_writes_once(world):
    found = world.install(counter=5)
    before = load(world.folder / "trust")[0].generation
    world.store.commit(found.manifest)
    assert load(world.folder / "trust")[0].generation == before


def test_a_card_is_not_written_for_every_look_at_the_clock(world):
    world.take(world.bundle())
    before = load(world.folder / "trust")[0].generation
    for hours in range(12):
        world.now = Moment(wall=world.now.wall.replace(hour=12 + hours % 12), steered=True)
        world.take(world.bundle())
    assert load(world.folder / "trust")[0].generation == before


def test_another_installed_root_begins_a_new_chain(world, tmp_path):
    world.install(counter=9)
    other = Keyring(tmp_path / "other", created=START)
    world.root_file.write_bytes(other.root_file.read_bytes())
    world.restart()
    assert world.refusal(world.bundle(counter=10)) == "signature"
    world.keyring = other
    assert world.refusal(world.bundle(counter=1)) == "taken", "counters of keys that are not trusted do not count"


def test_nothing_was_heard_before_the_first_time():
    assert TrustState().heard == EPOCH
