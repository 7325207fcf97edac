"""Each nucleus reads a recipe as strictly, or as laxly, as its real counterpart."""

import base64
import contextlib
import hashlib
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.twin.nucleus.recipes import recipe
from twin.errors import TwinError
from twin.nucleus.document import RecipeError
from twin.nucleus.recipe import Dependency
from twin.nucleus.recipe_reader import architecture, parse

BOTH = pytest.mark.parametrize("runtime", ["classic", "lite"])


def read(data, runtime, source="r.json"):
    return parse(data, source, runtime=runtime)


@BOTH
def test_steps_artifacts_defaults_and_dependencies_are_read(runtime):
    digest = base64.b64encode(hashlib.sha256(b"x").digest()).decode()
    found = read(
        recipe(
            lifecycle={
                "Setenv": {"A": "1"},
                "install": {"Script": "true", "Timeout": 600, "RequiresPrivilege": "true"},
                "run": {"Script": "main", "Setenv": {"B": "2"}},
            },
            Artifacts=[
                {"Uri": "s3://B/x/1/my.zip", "Unarchive": "ZIP", "Digest": digest, "Permission": {"Read": "ALL"}}
            ],
            ComponentConfiguration={"DefaultConfiguration": {"Mode": "fast"}},
            ComponentDependencies={"com.example.Other": {"VersionRequirement": "^1.0.0", "DependencyType": "SOFT"}},
        ),
        runtime,
    )
    assert found.environment == {"A": "1"}
    assert found.steps["install"].timeout_s == 600
    assert found.steps["install"].privileged
    assert found.steps["run"].environment == {"B": "2"}
    assert (found.artifacts[0].file, found.artifacts[0].unzip, found.artifacts[0].read) == ("my.zip", True, "ALL")
    assert found.artifacts[0].digest == hashlib.sha256(b"x").digest()
    assert found.defaults == {"Mode": "fast"}
    assert found.dependencies == {"com.example.Other": Dependency(requirement="^1.0.0", hard=False)}


def test_lite_refuses_a_step_in_the_wrong_case_and_says_how_to_spell_it():
    with pytest.raises(RecipeError, match="at least 1 valid lifecycle step") as caught:
        read(recipe(lifecycle={"Run": {"Script": "main"}}), "lite")
    assert "`Run` in lower case" in caught.value.remedy
    assert read(recipe(lifecycle={"Run": {"SCRIPT": "main"}}), "classic").steps["run"].script == "main"


def test_lite_refuses_a_script_in_the_wrong_case():
    with pytest.raises(RecipeError, match="no `Script`") as caught:
        read(recipe(lifecycle={"run": {"script": "main"}}), "lite")
    assert "not `script`" in caught.value.remedy


@pytest.mark.parametrize("platform", [{"os": "linux"}, {"os": "linux", "runtime": "aws_nucleus"}])
def test_lite_skips_a_manifest_that_does_not_name_its_runtime(platform):
    with pytest.raises(RecipeError, match="none is for linux"):
        read(recipe(platform=platform), "lite")
    assert read(recipe(platform=platform), "classic").steps


@BOTH
def test_the_first_manifest_that_fits_this_machine_wins(runtime):
    data = b"""
RecipeFormatVersion: 2020-01-25
ComponentName: com.example.Many
ComponentVersion: 1.0.0
Manifests:
- Platform: {os: windows, runtime: "*"}
  Lifecycle: {run: windows}
- Platform: {os: linux, architecture: another, runtime: "*"}
  Lifecycle: {run: another}
- Platform: {os: linux, architecture: %s, runtime: "*"}
  Lifecycle: {run: ours}
- Platform: {os: linux, runtime: "*"}
  Lifecycle: {run: later}
""" % architecture().encode()
    assert read(data, runtime, "r.yaml").steps["run"].script == "ours"


@BOTH
def test_a_global_lifecycle_is_taken_by_its_selection(runtime):
    data = recipe(lifecycle={}, Lifecycle={"all": {"run": "shared"}})
    assert read(data, runtime).steps["run"].script == "shared"


