import json
import os
import shutil
import zipfile
from pathlib import Path

import pytest

from operations.publishing.errors import StagingError
from operations.publishing.stage import stage
from tests.operations.publishing.checkout import make_checkout, make_wheel, sha256


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_component_is_staged_for_gdk_and_for_a_nucleus_without_a_cloud(order, index):
    (staged,) = stage(order(), fetch=index)
    build = order().output
    assert sorted(path.name for path in (build / "gdk" / "io.example.Demo").iterdir()) == [
        "gdk-config.json",
        "gdk_build.py",
        "io.example.Demo-amd64.zip",
        "recipe.yaml",
    ]
    local = build / "local"
    assert (local / "recipes" / "io.example.Demo-1.0.0.yaml").is_file()
    archive = local / "artifacts" / "io.example.Demo" / "1.0.0" / "io.example.Demo-amd64.zip"
    assert sha256(archive) == staged.sha256


def test_staging_twice_gives_the_same_bytes_without_asking_for_a_wheel_again(order, index):
    stage(order(), fetch=index)
    first = snapshot(order().output)
    stage(order(), fetch=index)
    assert snapshot(order().output) == first
    assert index.asked == ["grain amd64"]


def test_another_checkout_with_other_times_gives_the_same_bytes(order, index, tmp_path):
    stage(order(), fetch=index)
    other = make_checkout(tmp_path / "elsewhere" / "deeper", index.wheel)
    for path in other.rglob("*.py"):
        os.utime(path, (1, 1))
    (other / "ours" / "__pycache__").mkdir()
    (other / "ours" / "__pycache__" / "junk.pyc").write_bytes(b"junk")
    stage(order(root=other, output=other / "build"), fetch=index)
    assert snapshot(other / "build") == snapshot(order().output)


def test_an_archive_holds_what_its_manifest_names_and_nothing_by_accident(order, index):
    stage(order(), fetch=index)
    with zipfile.ZipFile(order().output / "gdk" / "io.example.Demo" / "io.example.Demo-amd64.zip") as archive:
        assert archive.namelist() == sorted(
            ["__main__.py", "main.py", "manifest.json", "tree/ours/__init__.py", "wheels/grain-1.2-py3-none-any.whl"]
        )
        manifest = json.loads(archive.read("manifest.json"))
    assert manifest["pythons"] == {
        "3.11": [{"file": "wheels/grain-1.2-py3-none-any.whl", "sha256": sha256(index.wheel)}]
    }


def test_a_staged_recipe_has_the_version_asked_for_and_only_the_architectures_built(order, index):
    stage(order(version="2.3.4"), fetch=index)
    text = (order().output / "local" / "recipes" / "io.example.Demo-2.3.4.yaml").read_text()
    assert text.startswith("# what the demonstration is\n")
    assert 'ComponentVersion: "2.3.4"' in text
    assert "amd64" in text
    assert "aarch64" not in text


def test_a_wheel_that_the_lock_file_does_not_know_is_never_packed(order, index, tmp_path):
    index.wheel = make_wheel(tmp_path / "index", what="rye")
    with pytest.raises(StagingError, match=r"grain 1\.2: no wheel"):
        stage(order(), fetch=index)


def test_a_wheel_spoilt_in_the_cache_is_fetched_again(order, index):
    stage(order(), fetch=index)
    cached = order().output / "wheels" / index.wheel.name
    cached.write_bytes(cached.read_bytes() + b"spoilt")
    stage(order(), fetch=index)
    assert sha256(cached) == sha256(index.wheel)


def test_the_bill_of_materials_names_every_wheel_and_the_archive_by_digest(order, index):
    (staged,) = stage(order(), fetch=index)
    bill = json.loads((order().output / "sbom" / "io.example.Demo-1.0.0-amd64.cdx.json").read_text())
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert bill["metadata"]["component"]["hashes"] == [{"alg": "SHA-256", "content": staged.sha256}]
    assert [part["purl"] for part in bill["components"]] == ["pkg:pypi/grain@1.2"]


def test_what_a_component_does_not_require_is_not_in_its_archive(order, index):
    (staged,) = stage(order(names=("io.example.Other",)), fetch=index)
    assert staged.wheel_bytes == 0
    assert index.asked == []


def test_a_missing_source_is_named_with_its_remedy(order, index, checkout):
    shutil.rmtree(checkout / "components")
    with pytest.raises(StagingError, match=r"main\.py: there is no such file"):
        stage(order(), fetch=index)


def test_an_architecture_without_a_manifest_is_named(order, index, checkout):
    recipe = checkout / "recipes" / "io.example.Demo.yaml"
    recipe.write_text(recipe.read_text().replace("architecture: amd64", "architecture: arm"))
    with pytest.raises(StagingError, match="no manifest for amd64"):
        stage(order(), fetch=index)
