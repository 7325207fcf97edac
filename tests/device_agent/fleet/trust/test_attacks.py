"""What an attacker may try with a bundle; each attempt fails one named check. Model: python-tuf's attack tests.

Elsewhere: roots (``test_roots``), freezing and clocks (``test_time``), links, paths and bombs inside a signed bundle
(``test_escapes``), every single byte (``test_bytes``), endless downloads (``update/test_download``).
"""

import base64
import os

import msgspec
import pytest

from contract.bundle import CONTENT, MANIFEST, SIGNATURES
from device_agent.fleet.trust import Moment, TrustStore, UntrustedError
from operations.fleet.signing import sign_manifest
from tests.device_agent.fleet.trust.parts import content_start, flip, forged, packed, parts_of, signed
from tests.device_agent.fleet.trust.world import DAY, START


def test_a_good_bundle_is_taken_and_its_content_comes_out_as_it_was(world):
    found = world.take(world.bundle())
    with found.content() as stream:
        data = stream.read()
    assert len(data) == found.manifest.content.size
    assert found.keys == {world.id_of("model")}


def test_an_altered_content_is_refused(world):
    bundle = world.bundle()
    parts = parts_of(bundle)
    parts[CONTENT] = parts[CONTENT][:-1] + b"!"
    assert world.refusal(packed(bundle, parts)) == "content"


def test_a_longer_content_is_refused(world):
    bundle = world.bundle()
    parts = parts_of(bundle)
    parts[CONTENT] += b"more"
    assert world.refusal(packed(bundle, parts)) == "content"


def test_an_altered_manifest_is_refused(world):
    bundle = world.bundle()
    parts = parts_of(bundle)
    parts[MANIFEST] = parts[MANIFEST].replace(b"1.0.0", b"9.0.0")
    assert world.refusal(packed(bundle, parts)) == "signature"


def test_a_manifest_that_says_the_same_in_other_bytes_is_refused(world):
    bundle = world.bundle()
    parts = parts_of(bundle)
    parts[MANIFEST] = msgspec.json.encode(msgspec.json.decode(parts[MANIFEST]))
    assert world.refusal(packed(bundle, parts)) == "signature"


def test_a_signature_of_another_thing_is_none_of_a_manifest(world):
    signer = world.keyring.signers["model"]
    bundle = world.bundle()
    parts = parts_of(bundle)
    bare = msgspec.structs.replace(
        sign_manifest(parts[MANIFEST], signer),
        signature=base64.b64encode(signer.sign(parts[MANIFEST])).decode(),
    )
    parts[SIGNATURES] = msgspec.json.encode({"signatures": [bare]})
    assert world.refusal(packed(bundle, parts)) == "signature"


def test_a_bundle_whose_time_is_over_is_refused(world):
    bundle = world.bundle(days=30)
    world.now = Moment(wall=START + 30 * DAY, steered=True)
    assert world.refusal(bundle) == "expired"


def test_a_bundle_that_would_be_good_for_years_is_refused(world):
    assert world.refusal(forged(world, "model", expires="2027-12-30T12:00:00Z")) == "document"
    assert world.refusal(forged(world, "model", expires="2027-12-29T12:00:00Z")) == "taken"


def test_a_bundle_that_ends_before_it_begins_is_refused(world):
    assert world.refusal(forged(world, "model", expires="2026-11-24T11:00:00Z")) == "document"


def test_a_bundle_from_the_future_waits_until_it_is_the_present(world):
    bundle = world.bundle(created=START + 10 * DAY)
    assert world.refusal(bundle) == "early"
    world.now = Moment(wall=START + 10 * DAY, steered=True)
    assert world.refusal(bundle) == "taken"


def test_an_old_version_that_is_replayed_is_refused(world):
    old = world.bundle(version="1.0.0", counter=1).read_bytes()
    world.install(version="1.1.0", counter=2)
    replayed = world.folder / "replayed.bundle"
    replayed.write_bytes(old)
    assert world.refusal(replayed) == "counter"


