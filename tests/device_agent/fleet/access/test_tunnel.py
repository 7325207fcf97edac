"""Tunnels with a program in the place of AWS's proxy, and a broker in memory."""

import json
import os
import pwd
import secrets
import threading
import time

import pytest

from contract.topics import tunnels_topic
from device_agent.config.fleet_commands import CommandsConfig
from device_agent.config.fleet_tunnel import TunnelConfig
from device_agent.fleet.access.asked import RefusedTunnelError, judged
from device_agent.fleet.access.record import MOST_LINES, Record
from device_agent.fleet.access.tunnel import Tunnel
from device_agent.uplink.memory import MemoryBroker, MemoryUplink

NAME = "press-3"
PROXY = """#!/bin/sh
printf '%s\\n' "$0 $*" "$AWSIOT_TUNNEL_ACCESS_TOKEN" "$AWSIOT_TUNNEL_CLIENT_TOKEN" > "{told}.part"
cat /proc/$$/cmdline /proc/$PPID/cmdline | tr '\\0' ' ' >> "{told}.part"
mv "{told}.part" "{told}"
{then}
"""


def until(wanted, within_s=20.0):
    deadline = time.monotonic() + within_s
    while not (found := wanted()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found


def asks(**given):
    return json.dumps(
        {
            "clientAccessToken": secrets.token_hex(20),
            "clientMode": "destination",
            "region": "eu-central-1",
            "services": ["SSH"],
        }
        | given
    ).encode()


OPEN = TunnelConfig(allow=True, services={"SSH": 22, "page": 8080})


class Gateway:
    """An agent's tunnels, at work."""

    def __init__(self, folder) -> None:
        self.folder, self.broker, self.told = folder, MemoryBroker(), folder / "told"
        self.stop, self.thread = threading.Event(), None

    def start(self, *, then="sleep 60", **config) -> Tunnel:
        program = self.folder / "localproxy"
        program.write_text(PROXY.format(told=self.told, then=then))
        program.chmod(0o755)
        given = {"allow": True, "services": {"SSH": 22, "page": 8080}, "program": str(program)} | config
        commands = CommandsConfig(user=pwd.getpwuid(os.geteuid()).pw_name)
        if os.geteuid() == 0:  # as root the proxy is nobody, who must reach the folder
            commands = CommandsConfig()
            for each in (self.folder, *self.folder.parents[:3]):
                each.chmod(each.stat().st_mode | 0o755)
            (self.folder / "out").mkdir(exist_ok=True)
            (self.folder / "out").chmod(0o777)
            self.told = self.folder / "out" / "told"
            program.write_text(PROXY.format(told=self.told, then=then))
        tunnel = Tunnel(NAME, TunnelConfig(**given), commands, self.record())
        MemoryUplink(self.broker).connect(tunnel.hears(), lambda: None)
        self.thread = threading.Thread(target=tunnel.run, args=(self.stop,), daemon=True)
        self.thread.start()
        return tunnel

    def record(self) -> Record:
        return Record(self.folder / "tunnels.jsonl", lambda: 1_000)

    def say(self, payload) -> None:
        self.broker.say(tunnels_topic(NAME), payload)

    def whats(self) -> list[str]:
        return [line.what for line in self.record().lines]

    def end(self) -> None:
        self.stop.set()
        if self.thread:
            self.thread.join(30)
            assert not self.thread.is_alive()


@pytest.fixture
def gateway(tmp_path):
    made = Gateway(tmp_path)
    yield made
    made.end()


def test_the_proxy_gets_its_token_by_its_environment_alone(gateway):
    token = secrets.token_hex(20)
    gateway.start()
    gateway.say(asks(clientAccessToken=token, services=["SSH", "page"]))
    argv, given, client, lines = until(lambda: gateway.told.exists() and gateway.told.read_text()).split("\n", 3)
    assert argv.endswith(" -r eu-central-1 -d SSH=127.0.0.1:22,page=127.0.0.1:8080 -v 3")
    assert (given, len(client)) == (token, 32)
    assert token not in lines
    assert "keeper" in lines  # the command line of its starter was seen too


def test_no_log_and_no_record_holds_the_token_even_if_the_proxy_says_it(gateway, caplog):
    token = secrets.token_hex(20)
    gateway.start(then='echo "bad token $AWSIOT_TUNNEL_ACCESS_TOKEN" >&2; exit 1')
    with caplog.at_level(0):
        gateway.say(asks(clientAccessToken=token))
        until(lambda: gateway.whats() == ["opened", "closed"])
    line = gateway.record().lines[-1]
    assert "exit status 1: bad token …" in line.reason
    everything = (gateway.folder / "tunnels.jsonl").read_text() + "".join(str(vars(each)) for each in caplog.records)
    assert token not in everything


def test_what_is_opened_is_recorded_first_and_its_end_too(gateway):
    gateway.start(then="exit 0")
    gateway.say(asks())
    until(lambda: gateway.whats() == ["opened", "closed"])
    opened, closed = gateway.record().lines
    assert (opened.services, opened.region, opened.tunnel) == (["SSH"], "eu-central-1", closed.tunnel)
    assert closed.reason == "by itself, exit status 0"


def test_what_cannot_be_recorded_is_not_opened(gateway, tmp_path):
    (tmp_path / "tunnels.jsonl").mkdir()
    tunnel = gateway.start()
    gateway.say(asks())
    until(lambda: tunnel.counters["tunnels_unrecorded"])
    assert not gateway.told.exists()


def test_a_tunnel_is_closed_when_its_time_is_over(gateway):
    gateway.start(max_minutes=0.5 / 60)
    gateway.say(asks())
    until(lambda: gateway.whats() == ["opened", "closed"])
    assert gateway.record().lines[-1].reason.startswith("timed out")


def test_a_newer_notification_takes_the_place_of_the_older_one(gateway):
    gateway.start()
    gateway.say(asks())
    until(gateway.told.exists)
    gateway.say(asks())
    until(lambda: gateway.whats() == ["opened", "closed", "opened"])
    assert gateway.record().lines[1].reason.startswith("taken back")


def test_a_notification_that_comes_twice_opens_once(gateway):
    tunnel, once = gateway.start(), asks()
    gateway.say(once)
    gateway.say(once)
    until(lambda: tunnel.counters["tunnels_repeated"])
    assert gateway.whats() == ["opened"]


def test_nothing_stays_open_when_the_agent_ends(gateway):
    gateway.start()
    gateway.say(asks())
    until(gateway.told.exists)
    gateway.end()
    assert gateway.whats() == ["opened", "closed"]


def test_what_a_power_cut_closed_is_recorded_at_the_next_start(gateway):
    gateway.record().write("opened", tunnel="abc", services=["SSH"])
    gateway.record().write("refused", reason="x")
    gateway.start()
    until(lambda: gateway.whats() == ["opened", "refused", "closed"])
    assert gateway.record().lines[-1].reason == "the agent ended"


def test_a_program_that_others_may_write_is_not_started(gateway):
    gateway.start()
    (gateway.folder / "localproxy").chmod(0o777)
    gateway.say(asks())
    until(lambda: gateway.whats() == ["opened", "closed"])
    assert "can be written by others" in gateway.record().lines[-1].reason
    assert not gateway.told.exists()


def test_closed_by_default_and_a_knock_is_recorded(gateway):
    tunnel = gateway.start(allow=False)
    gateway.say(asks())
    until(lambda: tunnel.counters["tunnels_refused"])
    assert gateway.whats() == ["refused"]
    assert not gateway.told.exists()
    assert TunnelConfig().allow is False


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        (asks(services=["SSH", "VNC"]), "'VNC' is not in"),
        (asks(services=[]), "no service"),
        (asks(services=["SSH=evil:1,x"]), "is not in"),
        (asks(clientMode="source"), "'source'"),
        (asks(region="eu-central-1 -k"), "no region"),
        (asks(region="-x"), "no region"),
        (asks(clientAccessToken=""), "is none"),
        (b"\xff{", "is none"),
        (b"[]", "is none"),
    ],
)
def test_what_may_not_be_opened_is_refused_with_the_reason(payload, why):
    with pytest.raises(RefusedTunnelError, match=why):
        judged(payload, OPEN)


def test_a_way_does_not_show_its_token():
    way = judged(asks(), OPEN)
    assert way.token not in f"{way} {way!r}"


def test_a_record_stays_short(tmp_path):
    record = Record(tmp_path / "r", lambda: 1)
    for _ in range(MOST_LINES + 20):
        record.write("refused")
    assert len(Record(tmp_path / "r", lambda: 1).lines) == MOST_LINES
