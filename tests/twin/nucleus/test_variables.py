from pathlib import Path

import pytest

from twin.nucleus.document import RecipeError
from twin.nucleus.variables import Scope, expand, look_up

CONFIGURATION = {"com.example.A": {"port": 8080, "deep": {"a/b": "x$y"}, "list": [1, 2]}, "com.example.B": {"k": "v"}}
SCOPE = Scope(
    root=Path("/gg"),
    component="com.example.A",
    version="1.0.0",
    thing="oven-7",
    version_of={"com.example.B": "2.0.0"}.get,
    configuration=lambda name: CONFIGURATION.get(name, {}),
)


@pytest.mark.parametrize(
    ("text", "classic", "lite"),
    [
        (
            "{artifacts:path}",
            "/gg/packages/artifacts/com.example.A/1.0.0",
            "/gg/packages/artifacts/com.example.A/1.0.0/",
        ),
        (
            "{artifacts:decompressedPath}/z",
            "/gg/packages/artifacts-unarchived/com.example.A/1.0.0/z",
            "/gg/packages/artifacts-unarchived/com.example.A/1.0.0//z",
        ),
        ("{work:path}", "/gg/work/com.example.A", "/gg/work/com.example.A/"),
        ("{kernel:rootPath} {iot:thingName}", "/gg oven-7", "/gg oven-7"),
        ("{configuration:/port}", "8080", "8080"),
        ("{configuration:/deep/a~1b}", "x$y", r"x\$y"),
        ("{configuration:/list}", "[1,2]", "[1,2]"),
    ],
)
def test_variables_become_what_each_nucleus_makes_of_them(text, classic, lite):
    assert expand(text, SCOPE, "classic") == classic
    assert expand(text, SCOPE, "lite") == lite


def test_the_variables_of_a_dependency_are_for_the_classic_nucleus_only():
    text = "{com.example.B:configuration:/k} {com.example.B:artifacts:path} {com.example.C:artifacts:path}"
    expected = "v /gg/packages/artifacts/com.example.B/2.0.0 {com.example.C:artifacts:path}"
    assert expand(text, SCOPE, "classic") == expected
    with pytest.raises(RecipeError):
        expand(text, SCOPE, "lite")


@pytest.mark.parametrize("text", ["echo ${HOME}", "{ a; b; }", "{configuration:/none}", "{artifacts:nothing}", "{open"])
def test_what_is_no_variable_stays_under_classic_and_is_an_error_under_lite(text):
    assert expand(text, SCOPE, "classic") == text
    with pytest.raises(RecipeError) as caught:
        expand(text, SCOPE, "lite")
    assert "write $X without braces" in caught.value.remedy


def test_a_value_that_no_shell_reads_is_not_escaped():
    assert expand("{configuration:/deep/a~1b}", SCOPE, "lite", quoted=True) == "x$y"


def test_a_pointer_that_leads_nowhere_is_nothing():
    assert look_up({"a": [1]}, "/a/5") is None
    assert look_up({"a": [1]}, "/a/0") == 1
    assert look_up({"a": 1}, "") == {"a": 1}
