"""gdk's contract, as its sources state it (aws-greengrass-gdk-cli 1.6.2), against what is staged and at the root.

gdk itself is run only where it happens to be installed: it is in no package registry.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from operations.publishing import catalogue
from operations.publishing.stage import stage

ROOT = Path(__file__).parents[3]
PYTHON = shutil.which("python3") or sys.executable
GDK = shutil.which("gdk")


def gdk_recipe(project: Path) -> Path:
    """``GDKProject._get_recipe_file``: exactly one of two names, in the working folder, resolved."""
    found = [project / name for name in ("recipe.json", "recipe.yaml") if (project / name).is_file()]
    assert len(found) == 1
    return found[0].resolve()


def gdk_build(project: Path) -> tuple[Path, Path]:
    """``BuildCommand`` with a custom build: two folders, the command, nothing else. Gives recipe and artifacts."""
    config = json.loads((project / "gdk-config.json").read_text())
    assert len(config["component"]) == 1
    ((name, said),) = config["component"].items()
    build = project / "greengrass-build"
    shutil.rmtree(build, ignore_errors=True)
    artifacts = build / "artifacts" / name / said["version"]
    artifacts.mkdir(parents=True)
    (build / "recipes").mkdir()
    assert said["build"]["build_system"] == "custom"
    command, *rest = said["build"]["custom_build_command"]
    assert command == "python3"
    subprocess.run([PYTHON, *rest], cwd=project, check=True, timeout=60)
    return build / "recipes" / gdk_recipe(project).name, artifacts


def gdk_publish(recipe: Path, artifacts: Path, *, bucket: str) -> dict:
    """``PublishRecipeTransformer``: an artifact in the build folder gets the bucket's address."""
    document = yaml.safe_load(recipe.read_text())
    name, version = document["ComponentName"], artifacts.name
    assert artifacts.parent.name == name
    document["ComponentVersion"] = version
    for manifest in document["Manifests"]:
        for artifact in manifest["Artifacts"]:
            file = Path(artifact["Uri"]).name
            assert len(list(artifacts.glob(file))) == 1
            artifact["Uri"] = f"s3://{bucket}/{name}/{version}/{file}"
    return document


def test_a_staged_folder_builds_and_publishes_with_gdk_alone(order, index):
    stage(order(), fetch=index)
    project = order().output / "gdk" / "io.example.Demo"
    recipe, artifacts = gdk_build(project)
    published = gdk_publish(recipe, artifacts, bucket="example-eu-central-1-0")
    (manifest,) = published["Manifests"]
    assert manifest["Artifacts"] == [
        {"Uri": "s3://example-eu-central-1-0/io.example.Demo/1.0.0/io.example.Demo-amd64.zip"}
    ]


def test_the_build_script_runs_under_a_python_that_has_nothing_installed(order, index):
    stage(order(), fetch=index)
    project = order().output / "gdk" / "io.example.Demo"
    done = subprocess.run([PYTHON, "-I", "gdk_build.py"], cwd=project, check=False, timeout=60)
    assert done.returncode == 0


def test_at_the_root_the_recipe_is_built_under_the_name_its_link_leads_to(order, index, checkout):
    stage(order(), fetch=index)
    command = checkout / ".venv" / "bin" / "thresher"
    command.parent.mkdir(parents=True)
    command.write_text("#!/bin/sh\nexit 0\n")
    command.chmod(0o755)
    shutil.copy(order().output / "gdk" / "io.example.Demo" / "gdk_build.py", checkout)
    recipe, artifacts = gdk_build(checkout)
    assert recipe.name == "io.example.Demo.yaml"
    assert [path.name for path in artifacts.iterdir()] == ["io.example.Demo-amd64.zip"]


def test_without_an_environment_the_root_build_says_what_to_do(checkout, order, index):
    stage(order(), fetch=index)
    shutil.copy(order().output / "gdk" / "io.example.Demo" / "gdk_build.py", checkout)
    done = subprocess.run(
        [PYTHON, "gdk_build.py"], cwd=checkout, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 1
    assert "try: make setup" in done.stderr


def test_our_own_root_is_a_gdk_project_of_one_component_whose_recipe_is_linked():
    config = json.loads((ROOT / "gdk-config.json").read_text())
    assert list(config["component"]) == ["io.thresher.Gateway"]
    assert gdk_recipe(ROOT) == ROOT / "recipes" / "io.thresher.Gateway.yaml"
    (command, script) = config["component"]["io.thresher.Gateway"]["build"]["custom_build_command"]
    assert command == "python3"
    assert (ROOT / script).is_file()


def test_our_own_root_lists_every_component_that_has_a_recipe():
    made = catalogue.load(ROOT)
    assert sorted(made.components) == sorted(path.stem for path in (ROOT / "recipes").glob("*.yaml"))
    name, primary = made.primary
    assert yaml.safe_load((ROOT / "recipes" / f"{name}.yaml").read_text())["ComponentVersion"] == primary.version


@pytest.mark.skipif(GDK is None, reason="gdk is not installed")
def test_gdk_itself_builds_a_staged_folder(order, index):
    stage(order(), fetch=index)
    project = order().output / "gdk" / "io.example.Demo"
    subprocess.run([GDK, "component", "build"], cwd=project, check=True, timeout=120)
    assert (project / "greengrass-build" / "recipes" / "recipe.yaml").is_file()
