"""Which client a component gets, and what it is told where it gets none."""

import subprocess
import sys

import pytest

from device_agent.errors import ConfigError
from device_agent.ipc.opening import CLIENT_VARIABLE, SOCKET_VARIABLE, TOKEN_VARIABLE, inside_greengrass, open_nucleus


@pytest.fixture
def inside(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv(SOCKET_VARIABLE, "/nowhere/s")
    monkeypatch.setenv(TOKEN_VARIABLE, "TOKEN")
    return monkeypatch


@pytest.mark.parametrize("name", [SOCKET_VARIABLE, TOKEN_VARIABLE])
def test_what_the_nucleus_did_not_set_is_named(inside: pytest.MonkeyPatch, name: str) -> None:
    inside.delenv(name)
    with pytest.raises(ConfigError, match=name) as caught:
        open_nucleus(lambda: None)

    assert "by the nucleus" in caught.value.remedy
    assert inside_greengrass() == (name != SOCKET_VARIABLE)


def test_a_client_that_there_is_not_is_refused_with_those_there_are(inside: pytest.MonkeyPatch) -> None:
    inside.setenv(CLIENT_VARIABLE, "fast")
    with pytest.raises(ConfigError, match="fast") as caught:
        open_nucleus(lambda: None)

    assert "sdk" in caught.value.remedy
    assert "thin" in caught.value.remedy


@pytest.mark.parametrize(("client", "loads"), [("", True), ("sdk", True), ("thin", False)])
def test_only_the_sdk_loads_the_sdk(inside: pytest.MonkeyPatch, client: str, *, loads: bool) -> None:
    inside.setenv(CLIENT_VARIABLE, client)
    code = (
        "import sys; import device_agent.agent; from device_agent.ipc.opening import open_nucleus; "
        "open_nucleus(lambda: None).close(); print('awscrt' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True, timeout=60).stdout

    assert said.strip() == str(loads)


def test_a_nucleus_that_is_not_there_is_no_error_but_said(inside: pytest.MonkeyPatch) -> None:
    inside.setenv(CLIENT_VARIABLE, "thin")
    told: list[str] = []
    nucleus = open_nucleus(lambda: None)
    nucleus.open(lambda reached: told.append(reached.reason))
    nucleus.close()

    assert told
    assert "/nowhere/s" in told[0]
