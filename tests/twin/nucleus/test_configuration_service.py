"""Configuration over IPC, as the SDK's examples use it, and what the two nuclei do differently."""

import datetime as dt
import threading

import pytest
from awsiot.greengrasscoreipc import model

from tests.twin.nucleus.conftest import until

DOCUMENT = {"rate_hz": 10, "limits": {"high": 80, "low": 5}, "accessControl": {}}
NOW = dt.datetime.now(dt.UTC)
LONG_AGO = dt.datetime.fromtimestamp(0.0005, dt.UTC)


@pytest.fixture
def client(site):
    return site.component("c", configuration=DOCUMENT)


def watch(client, **where):
    heard: list = []
    client.subscribe_to_configuration_update(on_stream_event=heard.append, **where)
    return heard


def paths(heard):
    return [event.configuration_update_event.key_path for event in heard]


def test_the_whole_configuration_is_read(client) -> None:
    answer = client.get_configuration()

    assert (answer.component_name, answer.value) == ("c", DOCUMENT)


def test_a_mapping_comes_as_it_is_and_a_value_under_its_name(client) -> None:
    assert client.get_configuration(key_path=["limits"]).value == {"high": 80, "low": 5}
    assert client.get_configuration(key_path=["limits", "high"]).value == {"high": 80}


def test_another_components_configuration_is_read(site) -> None:
    site.component("c", configuration=DOCUMENT)
    other = site.component("other")

    assert other.get_configuration(component_name="c", key_path=["rate_hz"]).value == {"rate_hz": 10}


def test_a_missing_key_is_not_found(client) -> None:
    with pytest.raises(model.ResourceNotFoundError):
        client.get_configuration(key_path=["limits", "middle"])
    with pytest.raises(model.ResourceNotFoundError):
        client.get_configuration(component_name="nobody")
    with pytest.raises(model.ResourceNotFoundError):
        client.subscribe_to_configuration_update(key_path=["middle"], on_stream_event=print)


def test_an_update_is_merged_and_told_to_who_watches(client) -> None:
    everything, limits, rate = watch(client), watch(client, key_path=["limits"]), watch(client, key_path=["rate_hz"])
    client.update_configuration(key_path=["limits"], timestamp=NOW, value_to_merge={"high": 90, "middle": 40})

    until(lambda: len(limits) == 2)
    until(lambda: len(everything) == 2)
    assert client.get_configuration(key_path=["limits"]).value == {"high": 90, "low": 5, "middle": 40}
    assert paths(limits) == paths(everything) == [["limits", "high"], ["limits", "middle"]]
    assert rate == []
    assert everything[0].configuration_update_event.component_name == "c"


def test_the_policies_are_not_a_components_to_change(client) -> None:
    for where in ({"key_path": ["accessControl"]}, {"key_path": []}):
        with pytest.raises(model.InvalidArgumentsError):
            client.update_configuration(timestamp=NOW, value_to_merge={"accessControl": {}}, **where)


def test_on_classic_an_older_update_is_refused(classic) -> None:
    client = classic.component("c", configuration=DOCUMENT)
    client.update_configuration(key_path=["limits"], timestamp=NOW, value_to_merge={"high": 90})

    with pytest.raises(model.FailedUpdateConditionCheckError):
        client.update_configuration(key_path=["limits"], timestamp=LONG_AGO, value_to_merge={"high": 1})
    assert client.get_configuration(key_path=["limits", "high"]).value == {"high": 90}


def test_on_lite_an_older_update_is_taken_and_changes_nothing(lite) -> None:
    client = lite.component("c", configuration=DOCUMENT)
    client.update_configuration(key_path=["limits"], timestamp=NOW, value_to_merge={"high": 90})
    client.update_configuration(key_path=["limits"], timestamp=LONG_AGO, value_to_merge={"high": 1})

    assert client.get_configuration(key_path=["limits", "high"]).value == {"high": 90}


def test_the_same_value_again_is_an_event_on_lite_only(site, client) -> None:
    heard = watch(client)
    client.update_configuration(key_path=["limits"], timestamp=NOW, value_to_merge={"high": 80})
    client.update_configuration(key_path=["limits"], timestamp=NOW, value_to_merge={"low": 1})

    until(lambda: ["limits", "low"] in paths(heard))
    assert (["limits", "high"] in paths(heard)) is site.profile.is_lite


def test_on_lite_a_mapping_takes_no_values_place_and_a_value_has_a_limit(lite) -> None:
    client = lite.component("c", configuration=DOCUMENT)

    with pytest.raises(model.ServiceError):
        client.update_configuration(timestamp=NOW, value_to_merge={"rate_hz": {"a": 1}})
    with pytest.raises(model.ServiceError):
        client.update_configuration(timestamp=NOW, value_to_merge={"list": ["x" * 1100]})


def test_a_deployments_change_is_told(site, client) -> None:
    heard = watch(client)
    for path in site.store.install(site.store.resolve("c", merge={"rate_hz": 20}, ms=5)):
        site.ipc.configuration_changed("c", path)

    until(lambda: paths(heard) == [["rate_hz"]])
    assert client.get_configuration(key_path=["rate_hz"]).value == {"rate_hz": 20}


def judge(client, verdicts):
    def answer(events) -> None:
        event = events.validate_configuration_update_event
        status, message = verdicts(event.configuration)
        report = model.ConfigurationValidityReport(status=status, deployment_id=event.deployment_id, message=message)
        client.send_configuration_validity_report(configuration_validity_report=report)

    client.subscribe_to_validate_configuration_updates(on_stream_event=answer)


def test_on_classic_a_component_judges_what_it_is_to_be_configured_with(classic) -> None:
    client = classic.component("c", configuration=DOCUMENT)
    judge(client, lambda value: ("REJECTED", "too fast") if value["rate_hz"] > 100 else ("ACCEPTED", None))

    assert classic.ipc.validate({"c": {"rate_hz": 50}, "other": {}}, "d1", timeout_s=10) == {}
    assert classic.ipc.validate({"c": {"rate_hz": 500}}, "d2", timeout_s=10) == {"c": "too fast"}


def test_on_classic_silence_and_late_judgement_are_no_acceptance(classic) -> None:
    client = classic.component("c")
    client.subscribe_to_validate_configuration_updates(on_stream_event=lambda _: None)

    assert "did not answer" in classic.ipc.validate({"c": {}}, "d1", timeout_s=0.1)["c"]
    report = model.ConfigurationValidityReport(status="ACCEPTED", deployment_id="d1")
    with pytest.raises(model.InvalidArgumentsError):
        client.send_configuration_validity_report(configuration_validity_report=report)


def test_on_lite_nobody_judges(lite) -> None:
    with pytest.raises(model.ServiceError) as caught:
        lite.component("c").subscribe_to_validate_configuration_updates(on_stream_event=print)

    assert caught.value.message is None
    assert lite.ipc.validate({"c": {}}, "d1", timeout_s=0.1) == {}


def test_a_change_may_be_read_in_the_callback_that_hears_of_it(client) -> None:
    read, done = [], threading.Event()

    def react(events) -> None:
        key_path = events.configuration_update_event.key_path
        read.append(client.get_configuration(key_path=key_path).value)
        done.set()

    client.subscribe_to_configuration_update(on_stream_event=react)
    client.update_configuration(timestamp=NOW, value_to_merge={"rate_hz": 11})

    assert done.wait(10)
    assert read == [{"rate_hz": 11}]
