import pytest

from tests.twin.nucleus.recipes import needs, put
from twin.errors import TwinError
from twin.nucleus.document import RecipeError
from twin.nucleus.library import Library


@pytest.fixture(params=["classic", "lite"])
def library(request, tmp_path):
    return Library(tmp_path / "root", request.param)


def test_dependencies_come_first_hard_or_soft(library, tmp_path):
    put(tmp_path / "r", "a.App", ComponentDependencies={"a.Lib": needs(), "a.Data": needs(kind="SOFT")})
    put(tmp_path / "r", "a.Lib", "1.0.0", ComponentDependencies={"a.Data": needs("^1.0.0")})
    put(tmp_path / "r", "a.Data", "1.0.0")
    put(tmp_path / "r", "a.Data", "1.4.0")
    put(tmp_path / "r", "a.Data", "2.0.0")
    library.take(tmp_path / "r")
    found = library.resolve({"a.App": "1.0.0"})
    assert [(recipe.name, recipe.version) for recipe in found.values()] == [
        ("a.Data", "1.4.0"),
        ("a.Lib", "1.0.0"),
        ("a.App", "1.0.0"),
    ]


def test_a_component_that_is_not_there_is_named_with_what_is(library, tmp_path):
    put(tmp_path / "r", "a.App", "1.2.0")
    library.take(tmp_path / "r")
    with pytest.raises(RecipeError, match=r"a.App: no recipe for version 2.0.0; there: 1.2.0"):
        library.resolve({"a.App": "2.0.0"})


def test_components_of_the_nucleus_are_not_looked_for(library, tmp_path):
    put(tmp_path / "r", "a.App", ComponentDependencies={"aws.greengrass.Nucleus": needs(">=2.9.0", "SOFT")})
    library.take(tmp_path / "r")
    assert list(library.resolve({"a.App": "1.0.0"})) == ["a.App"]


def test_a_circle_is_refused(library, tmp_path):
    put(tmp_path / "r", "a.One", ComponentDependencies={"a.Two": needs()})
    put(tmp_path / "r", "a.Two", ComponentDependencies={"a.One": needs()})
    library.take(tmp_path / "r")
    with pytest.raises(TwinError, match="depend on each other"):
        library.resolve({"a.One": "1.0.0"})


def test_a_file_named_for_another_component_is_refused(library, tmp_path):
    put(tmp_path / "r", "a.One", "1.0.0")
    (tmp_path / "r/a.One-1.0.0.json").rename(tmp_path / "r/a.One-1.0.1.json")
    library.take(tmp_path / "r")
    with pytest.raises(RecipeError, match=r"the recipe inside is a.One-1.0.0"):
        library.resolve({"a.One": "1.0.1"})


def test_a_name_that_begins_like_another_is_another(library, tmp_path):
    put(tmp_path / "r", "a.One", "1.0.0")
    put(tmp_path / "r", "a.One-More", "3.0.0")
    library.take(tmp_path / "r")
    assert library.versions("a.One") == ["1.0.0"]
