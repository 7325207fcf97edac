"""A signer who is careless, robbed or hostile: what his bundle brings is checked too, on its way out of the archive.

Each bundle here is signed by the right key. Every single rule of unpacking is tested in ``update/test_unpack.py``.
"""

import gzip
import io
import stat
import tarfile

import pytest

from device_agent.fleet.trust import UntrustedError
from device_agent.fleet.update.unpack import UnsafeError, unpack
from tests.device_agent.fleet.trust.parts import carrying, content_start, flip


def archive(*members):
    """A ``content.tar.gz`` of entries: name, type, and where a link leads."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz") as tar:
        for name, kind, link in members:
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = kind, link
            tar.addfile(entry, io.BytesIO())
    return raw.getvalue()


def bring_out(world, bundle):
    """Verifies and unpacks, as an update does; returns the folder and the manifest."""
    found = world.take(bundle)
    inside = world.folder / "around" / "release"
    inside.mkdir(parents=True)
    with found.content() as stream:
        unpack(stream, inside, found.manifest.content)
    return inside


def outside(world):
    """Whatever lies beside the folder that was to be filled."""
    return [path for path in (world.folder / "around").iterdir() if path.name != "release"]


def test_a_good_bundle_brings_its_files(world):
    inside = bring_out(world, world.bundle(files={"a/b": b"one", "c": b"two"}))
    assert (inside / "a/b").read_bytes() == b"one"


@pytest.mark.parametrize("name", ["../escaped", "a/../../escaped", "/tmp/escaped", "a//b", "./../escaped"])
def test_a_path_that_leads_out_is_refused(world, name):
    with pytest.raises(UnsafeError):
        bring_out(world, carrying(world, archive((name, tarfile.REGTYPE, ""))))
    assert not outside(world)


def test_a_symbolic_link_that_leads_out_is_refused(world):
    content = archive(("a", tarfile.SYMTYPE, ".."), ("a/escaped", tarfile.REGTYPE, ""))
    with pytest.raises(UnsafeError):
        bring_out(world, carrying(world, content, files=2))
    assert not outside(world)


def test_a_hard_link_that_leads_out_is_refused(world):
    with pytest.raises(UnsafeError):
        bring_out(world, carrying(world, archive(("a", tarfile.LNKTYPE, "/etc/passwd"))))


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_a_device_or_a_pipe_is_refused(world, kind):
    with pytest.raises(UnsafeError):
        bring_out(world, carrying(world, archive(("a", kind, ""))))


def test_a_program_that_would_run_as_somebody_else_is_refused(world):
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz") as tar:
        entry = tarfile.TarInfo("a")
        entry.mode = stat.S_ISUID | 0o755
        tar.addfile(entry, io.BytesIO())
    with pytest.raises(UnsafeError):
        bring_out(world, carrying(world, raw.getvalue()))


def test_a_bomb_is_refused_before_it_fills_the_disk(world):
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz") as tar:
        entry = tarfile.TarInfo("zeros")
        entry.size = 64 * 1024**2
        tar.addfile(entry, io.BytesIO(bytes(entry.size)))
    bomb = carrying(world, raw.getvalue(), unpacked_bytes=1000)
    assert bomb.stat().st_size < 100_000
    with pytest.raises(UnsafeError):
        bring_out(world, bomb)
    assert sum(path.stat().st_size for path in (world.folder / "around").rglob("*") if path.is_file()) <= 1000


def test_an_archive_that_never_ends_is_refused(world):
    endless = carrying(world, gzip.compress(bytes(64 * 1024**2)), unpacked_bytes=1000)
    with pytest.raises(UnsafeError):
        bring_out(world, endless)


@pytest.mark.parametrize("place", [0, 60])
def test_what_came_out_of_bytes_that_were_swapped_after_the_check_is_never_used(world, place):
    bundle = world.bundle(files={"a": bytes(100_000)})
    found = world.take(bundle)
    flip(bundle, content_start(bundle) + place)
    inside = world.folder / "release"
    inside.mkdir()
    with pytest.raises(UntrustedError, match=r"^content"), found.content() as stream:
        unpack(stream, inside, found.manifest.content)
