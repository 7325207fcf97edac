"""What time it is for a gateway whose clock may be wrong."""

import datetime as dt

import pytest

from device_agent.fleet.trust import Moment
from tests.device_agent.fleet.trust.world import DAY, START

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@pytest.mark.parametrize("wall", [EPOCH, START + 3650 * DAY])
def test_a_clock_that_nobody_steers_refuses_no_good_bundle(world, wall):
    world.now = Moment(wall=wall, steered=False)
    assert world.refusal(world.bundle()) == "taken"


def test_an_old_bundle_is_over_by_what_was_signed_later_although_nobody_steers_the_clock(world):
    old = world.bundle(name="spectrum", days=30).read_bytes()
    world.now = Moment(wall=EPOCH, steered=False)
    world.install(created=START + 31 * DAY)
    offered = world.folder / "old.bundle"
    offered.write_bytes(old)
    assert world.refusal(offered) == "expired"


def test_an_old_bundle_is_over_by_a_newer_root_although_nobody_steers_the_clock(world):
    world.now = Moment(wall=EPOCH, steered=False)
    world.rotate(created=START + 100 * DAY)
    assert world.refusal(world.bundle(days=90)) == "expired"


def test_a_time_that_was_heard_once_is_remembered(world):
    world.now = Moment(wall=START + 50 * DAY, steered=True)
    world.install(counter=1)
    world.restart()
    world.now = Moment(wall=EPOCH, steered=False)
    assert world.refusal(world.bundle(counter=2, days=49)) == "expired"


def test_a_time_that_was_heard_wrongly_is_forgotten_when_the_clock_is_steered_again(world):
    world.now = Moment(wall=START + 3000 * DAY, steered=True)
    assert world.refusal(world.bundle()) == "expired"
    world.now = Moment(wall=EPOCH, steered=False)
    assert world.refusal(world.bundle()) == "expired", "the wrong time still counts"
    world.now = Moment(wall=START + DAY, steered=True)
    assert world.refusal(world.bundle()) == "taken"
    world.restart()
    world.now = Moment(wall=EPOCH, steered=False)
    assert world.refusal(world.bundle()) == "taken"


def test_a_bundle_dated_far_ahead_by_a_thief_is_forgotten_with_his_key(world):
    world.now = Moment(wall=EPOCH, steered=False)
    world.install(created=START + 3000 * DAY)
    assert world.refusal(world.bundle(counter=2, name="spectrum", kind="configuration")) == "expired"
    world.keyring.make_signer("new")
    world.rotate(add={"model": ["new"]}, revoke=["model"])
    assert world.refusal(world.bundle(counter=2, name="spectrum", kind="configuration")) == "taken"
