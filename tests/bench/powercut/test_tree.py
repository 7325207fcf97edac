"""A disk with folders in folders: only what was synced, name by name, is sure to be there."""

import random
from pathlib import Path

import pytest

from bench.powercut.recording import Kind, Step
from bench.powercut.tree import Tree

SYNC_FOLDER, SYNC_SUB, SYNC_FILE = (
    Step(Kind.SYNC_FOLDER, 1, 0, b""),
    Step(Kind.SYNC_FOLDER, 50, 0, b""),
    Step(Kind.SYNC, 51, 0, b""),
)
WRITTEN = [
    Step(Kind.MAKE_FOLDER, 50, 0, b"sub"),
    Step(Kind.CREATE, 51, 0, b"sub/file"),
    Step(Kind.WRITE, 51, 0, b"content"),
]
LINKED = [Step(Kind.LINK, 60, 0, b"new\0.link"), Step(Kind.RENAME, 60, 0, b".link\0link")]


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    before = tmp_path / "before"
    before.mkdir()
    (before / "link").symlink_to("old")
    made = Tree(before)
    made._nodes[1] = made._root
    return made


def left(tree: Tree, tmp_path: Path, read) -> set[object]:
    """What is found after many cuts."""
    found = set()
    for seed in range(60):
        folder = tmp_path / f"after-{seed}"
        folder.mkdir()
        tree.cut(folder, random.Random(seed))  # noqa: S311 - chance, not a secret
        found.add(read(folder))
    return found


def content(folder: Path) -> bytes | None:
    file = folder / "sub/file"
    return file.read_bytes() if file.exists() else None


def target(folder: Path) -> str:
    return str((folder / "link").readlink())


def test_what_is_synced_up_to_the_root_is_there(tree: Tree, tmp_path: Path) -> None:
    tree.replay([*WRITTEN, SYNC_FILE, SYNC_SUB, SYNC_FOLDER])
    assert left(tree, tmp_path, content) == {b"content"}


@pytest.mark.parametrize("missing", [SYNC_FILE, SYNC_SUB, SYNC_FOLDER])
def test_without_one_of_the_syncs_it_may_be_gone(tree: Tree, tmp_path: Path, missing: Step) -> None:
    tree.replay([*WRITTEN, *(step for step in (SYNC_FILE, SYNC_SUB, SYNC_FOLDER) if step is not missing)])
    found = left(tree, tmp_path, content)
    assert b"content" in found
    assert found & {None, b""}


def test_a_link_that_is_replaced_is_the_old_or_the_new_one(tree: Tree, tmp_path: Path) -> None:
    tree.replay(LINKED)
    assert left(tree, tmp_path, target) == {"old", "new"}


def test_a_link_whose_folder_is_synced_is_the_new_one(tree: Tree, tmp_path: Path) -> None:
    tree.replay([*LINKED, SYNC_FOLDER])
    assert left(tree, tmp_path, target) == {"new"}


def test_a_folder_that_is_removed_may_be_half_there(tree: Tree, tmp_path: Path) -> None:
    tree.replay([*WRITTEN, SYNC_FILE, SYNC_SUB, SYNC_FOLDER])
    tree.replay([Step(Kind.UNLINK, 51, 0, b"sub/file"), Step(Kind.REMOVE_FOLDER, 50, 0, b"sub")])
    found = left(tree, tmp_path, lambda folder: ((folder / "sub").exists(), content(folder)))
    assert found == {(True, b"content"), (True, None), (False, None)}


def test_a_move_between_folders_is_refused_rather_than_guessed(tree: Tree) -> None:
    tree.replay(WRITTEN)
    with pytest.raises(ValueError, match="not modelled"):
        tree.replay([Step(Kind.RENAME, 51, 0, b"sub/file\0file")])
