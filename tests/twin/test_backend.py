"""What every backend of the page must do."""

import json

import pytest

from tests.twin.memory import MemoryBackend
from twin.cloud import Deployment
from twin.page import Backend


@pytest.fixture(params=["memory", "cloud"])
def backend(request: pytest.FixtureRequest) -> Backend:
    if request.param == "memory":
        return MemoryBackend()
    deployment: Deployment = request.getfixturevalue("deployment")
    return deployment.backend()


def test_the_index_is_html(backend: Backend) -> None:
    answer = backend.page("index.html")
    assert answer.status == 200
    assert answer.content_type.startswith("text/html")
    assert b"<!doctype html>" in answer.body.lower()


def test_a_file_that_is_not_there_is_said_to_be_missing(backend: Backend) -> None:
    assert backend.page("none.js").status == 404


def test_the_api_answers_json(backend: Backend) -> None:
    answer = backend.api("/api/fleet")
    assert answer.status == 200
    assert answer.content_type.startswith("application/json")
    assert isinstance(json.loads(answer.body), dict)


def test_an_unknown_call_is_an_answer_and_not_a_failure(backend: Backend) -> None:
    assert 400 <= backend.api("/api/gateways/none").status < 500


def test_an_unknown_command_is_an_answer_and_not_a_failure(backend: Backend) -> None:
    answer = backend.tell("/api/fleet", b"{}")
    assert answer.status == 404
    assert answer.content_type.startswith("application/json")
