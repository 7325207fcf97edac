import datetime as dt
import os
import stat

import msgspec
import pytest

from contract.manifest import Entry, Target
from operations.errors import OperationError
from operations.fleet.bundles import Making, make_bundle, opened, signatures_of
from operations.fleet.keys import make_key, open_key, public_path, read_public
from operations.fleet.roots import Change, first_root, next_root, read_root, read_roots
from operations.fleet.signing import write_root
from twin.keyring import Keyring

CREATED = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)
PASSPHRASE = b"six random words make a passphrase"


def making(**fields):
    return Making(**{"kind": "model", "name": "level", "version": "1.0.0", "created": CREATED, **fields})


@pytest.fixture
def keyring(tmp_path):
    return Keyring(tmp_path / "roots", created=CREATED)


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "content"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "run").write_bytes(b"#!/bin/sh\n")
    (folder / "bin" / "run").chmod(0o700)
    (folder / "card.md").write_bytes(b"# card")
    return folder


def test_the_same_folder_gives_the_same_bytes_at_any_time_in_any_place(tmp_path, keyring, folder):
    other = tmp_path / "elsewhere"
    (other / "bin").mkdir(parents=True)
    for name in ("card.md", "bin/run"):
        (other / name).write_bytes((folder / name).read_bytes())
        os.utime(other / name, (1, 1))
    (other / "bin" / "run").chmod(0o755)
    bundles = []
    for number, source in enumerate((folder, other)):
        bundles.append(tmp_path / f"{number}.bundle")
        make_bundle(source, making(), roots=read_roots(keyring.roots), output=bundles[-1])
    assert bundles[0].read_bytes() == bundles[1].read_bytes()


def test_signing_adds_signatures_and_changes_nothing_else(tmp_path, keyring, folder):
    bundle = tmp_path / "x.bundle"
    make_bundle(folder, making(), roots=read_roots(keyring.roots), output=bundle)
    with opened(bundle) as (_, before):
        pass
    keyring.make_signer("second")
    keyring.sign(bundle, ["model"])
    keyring.sign(bundle, ["second", "model"])
    with opened(bundle) as (_, after):
        assert (after.manifest, after.roots, after.content.size) == (before.manifest, before.roots, before.content.size)
        assert len(signatures_of(after)) == 2


def test_a_manifest_says_only_what_is_used(tmp_path, keyring, folder):
    bundle = tmp_path / "x.bundle"
    make_bundle(folder, making(), roots=read_roots(keyring.roots), output=bundle)
    with opened(bundle) as (_, layout):
        said = set(msgspec.json.decode(layout.manifest))
    assert said == {"format", "kind", "name", "version", "counter", "created", "expires", "content"}


def test_a_counter_nobody_gives_grows_with_time(tmp_path, keyring, folder):
    first = make_bundle(folder, making(), roots=read_roots(keyring.roots), output=tmp_path / "a")
    later = making(created=CREATED + dt.timedelta(seconds=1))
    second = make_bundle(folder, later, roots=read_roots(keyring.roots), output=tmp_path / "b")
    assert second.counter == first.counter + 1


@pytest.mark.parametrize(
    "fields",
    [{"name": "../x"}, {"version": "1"}, {"counter": -1}, {"target": Target(gateways=["a b"])}, {"kind": "anything"}],
)
def test_what_no_gateway_would_take_is_not_made(tmp_path, keyring, folder, fields):
    with pytest.raises(OperationError, match=r"^manifest: .* - at `\$"):
        make_bundle(folder, making(**fields), roots=read_roots(keyring.roots), output=tmp_path / "x")
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("fields", [{"days": 401}, {"days": 0}, {"kind": "application"}, {"entry": Entry()}])
def test_what_makes_no_sense_is_not_made(tmp_path, keyring, folder, fields):
    with pytest.raises(OperationError, match=r"^manifest: "):
        make_bundle(folder, making(**fields), roots=read_roots(keyring.roots), output=tmp_path / "x")


def test_a_command_outside_the_release_is_not_made(tmp_path, keyring, folder):
    bad = making(kind="application", entry=Entry(staging="folder", command="../../bin/sh"))
    with pytest.raises(OperationError, match="command"):
        make_bundle(folder, bad, roots=read_roots(keyring.roots), output=tmp_path / "x")


def test_a_link_or_a_pipe_in_the_folder_is_named(tmp_path, keyring, folder):
    (folder / "link").symlink_to("card.md")
    with pytest.raises(OperationError, match="link: neither a file nor a folder"):
        make_bundle(folder, making(), roots=read_roots(keyring.roots), output=tmp_path / "x")


def test_an_empty_folder_is_no_content(tmp_path, keyring):
    (tmp_path / "empty").mkdir()
    with pytest.raises(OperationError, match="no files"):
        make_bundle(tmp_path / "empty", making(), roots=read_roots(keyring.roots), output=tmp_path / "x")


def test_a_private_key_is_encrypted_its_owners_alone_and_never_overwritten(tmp_path):
    path = tmp_path / "keys" / "model.pem"
    public = make_key(path, PASSPHRASE, note="who trains")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_bytes().startswith(b"-----BEGIN ENCRYPTED ")
    assert read_public(public_path(path)) == public
    assert open_key(path, PASSPHRASE).public.ed25519 == public.ed25519
    with pytest.raises(OperationError, match="there already"):
        make_key(path, PASSPHRASE)


def test_a_short_or_wrong_passphrase_is_refused(tmp_path):
    with pytest.raises(OperationError, match="passphrase has 5 characters"):
        make_key(tmp_path / "model.pem", b"short")
    make_key(tmp_path / "model.pem", PASSPHRASE)
    for wrong in (b"another passphrase than that", b""):
        with pytest.raises(OperationError, match="no key that this passphrase opens"):
            open_key(tmp_path / "model.pem", wrong)


@pytest.mark.parametrize("data", [b"", b"{}", b'{"ed25519": "short"}', b"\xff"])
def test_a_file_that_is_no_public_key_is_named(tmp_path, data):
    (tmp_path / "x.pub").write_bytes(data)
    with pytest.raises(OperationError, match=r"x\.pub"):
        read_public(tmp_path / "x.pub")


def test_a_root_without_a_key_for_every_role_is_not_made(keyring):
    keys = {"root": [keyring.signers["root"].public]}
    with pytest.raises(OperationError, match="role application has no key"):
        first_root(keys, {}, created=CREATED, days=10)


def test_the_last_key_of_a_role_cannot_be_revoked(keyring):
    _, root = read_root(keyring.root_file)
    with pytest.raises(OperationError, match=r"root 2: .*roles.model.keys"):
        next_root(root, Change({}, [root.roles.model.keys[0]], {}), created=CREATED, days=10)


def test_a_key_that_the_root_does_not_name_cannot_be_revoked(keyring):
    _, root = read_root(keyring.root_file)
    with pytest.raises(OperationError, match="0 keys of root 1 begin so"):
        next_root(root, Change({}, ["not-hex"], {}), created=CREATED, days=10)


def test_a_root_key_cannot_be_given_another_role(keyring):
    _, root = read_root(keyring.root_file)
    with pytest.raises(OperationError, match="a root key also signs for role model"):
        next_root(root, Change({"model": [keyring.signers["root"].public]}, [], {}), created=CREATED, days=10)


def test_a_missing_root_in_between_is_noticed_before_a_gateway_does(keyring):
    signed, _ = read_root(keyring.root_file)
    write_root(keyring.roots / "3.json", signed, [])
    with pytest.raises(OperationError, match=r"2\.json is missing"):
        read_roots(keyring.roots)
