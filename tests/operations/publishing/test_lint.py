"""A folder of recipes that are wrong in one way each, and one of recipes that are not.

A new case is a new folder: ``recipe.yaml`` (or ``.json``, or several ``recipe*``) and ``expected.json`` with every
finding; ``calls`` there names the operations that the component's code calls.
"""

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from operations.publishing.errors import StagingError
from operations.publishing.findings import ERRORS, WARNINGS, Finding
from operations.publishing.lint import lint

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
CASES = sorted(path for path in (HERE / "testcases").iterdir() if path.is_dir())
ACCEPTED = sorted((HERE / "accepted").iterdir())
BAD = "com.example.Bad"
SHAPES = {"access key": ("AKIA", "IOSFODNN7EXAMPLE"), "private key": ("-----BEGIN ", "PRIVATE KEY-----")}


def expected(case: Path) -> dict:
    return json.loads((case / "expected.json").read_text())


def findings(case: Path) -> list[dict]:
    calls = expected(case).get("calls")
    return places_of(lint(sorted(case.rglob("recipe*.*")), calls_of=None if calls is None else {BAD: frozenset(calls)}))


def places_of(found: list[Finding]) -> list[dict]:
    return [
        {
            "file": Path(one.path).name,
            "rule": one.rule,
            "severity": one.severity,
            "line": one.line,
            "column": one.column,
        }
        for one in found
    ]


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.name)
def test_a_bad_recipe_is_found_out_at_its_place(case):
    assert findings(case) == expected(case)["findings"]
    assert findings(case)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_key_is_found_by_its_shape_whatever_it_is_called(shape, tmp_path):
    """The key is put together here: none lies in a file, where others' scanners would find it."""
    text = (HERE / "testcases" / "secret-in-a-field" / "recipe.yaml").read_text()
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(text.replace("broker_password: hunter2", f"note: {''.join(SHAPES[shape])}"))
    place = {"file": "recipe.yaml", "rule": "secret", "severity": "error", "line": 15, "column": 11}
    assert places_of(lint([recipe])) == [place]


def test_every_rule_has_a_recipe_that_breaks_it():
    broken = {finding["rule"] for case in CASES for finding in expected(case)["findings"]}
    assert broken == {*ERRORS, *WARNINGS}


@pytest.mark.parametrize("path", ACCEPTED, ids=lambda path: path.name)
def test_the_shapes_of_public_examples_are_no_errors(path):
    assert [str(one) for one in lint([path]) if one.severity == "error"] == []


def test_every_finding_says_what_to_do():
    for case in CASES:
        for one in lint(sorted(case.rglob("recipe*.*"))):
            assert one.remedy
            assert one.message
            assert f":{one.line}:{one.column}: {one.severity} [{one.rule}]" in str(one)


def test_a_folder_without_recipes_is_an_error(tmp_path):
    with pytest.raises(StagingError, match="no recipe in it"):
        lint([tmp_path])


def test_every_rule_is_explained_to_whoever_publishes():
    text = (ROOT / "docs" / "publish.md").read_text()
    assert [rule for rule in (*ERRORS, *WARNINGS) if f"`{rule}`" not in text] == []


SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8), st.sampled_from(["*", "{a:b}", "${"]))
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
)


def places(value: object) -> list[tuple[object, object]]:
    """Every container below with each of its keys."""
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, one in below for place in ((value, key), *places(one))]


@given(data=st.data(), value=VALUES)
def test_whatever_stands_somewhere_in_a_recipe_is_found_or_passed_never_a_crash(tmp_path_factory, data, value):
    recipe = yaml.safe_load((ROOT / "recipes" / "io.thresher.Gateway.yaml").read_text())
    container, key = data.draw(st.sampled_from(places(recipe)))
    container[key] = value
    path = tmp_path_factory.getbasetemp() / "mutated.yaml"
    path.write_text(yaml.safe_dump(recipe, allow_unicode=True))
    lines = path.read_text().count("\n") + 1
    assert all(1 <= one.line <= lines and one.column >= 1 for one in lint([path]))


@given(text=st.text(max_size=200))
def test_any_text_at_all_is_a_finding_or_none(tmp_path_factory, text):
    for name in ("any.yaml", "any.json"):
        path = tmp_path_factory.getbasetemp() / name
        path.write_text(text, encoding="utf-8")
        assert lint([path])