@BOTH
@pytest.mark.parametrize(
    ("more", "place"),
    [
        ({"name": "com example"}, "ComponentName"),
        ({"version": "1.0"}, "`1.0` is no version"),
        ({"lifecycle": {"run": {"Script": 5}}}, r"Manifests\[0\].Lifecycle.run.Script: expected text, found 5"),
        ({"lifecycle": {"run": {"Script": "x", "Timeout": "soon"}}}, "run.Timeout: expected a number of seconds"),
        (
            {"lifecycle": {"run": {"Script": "x", "RequiresPrivilege": "yes"}}},
            "RequiresPrivilege: expected true or false",
        ),
        ({"Artifacts": [{"Uri": "s3://b/k/a.tar", "Unarchive": "TAR"}]}, r"Artifacts\[0\].Unarchive"),
        ({"Artifacts": [{"uri": 1, "Uri": "s3://b/.."}]}, "names no file"),
        ({"ComponentDependencies": {"a.b": {"VersionRequirement": "latest"}}}, "`latest` is no version requirement"),
        ({"ComponentDependencies": {"a.b": {}}}, r"ComponentDependencies.a.b: no `VersionRequirement`"),
        ({"ComponentDescription": "x" * 17_000}, "bytes, more than"),
    ],
)
def test_what_is_wrong_is_named_with_its_place_and_a_remedy(more, place, runtime):
    with pytest.raises(Exception, match=place) as caught:
        read(recipe(**more), runtime)
    assert caught.value.remedy


def test_lite_takes_startup_alone_where_classic_refuses_both():
    data = recipe(lifecycle={"startup": "s", "run": "r"})
    assert set(read(data, "lite").steps) == {"startup"}
    with pytest.raises(RecipeError, match="both"):
        read(data, "classic")


def test_lite_ignores_the_steps_it_does_not_have():
    steps = {"run": {"Script": "x", "Skipif": "exists /"}, "shutdown": "s", "recover": "r"}
    assert set(read(recipe(lifecycle=steps), "lite").steps) == {"run"}
    assert read(recipe(lifecycle=steps), "lite").steps["run"].skip_if == ""
    assert set(read(recipe(lifecycle=steps), "classic").steps) == {"run", "shutdown", "recover"}


def test_a_platform_may_be_a_pattern_for_the_classic_nucleus_only():
    platform = {"os": "/darwin|linux/", "runtime": "*"}
    assert read(recipe(platform=platform), "classic").steps
    with pytest.raises(RecipeError):
        read(recipe(platform=platform), "lite")


@BOTH
def test_bytes_that_are_no_recipe_are_refused(runtime):
    for data in (b"\x00\xff", b"[]", b"{", b"5"):
        with pytest.raises(RecipeError):
            read(data, runtime)


WORDS = """
Manifests Platform os runtime Lifecycle run install Script Timeout Setenv Artifacts Uri Unarchive Permission Digest
Selections ComponentDependencies ComponentConfiguration DefaultConfiguration all a.B VersionRequirement manifests RUN
"""
KEYS = st.sampled_from(WORDS.split())
LEAVES = st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["linux", "*", "", ">=1.0.0", "ZIP", "/("])
DOCUMENTS = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)


@given(document=st.dictionaries(KEYS, DOCUMENTS, max_size=5), runtime=st.sampled_from(["classic", "lite"]))
@example(document={"Manifests": [{"Platform": {"runtime": "*"}, "Selections": 5}]}, runtime="lite")
@example(document={"Manifests": [{"Platform": {"runtime": "*", "os": "/(/"}}]}, runtime="classic")
@example(
    document={"Manifests": [{"Platform": {"runtime": "*"}, "Selections": ["all"]}], "Lifecycle": {"all": 1}},
    runtime="lite",
)
def test_no_document_is_more_than_a_recipe_or_an_error_of_the_twin(document, runtime):
    whole = {"ComponentName": "a.App", "ComponentVersion": "1.0.0", **document}
    with contextlib.suppress(TwinError):
        read(json.dumps(whole).encode(), runtime)
