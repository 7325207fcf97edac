"""What may come out of a signed archive, and what may not."""

import contextlib
import gzip
import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.updates.helpers import packed
from contract.manifest import Content
from device_agent.fleet.update.unpack import UnsafeError, unpack


def stated(content: bytes, *, files: int = 1, unpacked: int = 4) -> Content:
    return Content(sha256="0" * 64, size=len(content), unpacked_bytes=unpacked, files=files)


def archive(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz") as made:
        for member, data in members:
            member.size = len(data)
            made.addfile(member, io.BytesIO(data))
    return raw.getvalue()


def entry(name: str, kind: bytes = tarfile.REGTYPE, mode: int = 0o644, link: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.mode, member.linkname = kind, mode, link
    return member


def out(content: bytes, folder: Path, **figures: int) -> list[str]:
    folder.mkdir(exist_ok=True)
    unpack(io.BytesIO(content), folder, stated(content, **figures))
    return sorted(str(each.relative_to(folder)) for each in folder.rglob("*"))


@pytest.fixture
def inside(tmp_path: Path) -> Path:
    return tmp_path / "inside"


def test_plain_files_and_folders_come_out_as_they_are(inside: Path) -> None:
    program = entry("bin/run", mode=0o700)
    content = archive((entry("bin", tarfile.DIRTYPE, 0o755), b""), (program, b"#!x\n"), (entry("./a/b/c"), b""))
    assert out(content, inside, files=2) == ["a", "a/b", "a/b/c", "bin", "bin/run"]
    assert (inside / "bin/run").stat().st_mode & 0o777 == 0o755
    assert (inside / "a/b/c").stat().st_mode & 0o777 == 0o644


DECEIVING = ["/etc/x", "../x", "a/../../x", "a//x", "..", ".", "", "a/./x", "a\\..\\x", "a\nb", "\u202ex"]


@pytest.mark.parametrize("name", [*DECEIVING, "x" * 256, "/".join("a" * 17)])
def test_a_path_that_leads_out_or_deceives_is_refused(inside: Path, name: str) -> None:
    with pytest.raises(UnsafeError):
        out(archive((entry(name), b"1234")), inside)
    assert {each.name for each in inside.parent.iterdir()} == {"inside"}


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_links_devices_and_pipes_are_refused(inside: Path, kind: bytes) -> None:
    with pytest.raises(UnsafeError, match="neither a plain file nor a folder"):
        out(archive((entry("x", kind, link="/etc/passwd"), b"")), inside)


def test_a_file_below_a_link_never_leaves_the_folder(inside: Path) -> None:
    content = archive((entry("x", tarfile.SYMTYPE, link="/tmp"), b""), (entry("x/y"), b"1234"))
    with pytest.raises(UnsafeError):
        out(content, inside)


@pytest.mark.parametrize("mode", [0o4755, 0o2755, 0o1755])
def test_privileged_bits_are_refused(inside: Path, mode: int) -> None:
    with pytest.raises(UnsafeError, match="set-user-id"):
        out(archive((entry("x", mode=mode), b"1234")), inside)


ALIKE = [("x", "x"), ("x", "X"), ("caf\u00e9", "cafe\u0301"), ("a/x", "A/y"), ("x", "x/y"), ("x/y", "x")]


@pytest.mark.parametrize(("first", "second"), ALIKE)
def test_a_name_that_some_file_system_takes_for_another_is_refused(inside: Path, first: str, second: str) -> None:
    with pytest.raises(UnsafeError, match="twice"):
        out(archive((entry(first), b"12"), (entry(second), b"34")), inside, files=2)


def bomb_of_bytes() -> bytes:
    return packed({"x": bytes(50 << 20)})


def bomb_of_files() -> bytes:
    return packed({f"{number}": b"" for number in range(3000)})


def bomb_of_folders() -> bytes:
    return archive(*[(entry(f"{number}", tarfile.DIRTYPE, 0o755), b"") for number in range(3000)])


def bomb_of_headers() -> bytes:
    member = tarfile.TarInfo("x")
    member.pax_headers = {"comment": "x" * (8 << 20)}
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz", format=tarfile.PAX_FORMAT) as made:
        made.addfile(member, io.BytesIO())
    return raw.getvalue()


def bomb_after_the_end() -> bytes:
    return packed({"x": b"1234"}) + gzip.compress(bytes(50 << 20))


@pytest.mark.parametrize("bomb", [bomb_of_bytes, bomb_of_files, bomb_of_folders, bomb_of_headers])
def test_a_bomb_is_refused_within_what_the_manifest_states(inside: Path, bomb: Callable[[], bytes]) -> None:
    with pytest.raises(UnsafeError):
        out(bomb(), inside)
    assert sum(each.stat().st_size for each in inside.rglob("*") if each.is_file()) <= 4
    assert len(list(inside.rglob("*"))) <= 25


def test_what_follows_the_end_of_an_archive_is_never_unpacked(inside: Path) -> None:
    assert out(bomb_after_the_end(), inside) == ["x"]


@pytest.mark.parametrize("figures", [{"files": 2}, {"unpacked": 5}, {"unpacked": 3}, {"files": 0}])
def test_other_figures_than_stated_are_refused(inside: Path, figures: dict[str, int]) -> None:
    with pytest.raises(UnsafeError):
        out(packed({"x": b"1234"}), inside, **figures)


@given(st.binary(max_size=200), st.integers(0, 400))
def test_no_bytes_at_all_make_it_do_anything_but_refuse(tmp_path_factory, noise: bytes, at: int) -> None:
    good = packed({"x": b"1234"})
    content = good[:at] + noise + good[at + len(noise) :]
    folder = tmp_path_factory.mktemp("noise")
    with contextlib.suppress(UnsafeError):
        unpack(io.BytesIO(content), folder, stated(content))
    files = [each for each in folder.rglob("*") if each.is_file()]
    assert len(files) <= 1
    assert sum(each.lstat().st_size for each in files) <= 4
    assert not any(each.is_symlink() for each in folder.rglob("*"))
