import json
import threading

import pytest

from thresher.cli import main

RECIPE = """
RecipeFormatVersion: "2020-01-25"
ComponentName: com.example.Hello
ComponentVersion: "{version}"
Manifests:
- Platform: {{os: linux, runtime: "*"}}
  Lifecycle: {{{lifecycle}}}
"""


@pytest.fixture
def recipes(tmp_path):
    folder = tmp_path / "recipes"
    folder.mkdir()
    for version, lifecycle in (("1.0.0", "run: exit 0"), ("2.0.0", "install: exit 7, run: exit 0")):
        text = RECIPE.format(version=version, lifecycle=lifecycle)
        (folder / f"com.example.Hello-{version}.yaml").write_text(text, encoding="utf-8")
    return folder


def run(tmp_path, recipes, version):
    arguments = ["--recipes", str(recipes), "--component", f"com.example.Hello={version}"]
    return main(["nucleus", "run", "--root", str(tmp_path / "r"), *arguments, "--seconds", "0", "--json"])


def test_run_ends_with_one_object_on_the_last_line(tmp_path, recipes, capsys):
    assert threading.current_thread() is threading.main_thread()
    assert run(tmp_path, recipes, "1.0.0") == 0
    out = capsys.readouterr().out.splitlines()
    found = json.loads(out[-1])
    assert found["components"]["com.example.Hello"] == {"version": "1.0.0", "state": "FINISHED", "starts": 1}
    assert len(out) == 1


def test_a_deployment_that_fails_is_an_error_with_a_remedy(tmp_path, recipes, capsys):
    assert run(tmp_path, recipes, "2.0.0") == 1
    err = capsys.readouterr().err
    assert "error: deployment FAILED_ROLLBACK_COMPLETE: com.example.Hello: install failed with exit code 7" in err
    assert "\ntry: " in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["status"], "no nucleus answers in"),
        (["deploy", "com.example.Hello"], "is no component"),
        (["logs", "com.example.Hello"], "no such log"),
        (["run", "--broker", "nowhere"], "--broker nowhere"),
        (["deploy", "--configuration", "none.json"], "none.json"),
    ],
)
def test_what_cannot_be_done_says_what_to_try(tmp_path, capsys, words, said):
    (tmp_path / "r").mkdir()
    assert main(["nucleus", *words, "--root", str(tmp_path / "r")]) in (1, 2)
    err = capsys.readouterr().err
    assert said in err
    assert "\ntry: " in err


def test_the_faults_are_listed_without_a_nucleus(capsys):
    assert main(["nucleus", "fault", "list"]) == 0
    assert "drop-subscriptions" in capsys.readouterr().out