def test_another_bundle_with_the_same_counter_is_refused(world):
    world.install(counter=5)
    assert world.refusal(world.bundle(version="1.0.1", counter=5)) == "counter"


def test_the_very_bundle_that_was_committed_may_be_taken_again(world):
    world.install(counter=5)
    assert world.refusal(world.bundle(counter=5)) == "taken"


def test_a_bundle_that_was_not_committed_holds_back_no_other(world):
    world.take(world.bundle(counter=9))
    assert world.refusal(world.bundle(counter=8)) == "taken"


def test_a_counter_of_one_name_says_nothing_of_another(world):
    world.install(name="level", counter=9)
    assert world.refusal(world.bundle(name="spectrum", counter=1)) == "taken"


def test_a_lower_version_needs_a_signed_exception(world):
    world.install(version="1.10.0", counter=1)
    assert world.refusal(world.bundle(version="1.9.0", counter=2)) == "downgrade"
    assert world.refusal(world.bundle(version="1.10.0-rc.1", counter=2)) == "downgrade"
    assert world.refusal(world.bundle(version="1.9.0", counter=2, downgrade=True)) == "taken"


def test_an_exception_that_is_replayed_takes_no_gateway_back_again(world):
    world.install(version="2.0.0", counter=1)
    back = world.bundle(version="1.0.0", counter=2, downgrade=True).read_bytes()
    world.install(version="1.0.0", counter=2, downgrade=True)
    world.install(version="2.0.1", counter=3)
    replayed = world.folder / "replayed.bundle"
    replayed.write_bytes(back)
    assert world.refusal(replayed) == "counter"


def test_content_of_one_bundle_under_the_manifest_of_another_is_refused(world):
    old = parts_of(world.bundle(files={"a": b"vulnerable"}, counter=1))
    bundle = world.bundle(files={"a": b"mended"}, counter=2)
    assert world.refusal(packed(bundle, {**parts_of(bundle), CONTENT: old[CONTENT]})) == "content"


def test_signatures_of_one_bundle_on_the_manifest_of_another_are_refused(world):
    old = parts_of(world.bundle(counter=1))
    bundle = world.bundle(counter=2)
    assert world.refusal(packed(bundle, {**parts_of(bundle), SIGNATURES: old[SIGNATURES]})) == "signature"


def test_a_key_that_no_root_knows_signs_nothing(world):
    world.keyring.make_signer("stranger")
    assert world.refusal(world.bundle(by=["stranger"])) == "signature"


def test_a_stranger_that_takes_a_known_keys_id_signs_nothing(world):
    stranger = world.keyring.make_signer("stranger")
    bundle = world.bundle()
    parts = parts_of(bundle)
    claimed = msgspec.structs.replace(sign_manifest(parts[MANIFEST], stranger), key_id=world.id_of("model"))
    parts[SIGNATURES] = msgspec.json.encode({"signatures": [claimed]})
    assert world.refusal(packed(bundle, parts)) == "signature"


@pytest.mark.parametrize("role", ["root", "application", "configuration"])
def test_a_key_of_another_role_signs_no_model(world, role):
    assert world.refusal(world.bundle(by=[role])) == "signature"


def test_an_unsigned_bundle_is_refused(world):
    bundle = world.bundle()
    assert world.refusal(packed(bundle, {**parts_of(bundle), SIGNATURES: b'{"signatures":[]}'})) == "signature"


def test_a_manifest_that_nobody_signed_is_not_even_read(world):
    bundle = world.bundle()
    assert world.refusal(packed(bundle, {**parts_of(bundle), MANIFEST: b"[" * 9000})) == "signature"


def test_too_few_keys_are_refused(world):
    world.keyring.make_signer("second")
    world.rotate(add={"model": ["second"]}, thresholds={"model": 2})
    assert world.refusal(world.bundle(by=["model"])) == "signature"
    assert world.refusal(world.bundle(by=["model", "second"])) == "taken"


