"""Our own recipes: what they allow is what ``contract`` names."""

from pathlib import Path

import pytest
import yaml

from operations.publishing.policies import GRANTS, access_control

RECIPES = sorted((Path(__file__).parents[3] / "recipes").glob("*.yaml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_allows_exactly_the_topics_of_the_contract(path):
    recipe = yaml.safe_load(path.read_text())
    default = recipe.get("ComponentConfiguration", {}).get("DefaultConfiguration", {})
    assert default.get("accessControl", {}) == access_control(path.stem)


def test_every_component_has_a_recipe():
    assert [path.stem for path in RECIPES] == sorted(GRANTS)


def test_a_policy_that_allows_something_else_has_another_id():
    ids = [policy for name in GRANTS for service in access_control(name).values() for policy in service]
    assert len(ids) == len(set(ids))
    (sends,) = [
        one for one in access_control("io.thresher.Gateway")["aws.greengrass.ipc.mqttproxy"] if "Publish" in one
    ]
    (asks,) = [
        one for one in access_control("io.thresher.FleetAgent")["aws.greengrass.ipc.mqttproxy"] if "Publish" in one
    ]
    assert sends.rpartition(":")[2] != asks.rpartition(":")[2]
