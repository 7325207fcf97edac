"""Which roots follow which. The table is that of python-tuf's root rotations, in our words."""

from typing import NamedTuple

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contract.signing import Role, Roles, Root, SignedRoot
from device_agent.fleet.trust import Moment, UntrustedError
from device_agent.fleet.trust.ed25519 import check_here
from device_agent.fleet.trust.roots import advance, first_root
from operations.fleet.keys import FileSigner, id_of
from operations.fleet.signing import sign_root
from tests.device_agent.fleet.trust.world import DAY, START

SIGNERS = [FileSigner(Ed25519PrivateKey.generate()) for _ in range(11)]
MODEL = 10
"""The key that signs models; the others sign roots."""


class Step(NamedTuple):
    """A root: its root keys, how many must sign, and who did."""

    keys: list[int]
    threshold: int
    signed: list[int]


def root_of(step, version, **changes):
    used = [*step.keys, MODEL]
    model = Role(keys=[id_of(SIGNERS[MODEL].public)])
    root = Role(keys=[id_of(SIGNERS[one].public) for one in step.keys], threshold=step.threshold)
    return msgspec.structs.replace(
        Root(
            version=version,
            created=START,
            expires=START + 730 * DAY,
            keys={id_of(SIGNERS[one].public): SIGNERS[one].public for one in used},
            roles=Roles(root=root, application=model, model=model, configuration=model),
        ),
        **changes,
    )


def signed_by(root, signers):
    bare = SignedRoot(signed=msgspec.Raw(msgspec.json.encode(root)))
    signatures = [sign_root(bare, SIGNERS[one]) for one in signers]
    return msgspec.json.encode(SignedRoot(signed=bare.signed, signatures=signatures))


def document(step, version, **changes):
    return signed_by(root_of(step, version, **changes), step.signed)


def follow(steps):
    """The newest version that is trusted, and the check that ended it."""
    trusted = first_root(document(steps[0], 1), check_here)
    for version, step in enumerate(steps[1:], 2):
        try:
            trusted = advance(trusted, document(step, version), check_here)
        except UntrustedError as exc:
            return trusted.root.version, exc.check
    return trusted.root.version, ""


ONE, ALL = Step([1], 1, [1]), [0, 1, 2, 3, 4]

FOLLOWS = {
    "one key for another": [ONE, Step([2], 1, [2, 1]), Step([2], 1, [2])],
    "signatures nobody needs": [Step([1], 1, [3, 1, 4]), Step([2], 1, [3, 2, 1, 4]), Step([2], 1, [3, 2, 4])],
    "any three of five": [Step(ALL, 3, [0, 2, 4]), Step(ALL, 3, [0, 4, 1]), Step(ALL, 3, [0, 1, 3])],
    "one of five for another": [Step(ALL, 3, [0, 2, 4]), Step([0, 1, 3, 4, 5], 3, [0, 4, 1])],
    "with a step between": [Step(ALL, 3, [0, 2, 4]), Step([0, 1, 3, 4, 5], 3, [0, 2, 4, 5])],
    "all for others": [Step(ALL, 3, [0, 2, 4]), Step([5, 6, 7, 8, 9], 3, [0, 2, 4, 5, 6, 7])],
    "more must sign": [Step([1, 2, 3], 1, [1]), Step([1, 2, 3], 2, [1, 2])],
    "fewer must sign": [Step([1, 2, 3], 2, [1, 2]), Step([1, 2, 3], 1, [1, 2]), Step([1, 2, 3], 1, [1])],
}

FOLLOWS_NOT = {
    "not signed by the old key": [ONE, Step([2], 1, [2, 3, 4])],
    "not signed by the new key": [ONE, Step([2], 1, [1, 3, 4])],
    "not by three of the new": [Step(ALL, 3, [0, 2, 4]), Step([0, 1, 3, 4, 5], 3, [0, 2, 4])],
    "not by three of the old": [Step(ALL, 3, [0, 2, 4]), Step([0, 1, 3, 4, 5], 3, [0, 4, 5])],
    "not by as many as it asks for": [Step([1, 2, 3], 1, [1]), Step([1, 2, 3], 2, [2])],
    "not by as many as the old asks for": [Step([1, 2, 3], 2, [1, 2]), Step([1, 2, 3], 1, [1])],
    "one key twice": [Step([1, 2], 2, [1, 2]), Step([1, 2], 2, [1, 1])],
    "signed by nobody": [ONE, Step([1], 1, [])],
    "signed by the key for models": [ONE, Step([1], 1, [MODEL])],
}


@pytest.mark.parametrize("steps", FOLLOWS.values(), ids=FOLLOWS)
def test_a_root_follows_that_its_predecessors_keys_and_its_own_signed(steps):
    assert follow(steps) == (len(steps), "")