def test_a_key_that_signs_twice_counts_once(world):
    world.keyring.make_signer("second")
    world.rotate(add={"model": ["second"]}, thresholds={"model": 2})
    bundle = world.bundle(by=["model"])
    parts = parts_of(bundle)
    (one,) = msgspec.json.decode(parts[SIGNATURES])["signatures"]
    parts[SIGNATURES] = msgspec.json.encode({"signatures": [one, one]})
    assert world.refusal(packed(bundle, parts)) == "signature"


def test_a_damaged_signature_beside_enough_good_ones_does_no_harm(world):
    bundle = world.bundle()
    parts = parts_of(bundle)
    (one,) = msgspec.json.decode(parts[SIGNATURES])["signatures"]
    damaged = {**one, "signature": "A" * 86 + "=="}
    parts[SIGNATURES] = msgspec.json.encode({"signatures": [damaged, one]})
    assert world.refusal(packed(bundle, parts)) == "taken"


def test_a_revoked_key_signs_nothing_any_more(world):
    world.keyring.make_signer("new")
    stolen = world.bundle(by=["model"]).read_bytes()
    world.rotate(add={"model": ["new"]}, revoke=["model"])
    assert world.refusal(world.bundle(by=["model"])) == "signature"
    assert world.refusal(world.bundle(by=["new"])) == "taken"
    earlier = world.folder / "earlier.bundle"
    earlier.write_bytes(stolen)
    assert world.refusal(earlier) == "signature", "a bundle with the old roots brings no old key back"


def test_a_revocation_holds_although_the_bundle_that_brought_it_is_refused(world):
    world.keyring.make_signer("new")
    stolen = world.bundle(by=["model"]).read_bytes()
    world.rotate(add={"model": ["new"]}, revoke=["model"])
    assert world.refusal(world.bundle(by=["application"])) == "signature"
    world.restart()
    earlier = world.folder / "earlier.bundle"
    earlier.write_bytes(stolen)
    assert world.refusal(earlier) == "signature"


def test_a_thief_who_counted_to_the_end_is_counted_out_with_his_key(world):
    world.install(counter=3)
    world.install(version="1.0.1", counter=2**53 - 1, days=400)
    world.keyring.make_signer("new")
    world.rotate(add={"model": ["new"]}, revoke=["model"])
    assert world.refusal(world.bundle(version="1.0.2", counter=4, by=["new"])) == "taken"


def test_revoking_one_key_forgets_nothing_that_another_signed(world):
    world.keyring.make_signer("second")
    world.rotate(add={"model": ["second"]})
    world.install(counter=7, by=["second"])
    world.install(version="1.0.1", counter=9, by=["model"])
    world.rotate(revoke=["model"])
    assert world.refusal(world.bundle(counter=7, version="1.0.2", by=["second"])) == "counter"
    assert world.refusal(world.bundle(counter=8, version="1.0.2", by=["second"])) == "taken"


@pytest.mark.parametrize(
    "target",
    [
        {"gateways": ["press-8"]},
        {"groups": ["lathes"]},
        {"sites": ["hall-1"]},
        {"types": ["lathe"]},
        {"gateways": ["press-7"], "sites": ["hall-1"]},
    ],
)
def test_a_bundle_for_others_is_refused(world, target):
    assert world.refusal(forged(world, "model", target=target)) == "target"


def test_a_bundle_for_this_gateway_is_taken(world):
    target = {"gateways": ["press-6", "press-7"], "groups": ["presses"], "sites": ["hall-2"], "types": ["press"]}
    assert world.refusal(forged(world, "model", target=target)) == "taken"


def test_a_gateway_that_does_not_say_where_it_is_takes_nothing_for_one_place(world):
    world.device = msgspec.structs.replace(world.device, site="", groups=())
    assert world.refusal(forged(world, "model", target={"sites": ["hall-2"]})) == "target"
    assert world.refusal(forged(world, "model", target={"groups": ["presses"]})) == "target"


