"""The registry port: one suite over the running components' registry and the one in memory; then what each adds."""

import pytest

from tests.twin.nucleus.recipes import put
from twin.nucleus.deployments import RESUMED
from twin.nucleus.errors import NucleusIpcError
from twin.nucleus.live_registry import LiveRegistry
from twin.nucleus.registry import Action, MemoryRegistry

A = "a.App"
ACCESS = {"aws.greengrass.ipc.pubsub": {"p": {"operations": ["*"], "resources": ["t"]}}}
DEFAULTS = {"DefaultConfiguration": {"accessControl": ACCESS, "k": 1}}


def live(site):
    nucleus = site.nucleus
    return LiveRegistry(nucleus._tokens, nucleus.roster, nucleus._settings, nucleus.deployments)


@pytest.fixture
def deployed(classic):
    put(classic.recipes, A, lifecycle={"run": "exec sleep 300"}, ComponentConfiguration=DEFAULTS)
    put(classic.recipes, A, "2.0.0", lifecycle={"run": "exec sleep 300"}, ComponentConfiguration=DEFAULTS)
    assert classic.deploy(f"{A}=1.0.0").status == "SUCCEEDED"
    return classic


@pytest.fixture(params=["live", "memory"])
def registry(request):
    """With one component, and the token of its present start."""
    if request.param == "memory":
        made = MemoryRegistry()
        return made, made.add(A, ACCESS)
    site = request.getfixturevalue("deployed")
    token = next(token for token, name in site.nucleus._tokens._components.items() if name == A)
    return live(site), token


def test_a_token_belongs_to_its_component_and_no_other_to_any(registry):
    one, token = registry
    assert one.component_of(token) == A
    assert one.component_of("ANOTHER") is None
    assert one.component_of("") is None


def test_policies_are_a_component_s_own(registry):
    one, _ = registry
    assert one.policies(A) == ACCESS
    assert one.policies("a.None") == {}


def test_a_state_may_be_reported_by_anybody(registry):
    one, _ = registry
    one.set_state(A, "RUNNING")
    one.set_state("a.None", "RUNNING")


def test_what_cannot_be_done_is_an_error_of_the_model(registry):
    one, _ = registry
    for operation in ("CancelLocalDeployment", "GetLocalDeploymentStatus"):
        with pytest.raises(NucleusIpcError):
            one.act(Action(operation=operation, asked_by=A, body={"deploymentId": "none"}))


def act(registry, operation, **body):
    return registry.act(Action(operation=operation, asked_by=A, body=body))


def test_components_ask_about_each_other_and_for_deployments(deployed):
    registry = live(deployed)
    details = {"componentName": A, "version": "1.0.0", "state": "RUNNING"}
    found = act(registry, "ListComponents")["components"][0]
    assert {key: found[key] for key in details} == details
    assert act(registry, "GetComponentDetails", componentName=A)["componentDetails"]["configuration"]["k"] == 1
    with pytest.raises(NucleusIpcError):
        act(registry, "GetComponentDetails", componentName="a.None")
    number = act(registry, "CreateLocalDeployment", rootComponentVersionsToAdd={A: "2.0.0"})["deploymentId"]
    asked = {"deploymentId": number}
    deployed.until(lambda: act(registry, "GetLocalDeploymentStatus", **asked)["deployment"]["status"] == "SUCCEEDED")
    assert deployed.nucleus.roster[A].recipe.version == "2.0.0"
    assert number in [one["deploymentId"] for one in act(registry, "ListLocalDeployments")["localDeployments"]]


def test_a_component_is_restarted_paused_and_stopped_on_request(deployed):
    registry = live(deployed)
    act(registry, "RestartComponent", componentName=A)
    deployed.until(lambda: deployed.nucleus.roster[A].starts == 2)
    deployed.reach(A, "RUNNING")
    act(registry, "PauseComponent", componentName=A)
    act(registry, "ResumeComponent", componentName=A)
    act(registry, "StopComponent", componentName=A)
    deployed.reach(A, "FINISHED")


def test_a_recipe_that_is_gone_after_a_restart_is_said(deployed):
    deployed.stop()
    for file in (deployed.root / "packages/recipes").iterdir():
        file.unlink()
    deployed.start()
    deployed.until(deployed.nucleus.deployments.outcomes)
    outcome = deployed.nucleus.deployments.outcomes()[0]
    assert (outcome.id, outcome.status) == (RESUMED, "REJECTED")
    assert "a.App: no recipe" in outcome.message
    assert deployed.deploy(f"{A}=1.0.0").status == "SUCCEEDED"
