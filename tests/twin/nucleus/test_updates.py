"""Component updates and their deferral, as the SDK's examples do it."""

import threading

import pytest
from awsiot.greengrasscoreipc import model

from tests.twin.nucleus.conftest import until


def listen(client, *answers):
    """Answers each update that begins with the next number of milliseconds."""
    heard: list = []
    left = list(answers)

    def react(events) -> None:
        heard.append(events)
        if events.pre_update_event is not None and left:
            deployment_id = events.pre_update_event.deployment_id
            client.defer_component_update(deployment_id=deployment_id, recheck_after_ms=left.pop(0))

    client.subscribe_to_component_updates(on_stream_event=react)
    return heard


def test_an_update_waits_for_the_one_that_wants_most_time(classic) -> None:
    listen(classic.component("a"), 0)
    listen(classic.component("b"), 5_000)
    listen(classic.component("c"), 200)

    assert classic.ipc.pre_update("d1", timeout_s=10) == 5_000


def test_who_was_deferred_for_is_asked_again(classic) -> None:
    heard = listen(classic.component("a"), 1_000, 0)

    assert classic.ipc.pre_update("d1", timeout_s=10) == 1_000
    assert classic.ipc.pre_update("d1", timeout_s=10) == 0
    assert [events.pre_update_event.deployment_id for events in heard] == ["d1", "d1"]
    assert heard[0].pre_update_event.is_ggc_restarting is False


def test_silence_lets_it_go_ahead_and_a_late_answer_is_told_so(classic) -> None:
    client = classic.component("a")
    listen(client)

    assert classic.ipc.pre_update("d1", timeout_s=0.2) == 0
    with pytest.raises(model.ServiceError) as caught:
        client.defer_component_update(deployment_id="d1", recheck_after_ms=0)
    assert "Time limit" in caught.value.message


def test_nobody_listening_costs_no_time(site) -> None:
    done = threading.Event()

    def ask() -> None:
        site.ipc.pre_update("d1", timeout_s=60)
        done.set()

    threading.Thread(target=ask, daemon=True).start()
    assert done.wait(5)


def test_the_end_of_a_deployment_is_told(classic) -> None:
    heard = listen(classic.component("a"))
    classic.ipc.post_update("d1")

    until(lambda: len(heard) == 1)
    assert heard[0].post_update_event.deployment_id == "d1"


def test_who_did_not_subscribe_cannot_defer(classic) -> None:
    with pytest.raises(model.InvalidArgumentsError):
        classic.component("a").defer_component_update(deployment_id="d1", recheck_after_ms=1)


def test_a_component_that_goes_is_not_waited_for(classic) -> None:
    client = classic.component("a")
    listen(client)
    client.close()
    until(lambda: classic.ipc.subscribed == 0)

    assert classic.ipc.pre_update("d1", timeout_s=60) == 0


def test_the_lite_nucleus_has_no_component_updates(lite) -> None:
    client = lite.component("a")
    with pytest.raises(model.ServiceError) as caught:
        client.subscribe_to_component_updates(on_stream_event=print)
    with pytest.raises(model.ServiceError):
        client.defer_component_update(deployment_id="d1", recheck_after_ms=1)
    assert caught.value.message is None