@pytest.mark.parametrize(
    "requires",
    [{"thresher": "1.2.1"}, {"thresher": "2.0.0-rc.1"}, {"architectures": ["z80"]}, {"pythons": ["2.7"]}],
)
def test_a_bundle_that_needs_what_is_not_here_is_refused(world, requires):
    assert world.refusal(forged(world, "model", requires=requires)) == "requires"


def test_an_application_says_how_it_starts_and_nothing_else_does(world):
    assert world.refusal(forged(world, "model", entry={"staging": "folder"})) == "document"
    assert world.refusal(forged(world, "application", kind="application")) == "document"
    assert world.refusal(forged(world, "application", kind="application", entry={})) == "taken"


HOSTILE = ["../../etc", "..", "/etc/passwd", "a/b", "a\x00b", "a\n", "a b", "é", "$(reboot)", "`id`", "a" * 200, ""]


@pytest.mark.parametrize("field", ["kind", "name", "version"])
@pytest.mark.parametrize("value", HOSTILE)
def test_nothing_is_injected_through_what_becomes_a_path(world, field, value):
    assert world.refusal(forged(world, "model", **{field: value})) == "document"


@pytest.mark.parametrize("value", ["/bin/sh", "../bin/sh", "bin/../../sh", "bin//sh", "bin/sh\n", ".hidden", "a b", ""])
def test_nothing_is_injected_through_the_command(world, value):
    entry = {"staging": "folder", "command": value}
    assert world.refusal(forged(world, "application", kind="application", entry=entry)) == "document"


@pytest.mark.parametrize(
    "fields",
    [
        {"format": 2},
        {"counter": 0},
        {"counter": -1},
        {"counter": 2**53},
        {"counter": "5"},
        {"counter": 1.5},
        {"created": "2026-11-24T12:00:00"},
        {"expires": 1_800_000_000},
        {"downgrade": "yes"},
        {"health": {"windowS": 1e9}},
        {"health": {"minRate": -1}},
        {"target": {"gateways": ["a" * 200]}},
        {"target": {"gateways": ["press-7\n"]}},
        {"provenance": {"commit": "main; reboot"}},
        {"notes": {"a": 1}},
        {"onlyIf": "the moon is full"},
        {"target": {"regions": ["north"]}},
        {"content": {"sha256": "0" * 64, "size": 1, "unpackedBytes": 2**60, "files": 1}},
    ],
)
def test_a_field_that_is_not_understood_is_refused(world, fields):
    assert world.refusal(forged(world, "model", **fields)) == "document"


def test_a_manifest_that_two_readers_could_understand_differently_is_refused(world):
    bundle = world.bundle()
    parts = parts_of(bundle)
    parts[MANIFEST] = parts[MANIFEST].replace(b'"counter": 1', b'"counter": 1, "counter": 2')
    assert world.refusal(packed(bundle, signed(world, parts))) == "document"


def test_an_oversized_manifest_is_refused_before_it_is_read(world):
    bundle = world.bundle()
    parts = parts_of(bundle)
    parts[MANIFEST] += b" " * 65_536
    assert world.refusal(packed(bundle, parts)) == "layout"


@pytest.mark.parametrize(
    ("at", "byte"),
    [(136, b"1"), (156, b"5"), (157, b"a"), (345, b"a"), (500, b"a"), (100, b"7")],
    ids=["a time", "another type", "a link", "a prefix", "what nobody reads", "a mode"],
)
def test_a_header_says_a_name_and_a_size_and_nothing_else(world, at, byte):
    bundle = world.bundle()
    data = bytearray(bundle.read_bytes())
    data[at : at + 1] = byte
    head = bytes(data[:148]) + b" " * 8 + bytes(data[156:512])
    data[148:156] = b"%06o\0 " % sum(head)
    bundle.write_bytes(data)
    assert world.refusal(bundle) == "layout"


