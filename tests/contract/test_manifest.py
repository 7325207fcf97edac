import io
import tarfile
from pathlib import PurePosixPath

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contract.bundle import END, header, padding
from contract.manifest import Manifest, Name, RelativePath, Version, Word
from contract.versions import precedence

ORDER = [
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-alpha.beta",
    "1.0.0-beta",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0-rc.1",
]
"""Semantic Versioning 2.0, clause 11.4.4."""


def decoded(text, form):
    try:
        return msgspec.json.decode(msgspec.json.encode(text), type=form)
    except msgspec.ValidationError:
        return None


@given(st.text(), st.sampled_from([Name, Version]))
@example("..", Name)
@example("a/b", Name)
@example("a\n", Name)
@example("1.0.0-..", Version)
@example("1.0.0\n", Version)
def test_what_becomes_a_part_of_a_path_is_one_segment_of_it(text, form):
    if decoded(text, form) is not None:
        assert PurePosixPath("base", text).parts == ("base", text)
        assert text not in {".", ".."}
        assert text.isprintable()


@given(st.from_regex(r"[a-z./\n ~-]{0,12}"))
@example("../x")
@example("a/../x")
@example("/x")
@example("a//b")
@example("a/.")
def test_a_command_lies_in_its_release(text):
    if decoded(text, RelativePath) is not None:
        assert not PurePosixPath(text).is_absolute()
        assert ".." not in PurePosixPath(text).parts
        assert str(PurePosixPath(text)) == text


@given(st.text(max_size=8))
def test_a_word_has_no_space_and_no_end_of_line(text):
    if decoded(text, Word) is not None:
        assert text == "".join(text.split())


def test_versions_are_ordered_as_semantic_versioning_does():
    every = [*ORDER, "1.0.0", "1.0.1", "1.2.0", "1.10.0", "2.0.0"]
    by_letters = sorted(every)
    assert sorted(by_letters, key=precedence) == every
    assert precedence("1.0.0+build.1") == precedence("1.0.0+build.2")


@pytest.mark.parametrize("text", ["1", "1.0", "1.0.0.0", "01.0.0", "1.0.0-", "v1.0.0", "1.0.0 ", "1.0.0-a_b"])
def test_what_is_no_version_is_none(text):
    assert decoded(text, Version) is None


def test_two_contents_of_one_version_lie_in_two_folders():
    fields = {
        "format": 1,
        "kind": "model",
        "name": "level",
        "version": "1.0.0",
        "counter": 1,
        "created": "2026-11-24T12:00:00Z",
        "expires": "2026-11-25T12:00:00Z",
    }
    contents = [{"sha256": digit * 64, "size": 1, "unpackedBytes": 1, "files": 1} for digit in "ab"]
    folders = {msgspec.convert({**fields, "content": content}, Manifest, strict=False).folder() for content in contents}
    assert folders == {"1.0.0-aaaaaaaaaaaa", "1.0.0-bbbbbbbbbbbb"}


def test_a_part_is_what_any_tar_reads():
    raw = header("roots/12.json", 5) + b"12345" + padding(5) + END
    with tarfile.open(fileobj=io.BytesIO(raw)) as archive:
        (member,) = archive.getmembers()
        assert (member.name, member.size, member.isreg(), member.mtime, member.mode) == (
            "roots/12.json",
            5,
            True,
            0,
            0o644,
        )
        assert archive.extractfile(member).read() == b"12345"