@pytest.mark.parametrize("steps", FOLLOWS_NOT.values(), ids=FOLLOWS_NOT)
def test_a_root_does_not_follow_otherwise_and_the_one_before_stays(steps):
    assert follow(steps) == (len(steps) - 1, "root")


@pytest.mark.parametrize("version", [1, 3, 100])
def test_a_root_that_is_not_the_next_does_not_follow(version):
    trusted = first_root(document(ONE, 1), check_here)
    with pytest.raises(UntrustedError, match=r"^root"):
        advance(trusted, document(ONE, version), check_here)


def test_a_first_root_is_signed_by_its_own_keys():
    with pytest.raises(UntrustedError, match=r"^root: root 1 is signed by 0 of the 1"):
        first_root(document(Step([1], 1, [2]), 1), check_here)


def senseless():
    sound = root_of(ONE, 1)
    root, model = sound.roles.root, sound.roles.model
    other = id_of(SIGNERS[5].public)

    def with_roles(**roles):
        return msgspec.structs.replace(sound, roles=msgspec.structs.replace(sound.roles, **roles))

    return {
        "it ends before it begins": msgspec.structs.replace(sound, expires=START),
        "names a key twice": with_roles(model=Role(keys=model.keys * 2)),
        "fewer keys than must sign": with_roles(model=Role(keys=model.keys, threshold=2)),
        "a root key also signs for role model": with_roles(model=root),
        "are not those that its roles name": with_roles(model=Role(keys=[other])),
        "its keys are not those": msgspec.structs.replace(sound, keys={**sound.keys, other: SIGNERS[5].public}),
        "is not the key of that id": msgspec.structs.replace(
            sound, keys={**sound.keys, root.keys[0]: SIGNERS[5].public}
        ),
    }


@pytest.mark.parametrize("fault", senseless())
def test_a_root_that_makes_no_sense_is_refused_although_it_is_signed(fault):
    with pytest.raises(UntrustedError, match=f"^root: root 1: .*{fault}"):
        first_root(signed_by(senseless()[fault], [1, 5]), check_here)


def test_an_oversized_root_is_not_read_although_it_is_signed():
    data = document(ONE, 1)
    first_root(data + b" " * (65_536 - len(data)), check_here)
    with pytest.raises(UntrustedError, match=r"^document: root has 65537 bytes"):
        first_root(data + b" " * (65_537 - len(data)), check_here)


@pytest.mark.parametrize("data", [b"", b"{}", b"[1]", b"\xff", b"[" * 5000, b" " * 70_000])
def test_a_root_that_is_no_document_is_refused(data):
    with pytest.raises(UntrustedError, match=r"^document"):
        first_root(data, check_here)


def test_a_root_may_be_written_with_other_spaces_but_not_signed_so():
    data = document(ONE, 1)
    spaced = data.replace(b'"signatures"', b' "signatures"')
    assert first_root(spaced, check_here).root.version == 1
    with pytest.raises(UntrustedError, match=r"^root"):
        first_root(data.replace(b'"version":1', b'"version": 1'), check_here)


def test_the_newest_root_must_not_be_over(world):
    world.rotate(days=10)
    world.now = Moment(wall=START + 11 * DAY, steered=True)
    assert world.refusal(world.bundle()) == "expired"


def test_a_root_in_between_may_be_over(world):
    world.rotate(days=1)
    world.rotate(created=START + 5 * DAY, days=700)
    world.now = Moment(wall=START + 6 * DAY, steered=True)
    assert world.refusal(world.bundle(created=START + 5 * DAY)) == "taken"


def test_a_gateway_whose_root_is_over_takes_the_next_one(world):
    world.now = Moment(wall=START + 800 * DAY, steered=True)
    late = START + 799 * DAY
    assert world.refusal(world.bundle(created=late)) == "expired"
    world.rotate(created=late)
    assert world.refusal(world.bundle(created=late)) == "taken"


def test_a_bundle_that_leaves_out_a_root_is_refused(world):
    world.rotate()
    world.rotate()
    (world.keyring.roots / "1.json").unlink()
    (world.keyring.roots / "2.json").unlink()
    assert world.refusal(world.bundle()) == "root"


def test_a_bundle_with_older_roots_only_takes_nothing_back(world):
    old = world.bundle().read_bytes()
    world.rotate()
    assert world.refusal(world.bundle()) == "taken"
    offered = world.folder / "old.bundle"
    offered.write_bytes(old)
    found = world.take(offered)
    assert found.root_version == 2


def test_ten_years_of_roots_fit_into_one_bundle(world):
    for _ in range(40):
        world.rotate()
    assert world.take(world.bundle()).root_version == 41
