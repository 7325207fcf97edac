"""The control socket, as the command line uses it."""

import os
import socket

import msgspec
import pytest

from tests.twin.nucleus.recipes import put
from twin.errors import TwinError
from twin.nucleus.control import SOCKET, Control, Deploy, Fault, Status, ask
from twin.nucleus.plan import Request

A = "a.App"


@pytest.fixture
def root(classic):
    with Control(classic.nucleus):
        put(classic.recipes, A, lifecycle={"run": "exec sleep 300"})
        yield classic.root


def request(root):
    return Request(add={A: "1.0.0"}, recipes=str(root.parent / "recipes"))


def test_a_deployment_is_answered_when_it_is_done(root):
    answer = ask(root, Deploy(request=request(root)))
    assert answer.ok
    assert answer.outcome.status == "SUCCEEDED"
    found = ask(root, Status())
    assert found.components[A].state == "RUNNING"
    assert found.profile == "classic"
    assert [one.status for one in found.deployments] == ["SUCCEEDED"]


def test_a_deployment_that_fails_says_why_and_what_to_try(root):
    answer = ask(root, Deploy(request=Request(add={"a.None": "1.0.0"})))
    assert not answer.ok
    assert "a.None: no recipe for version 1.0.0" in answer.error
    assert answer.remedy


def test_faults_happen_by_name(root, classic):
    assert ask(root, Fault(name="refuse-tokens")).ok
    assert classic.nucleus.ipc.faults.refuses_tokens
    assert ask(root, Fault(name="accept-tokens")).ok
    assert ask(root, Fault(name="delay", words=["0.5"])).ok
    assert classic.nucleus.ipc.faults.delay_s == 0.5
    assert ask(root, Fault(name="drop-subscriptions")).result == {"dropped": 0}
    assert ask(root, Fault(name="restart-ipc")).ok
    for name, words in (("earthquake", []), ("delay", ["soon"]), ("restart-component", ["a.None"])):
        answer = ask(root, Fault(name=name, words=words))
        assert not answer.ok
        assert answer.remedy


def test_what_is_no_request_is_answered_with_an_error(root):
    folder = os.open(root, os.O_PATH)
    for line in (b"{}\n", b"nonsense\n", b'{"do": "deploy", "request": {"unknown": 1}}\n'):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(f"/proc/self/fd/{folder}/{SOCKET}")
            connection.sendall(line)
            answer = msgspec.json.decode(connection.makefile("rb").readline())
        assert answer["ok"] is False
        assert answer["error"]
    os.close(folder)


def test_where_no_nucleus_runs_that_is_said(tmp_path):
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(TwinError) as caught:
            ask(folder, Status())
        assert caught.value.remedy


def test_only_this_user_may_connect(root):
    assert (root / SOCKET).stat().st_mode & 0o777 == 0o600