def test_nothing_hides_in_what_fills_a_block(world):
    bundle = world.bundle()
    data = bytearray(bundle.read_bytes())
    data[512 + len(parts_of(bundle)[MANIFEST])] = 1
    bundle.write_bytes(data)
    assert world.refusal(bundle) == "layout"


def test_parts_in_another_order_twice_or_missing_are_refused(world):
    bundle = world.bundle()
    parts = parts_of(bundle)
    for names in (list(reversed(parts)), [name for name in parts if name != SIGNATURES], list(parts)[:-1]):
        assert world.refusal(packed(bundle, {name: parts[name] for name in names})) == "layout"


def test_roots_that_leave_one_out_are_refused(world):
    bundle = world.bundle()
    manifest, signatures, root, content = parts_of(bundle).items()
    parts = dict([manifest, signatures, root, ("roots/3.json", root[1]), content])
    assert world.refusal(packed(bundle, parts)) == "layout"


@pytest.mark.parametrize("name", ["roots/0.json", "roots/01.json", "roots/-1.json", "roots/../1.json", "roots/x.json"])
def test_a_root_under_another_name_is_refused(world, name):
    bundle = world.bundle()
    manifest, signatures, root, content = parts_of(bundle).items()
    assert world.refusal(packed(bundle, dict([manifest, signatures, (name, root[1]), content]))) == "layout"


def test_roots_without_end_are_refused(world):
    bundle = world.bundle()
    manifest, signatures, root, content = parts_of(bundle).items()
    many = [(f"roots/{version}.json", root[1]) for version in range(1, 66)]
    assert world.refusal(packed(bundle, dict([manifest, signatures, *many, content]))) == "layout"
    many.pop()
    assert world.refusal(packed(bundle, dict([manifest, signatures, *many, content]))) == "root"


@pytest.mark.parametrize("data", [b"", b"[" * 10_000, b"\xff\xfe", b"null", b"{}", b'{"signatures": 5}', b"[]"])
def test_signatures_that_are_none_are_refused(world, data):
    bundle = world.bundle()
    assert world.refusal(packed(bundle, {**parts_of(bundle), SIGNATURES: data})) == (
        "document" if data != b"{}" else "signature"
    )


def test_a_bundle_that_is_changed_after_it_was_verified_gives_no_content(world):
    bundle = world.bundle()
    found = world.take(bundle)
    flip(bundle, content_start(bundle) + 20)
    with pytest.raises(UntrustedError, match=r"^content") as caught, found.content() as stream:
        stream.read()
    assert caught.value.passing


def test_a_bundle_that_is_cut_after_it_was_verified_gives_no_content(world):
    bundle = world.bundle()
    found = world.take(bundle)
    bundle.write_bytes(bundle.read_bytes()[: content_start(bundle) + 20])
    with pytest.raises(UntrustedError, match=r"^content"), found.content() as stream:
        stream.read()


def test_bytes_that_nobody_reads_are_verified_too(world):
    bundle = world.bundle()
    found = world.take(bundle)
    flip(bundle, content_start(bundle) + 20)
    with pytest.raises(UntrustedError, match=r"^content"), found.content() as stream:
        stream.read(1)


def test_a_link_or_a_pipe_is_no_bundle(world):
    bundle = world.bundle()
    link, pipe = world.folder / "link.bundle", world.folder / "pipe.bundle"
    link.symlink_to(bundle)
    os.mkfifo(pipe)
    assert world.refusal(link) == "layout"
    assert world.refusal(pipe) == "layout"
    assert world.refusal(world.folder) == "layout"
    assert world.refusal(world.folder / "missing") == "layout"


def test_a_gateway_without_a_root_takes_nothing(world):
    world.store = TrustStore(world.folder / "trust", None)
    assert world.refusal(world.bundle()) == "root"


def test_a_root_file_that_others_may_write_is_trusted_by_nobody(world):
    world.root_file.chmod(0o664)
    assert world.refusal(world.bundle()) == "root"
