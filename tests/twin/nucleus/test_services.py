"""State, secrets, shadows, metrics, other components: what a classic nucleus has beside messages and configuration."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from awsiot.greengrasscoreipc import model

from tests.twin.nucleus.conftest import Site, policy
from twin.errors import TwinError
from twin.nucleus.services.secrets import read_secrets
from twin.nucleus.services.shadows import Shadows

SECRETS = """
database: {secretString: hunter2}
key: {secretBinary: AAEC, versionId: v7, versionStages: [AWSCURRENT, blue]}
"""


@pytest.fixture
def vault(folder: Path) -> Iterator[Site]:
    path = folder / "secrets.yaml"
    path.write_text(SECRETS)
    one = Site(folder, "classic", secrets=path)
    with one.ipc:
        yield one
        one.close()


def test_a_component_says_how_it_is(site) -> None:
    client = site.component("c")
    client.update_state(state="RUNNING")
    client.update_state(state="ERRORED")

    assert site.registry.states == [("c", "RUNNING"), ("c", "ERRORED")]
    with pytest.raises((model.ServiceError, model.InvalidArgumentsError)):
        client.update_state(state="TIRED")


def ask(client, name, **version):
    return client.get_secret_value(secret_id=name, **version)


def value(answer):
    return answer.secret_value.secret_string


def test_a_secret_is_read_in_the_version_that_is_asked_for(vault) -> None:
    client = vault.component("c")

    assert value(ask(client, "database")) == "hunter2"
    answer = ask(client, "key", version_stage="blue")
    assert (answer.version_id, answer.secret_value.secret_binary) == ("v7", b"\x00\x01\x02")
    for name, version in (("no", {}), ("key", {"version_id": "v8"}), ("database", {"version_stage": "x"})):
        with pytest.raises(model.ResourceNotFoundError):
            ask(client, name, **version)


def test_a_secret_needs_a_policy(vault) -> None:
    client = vault.component("c", policy("aws.greengrass.SecretManager", ["GetSecretValue"], ["key"]))
    ask(client, "key")

    with pytest.raises(model.UnauthorizedError):
        ask(client, "database")


def test_a_secret_that_was_rotated_is_read_anew(vault, folder: Path) -> None:
    client = vault.component("c")
    (folder / "secrets.yaml").write_text("database: {secretString: changed}")

    assert value(ask(client, "database")) == "changed"


def test_without_a_secret_manager_there_are_no_secrets(site) -> None:
    with pytest.raises(model.ServiceError) as caught:
        ask(site.component("c"), "database")

    if not site.profile.is_lite:
        assert "not supported" in caught.value.message


def test_a_file_of_secrets_that_is_wrong_is_refused_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "secrets.yaml"
    for content in ("a: {secret: x}", "a: {secretString: x, secretBinary: eA==}", "- a"):
        path.write_text(content)
        with pytest.raises(TwinError, match=r"secrets\.yaml"):
            read_secrets(path)


def shadow(answer) -> dict:
    return json.loads(answer.payload)


def update(client, state, name="", **document):
    payload = json.dumps({"state": state, **document}).encode()
    return shadow(client.update_thing_shadow(thing_name="press-3", shadow_name=name, payload=payload))


def test_a_shadow_merges_and_says_what_is_desired_and_not_so(classic) -> None:
    client = classic.component("c")
    update(client, {"desired": {"rate": 10, "led": "on"}})
    update(client, {"reported": {"rate": 10, "led": "off"}})
    document = shadow(client.get_thing_shadow(thing_name="press-3", shadow_name=""))

    assert document["state"] == {
        "desired": {"rate": 10, "led": "on"},
        "reported": {"rate": 10, "led": "off"},
        "delta": {"led": "on"},
    }
    assert document["version"] == 2
    update(client, {"desired": {"led": None}})
    assert "delta" not in shadow(client.get_thing_shadow(thing_name="press-3", shadow_name=""))["state"]


def test_an_update_of_another_version_is_a_conflict(classic) -> None:
    client = classic.component("c")
    update(client, {"desired": {}})

    with pytest.raises(model.ConflictError):
        update(client, {"desired": {}}, version=7)
    assert update(client, {"desired": {}}, version=1)["version"] == 2


def test_named_shadows_are_listed_page_by_page_and_deleted(classic) -> None:
    client = classic.component("c")
    for name in ("b", "a", "c"):
        update(client, {"reported": {}}, name=name)
    first = client.list_named_shadows_for_thing(thing_name="press-3", page_size=2)
    second = client.list_named_shadows_for_thing(thing_name="press-3", page_size=2, next_token=first.next_token)

    assert (first.results, second.results, second.next_token) == (["a", "b"], ["c"], None)
    client.delete_thing_shadow(thing_name="press-3", shadow_name="a")
    with pytest.raises(model.ResourceNotFoundError):
        client.get_thing_shadow(thing_name="press-3", shadow_name="a")


def test_shadows_are_kept(tmp_path: Path, classic) -> None:
    update(classic.component("c"), {"desired": {"x": 1}})
    path = tmp_path / "shadows.json"
    path.write_text('{"$aws/things/t/shadow": {"state": {}, "version": 3, "timestamp": 1}}')

    assert Shadows(None, path)._documents["$aws/things/t/shadow"]["version"] == 3
    path.write_text("{")
    with pytest.raises(TwinError, match="shadows"):
        Shadows(None, path)


def test_lite_has_no_shadows(lite) -> None:
    with pytest.raises(model.ServiceError):
        update(lite.component("c"), {"desired": {}})


def test_metrics_are_for_aws_own_components(classic) -> None:
    metric = model.Metric(name="Count", unit="Count", value=1.0)
    classic.component("aws.greengrass.Own").put_component_metric(metrics=[metric])

    with pytest.raises(model.UnauthorizedError):
        classic.component("com.example.C").put_component_metric(metrics=[metric])
    with pytest.raises(model.InvalidArgumentsError):
        classic.component("aws.other").put_component_metric(metrics=[])


def test_the_registry_is_asked_about_other_components(classic) -> None:
    classic.registry.answers = {
        "ListComponents": {"components": [{"componentName": "c", "version": "1.0.0", "state": "RUNNING"}]},
        "RestartComponent": {"restartStatus": "SUCCEEDED"},
        "CreateLocalDeployment": {"deploymentId": "d1"},
        "PauseComponent": {},
    }
    client = classic.component("c", {**policy("aws.greengrass.Cli", ["*"], ["*"])})

    assert client.list_components().components[0].component_name == "c"
    assert client.restart_component(component_name="c").restart_status == "SUCCEEDED"
    answer = client.create_local_deployment(root_component_versions_to_add={"x": "1.0.0"})
    assert answer.deployment_id == "d1"
    assert classic.registry.actions[-1].body == {"rootComponentVersionsToAdd": {"x": "1.0.0"}}
    with pytest.raises(model.ResourceNotFoundError):
        client.get_component_details(component_name="nobody")
    with pytest.raises(model.UnauthorizedError):
        client.pause_component(component_name="c")


def test_lite_restarts_and_deploys_and_no_more(lite) -> None:
    lite.registry.answers = {
        "RestartComponent": {"restartStatus": "SUCCEEDED"},
        "CreateLocalDeployment": {"deploymentId": "d1"},
        "ListComponents": {"components": []},
    }
    client = lite.component("c")

    assert client.restart_component(component_name="c").restart_status == "SUCCEEDED"
    assert client.create_local_deployment().deployment_id == "d1"
    with pytest.raises(model.ServiceError):
        client.list_components()
    with pytest.raises(model.ServiceError):
        lite.component("d", {}).create_local_deployment()
    with pytest.raises(model.UnauthorizedError):
        lite.component("e", {}).restart_component(component_name="c")


def test_a_token_is_validated_for_the_stream_manager_alone(site) -> None:
    token = site.registry.add("c")
    manager = site.component("aws.greengrass.StreamManager")

    assert manager.validate_authorization_token(token=token).is_valid
    with pytest.raises(model.InvalidTokenError):
        manager.validate_authorization_token(token=token[1:])
    with pytest.raises(model.UnauthorizedError):
        site.component("d").validate_authorization_token(token=token)


@pytest.mark.parametrize("operation", ["list_components", "list_local_deployments"])
def test_lite_leaves_the_message_of_what_it_lacks_empty(lite, operation) -> None:
    with pytest.raises(model.ServiceError) as caught:
        getattr(lite.component("c"), operation)()

    assert caught.value.message is None


def test_nobody_tells_whether_iot_core_is_connected(site) -> None:
    with pytest.raises(model.ServiceError):
        site.component("c").subscribe_to_iot_core_connection_status(on_stream_event=print)
