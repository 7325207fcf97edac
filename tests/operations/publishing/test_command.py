import json
import shutil
from pathlib import Path

import pytest

from thresher.cli import main

ROOT = Path(__file__).parents[3]


def test_our_recipes_are_clean(capsys):
    assert main(["components", "lint", "--root", str(ROOT)]) == 0
    assert capsys.readouterr().out == ""


def test_a_bad_recipe_ends_with_1_and_its_place(tmp_path, capsys):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text((ROOT / "recipes" / "io.thresher.Gateway.yaml").read_text().replace("      run:", "      Run:"))
    assert main(["components", "lint", "--root", str(ROOT), str(recipe)]) == 1
    lines = capsys.readouterr().out.splitlines()
    number = recipe.read_text().splitlines().index("      Run:") + 1
    assert lines[0].startswith(f"{recipe}:{number}:7: error [key-case]")
    assert lines[1] == "  try: write `run`"


def test_warnings_can_be_allowed(tmp_path, capsys):
    recipe = tmp_path / "recipe.yaml"
    text = (ROOT / "recipes" / "io.thresher.EdgeModel.yaml").read_text()
    recipe.write_text(text.replace("run\n", "run\n        RequiresPrivilege: true\n"))
    assert main(["components", "lint", str(recipe)]) == 1
    assert main(["components", "lint", "--allow-warnings", str(recipe)]) == 0
    assert "[privilege]" in capsys.readouterr().out


def test_findings_as_json_are_one_object(tmp_path, capsys):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("[]\n")
    assert main(["components", "lint", "--json", str(recipe)]) == 1
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert said["errors"] == 1
    assert said["findings"][0]["rule"] == "wrong-type"


def test_staging_says_what_it_wrote(checkout, index, capsys):
    cache = checkout / "build" / "wheels"
    cache.mkdir(parents=True)
    shutil.copy(index.wheel, cache)
    arguments = ["--root", str(checkout), "--output", str(checkout / "build"), "--arch", "amd64", "--python", "3.11"]
    assert main(["components", "stage", *arguments, "--json"]) == 0
    staged = json.loads(capsys.readouterr().out.splitlines()[-1])["staged"]
    assert [one["component"] for one in staged] == ["io.example.Demo", "io.example.Other"]
    assert main(["components", "stage", *arguments]) == 0
    assert "io.example.Demo-amd64.zip" in capsys.readouterr().out


@pytest.mark.parametrize("option", ["--component", "--arch"])
def test_what_is_not_known_is_named_with_what_is(checkout, option, capsys):
    assert main(["components", "stage", "--root", str(checkout), option, "elsewhere"]) == 1
    assert "try: one of" in capsys.readouterr().err
