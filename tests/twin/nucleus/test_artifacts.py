import hashlib
import stat
import zipfile

import pytest

from twin.errors import TwinError
from twin.nucleus import artifacts
from twin.nucleus.recipe import Artifact, Recipe


@pytest.fixture
def store(tmp_path):
    folder = tmp_path / "given" / "a.App" / "1.0.0"
    folder.mkdir(parents=True)
    (folder / "tool.sh").write_text("echo", encoding="utf-8")
    with zipfile.ZipFile(folder / "app.zip", "w") as archive:
        archive.writestr("main.py", "print(1)")
        archive.writestr("deep/er.txt", "x")
    return folder


def prepare(store, tmp_path, *files, runtime="classic"):
    artifacts.take(store.parents[1], tmp_path / "root")
    recipe = Recipe(name="a.App", version="1.0.0", artifacts=files)
    artifacts.prepare(recipe, tmp_path / "root", runtime=runtime)


def test_an_archive_is_unpacked_under_its_name(store, tmp_path):
    prepare(store, tmp_path, Artifact(file="app.zip", unzip=True))
    unpacked = tmp_path / "root/packages/artifacts-unarchived/a.App/1.0.0/app"
    assert (unpacked / "main.py").read_text(encoding="utf-8") == "print(1)"
    assert (unpacked / "deep/er.txt").exists()


def test_the_lite_nucleus_unpacks_nothing_in_a_local_deployment(store, tmp_path):
    prepare(store, tmp_path, Artifact(file="app.zip", unzip=True), runtime="lite")
    assert list((tmp_path / "root/packages/artifacts-unarchived/a.App/1.0.0").iterdir()) == []
    assert (tmp_path / "root/packages/artifacts/a.App/1.0.0/app.zip").is_file()
    assert (tmp_path / "root/work/a.App").is_dir()


def test_what_an_older_archive_left_is_gone(store, tmp_path):
    old = tmp_path / "root/packages/artifacts-unarchived/a.App/1.0.0/app/old.txt"
    old.parent.mkdir(parents=True)
    old.touch()
    prepare(store, tmp_path, Artifact(file="app.zip", unzip=True))
    assert not old.exists()


def test_permissions_are_set(store, tmp_path):
    prepare(store, tmp_path, Artifact(file="tool.sh", read="ALL", execute="ALL"))
    mode = (tmp_path / "root/packages/artifacts/a.App/1.0.0/tool.sh").stat().st_mode
    assert stat.S_IMODE(mode) == 0o755


def test_a_file_that_is_not_there_or_another_one_fails_the_component(store, tmp_path):
    with pytest.raises(TwinError, match=r"no artifact other.zip"):
        prepare(store, tmp_path, Artifact(file="other.zip"))
    right = hashlib.sha256(b"echo").digest()
    prepare(store, tmp_path, Artifact(file="tool.sh", digest=right))
    with pytest.raises(TwinError, match="not what the recipe's Digest says"):
        prepare(store, tmp_path, Artifact(file="app.zip", digest=right))


@pytest.mark.parametrize("name", ["../../evil", "/etc/evil"])
def test_an_archive_never_writes_outside_its_folder(store, tmp_path, name):
    with zipfile.ZipFile(store / "bad.zip", "w") as archive:
        archive.writestr(name, "x")
    with pytest.raises(TwinError, match="leads outside"):
        prepare(store, tmp_path, Artifact(file="bad.zip", unzip=True))


def test_a_link_in_an_archive_is_refused(store, tmp_path):
    with zipfile.ZipFile(store / "bad.zip", "w") as archive:
        link = zipfile.ZipInfo("link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(TwinError, match="leads outside"):
        prepare(store, tmp_path, Artifact(file="bad.zip", unzip=True))


def test_what_is_no_archive_is_named(store, tmp_path):
    with pytest.raises(TwinError, match=r"tool.sh"):
        prepare(store, tmp_path, Artifact(file="tool.sh", unzip=True))
