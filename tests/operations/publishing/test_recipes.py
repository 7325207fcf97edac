"""Our own recipes: what they allow is what ``contract`` names."""

from pathlib import Path

import pytest
import yaml

from contract import topics
from contract.events import LANES
from operations.publishing import calls, catalogue
from operations.publishing.policies import GRANTS, access_control

ROOT = Path(__file__).parents[3]
ANY = "GATEWAY"
TOPICS = {
    "events_topic": lambda: [topics.events_topic(ANY, lane) for lane in LANES],
    "stored_topic": lambda: [topics.stored_topic(ANY)],
    "feedback_topic": lambda: [topics.feedback_topic(ANY)],
    "certificate_topic": lambda: [topics.certificate_topic(ANY), topics.certificate_topic(ANY, "request")],
    "jobs_topic": lambda: [topics.jobs_topic(ANY, "notify-next")],
    "shadow_topic": lambda: [topics.shadow_topic(ANY, "+", "get")],
    "defender_topic": lambda: [topics.defender_topic(ANY), topics.defender_topic(ANY, "/accepted")],
    "logs_topic": lambda: [topics.logs_topic(ANY)],
    "tunnels_topic": lambda: [topics.tunnels_topic(ANY)],
    "blocks_topic": lambda: [topics.blocks_topic("*")],
}
RECIPES = sorted((Path(__file__).parents[3] / "recipes").glob("*.yaml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_allows_exactly_the_topics_of_the_contract(path):
    recipe = yaml.safe_load(path.read_text())
    default = recipe.get("ComponentConfiguration", {}).get("DefaultConfiguration", {})
    assert default.get("accessControl", {}) == access_control(path.stem)


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_no_default_is_a_list_that_lite_would_keep_a_mapping_from_replacing(path):
    recipe = yaml.safe_load(path.read_text())
    default = recipe.get("ComponentConfiguration", {}).get("DefaultConfiguration", {})
    assert [key for key, value in default.items() if isinstance(value, list)] == []


def test_every_component_has_a_recipe():
    assert [path.stem for path in RECIPES] == sorted(GRANTS)


def test_a_policy_that_allows_something_else_has_another_id():
    ids = [policy for name in GRANTS for service in access_control(name).values() for policy in service]
    assert len(ids) == len(set(ids))
    sends = access_control("io.thresher.Gateway")["aws.greengrass.ipc.mqttproxy"]
    asks = access_control("io.thresher.FleetAgent")["aws.greengrass.ipc.mqttproxy"]
    assert {one.rpartition(":")[2] for one in sends}.isdisjoint(one.rpartition(":")[2] for one in asks)


def test_every_topic_of_the_contract_is_known_here():
    written = {name for name in vars(topics) if name.endswith("_topic")}
    assert written == set(TOPICS)


@pytest.mark.parametrize("name", sorted(GRANTS))
def test_a_component_may_use_every_topic_its_code_makes_and_no_other(name):
    component = catalogue.load(ROOT).components[name]
    made = calls.topics(ROOT, ROOT / component.source / "main.py", component.packages)
    expected = {topic.replace(ANY, "+") for function in made for topic in TOPICS[function]()}
    allowed = {topic for grant in GRANTS[name] for topic in grant.topics}
    assert expected <= allowed
    prefixes = [topic.rpartition("/")[0] for topic in expected]
    assert [topic for topic in allowed if not any(topic.startswith(prefix) for prefix in prefixes)] == []
