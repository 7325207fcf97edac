"""A nucleus's certificate, renewed by root's helper, started as systemd would; back to the old one on any failure."""

import contextlib
import getpass
import json
import re
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from cloud_functions.core.renewal import Made
from device_agent.config import GatewayConfig, IdentityConfig, parse
from device_agent.fleet.identity import nucleus_helper
from device_agent.fleet.identity.keys import FileKeys
from device_agent.fleet.identity.nucleus import nucleus_rotation
from device_agent.fleet.port import Outcome
from device_agent.uplink.credentials import certificate_id
from tests.device_agent.fleet.identity.rotating import DOCUMENT, GATEWAY, BrokerLink, Cloud, task_of

LITE = """---
system:
  privateKeyPath: "{key}"
  certificateFilePath: '{certificate}'
  rootCaPath: "/etc/greengrass/ca.pem"
  thingName: "gw-1"
services:
  aws.greengrass.NucleusLite:
    componentType: "NUCLEUS"
    configuration:
      runWithDefault: {{posixUser: "ggc_user:ggc_group"}}
"""
SYSTEMCTL = """#!/bin/sh
# $1 is the verb; "killed" names at which call the helper is killed, "broken" that only the old configuration runs
count=$(($(cat {home}/count) + 1)); echo $count > {home}/count
case $1 in
  stop) echo stopped > {home}/state ;;
  start) if [ -e {home}/broken ] && ! grep -q {home}/old.pem {used}; then echo failed > {home}/state
         else echo running > {home}/state; fi ;;
esac
if [ "$count" = "$(cat {home}/killed 2>/dev/null)" ]; then kill -9 $PPID; exit 1; fi
[ "$1" != is-active ] || grep -q running {home}/state
"""


class Machine:
    """A nucleus that a script plays, its helper, and the agent that may ask it."""

    def __init__(self, home: Path, kind: str) -> None:
        self.home, self.kind, self.cloud = home, kind, Cloud()
        for folder in ("exchange/in", "exchange/out", "agent"):
            (home / folder).mkdir(parents=True)
        request = FileKeys().request(home, GATEWAY)
        (home / "old.pem").write_text(self.cloud.issue(GATEWAY, request))
        self.configuration = home / ("config.tlog" if kind == "classic" else "config.yaml")
        self.configuration.write_text(self._first())
        self.configuration.chmod(0o640)
        (home / "count").write_text("0")
        (home / "state").write_text("running")
        used = f"{home}/last" if kind == "classic" else f"{home}/config.yaml"
        tail = "" if kind != "classic" else f"tail -2 {self.configuration} > {home}/last\n"
        script = SYSTEMCTL.format(home=home, used=used).replace("case $1", tail + "case $1", 1)
        (home / "systemctl").write_text(script)
        (home / "systemctl").chmod(0o755)

    def _first(self) -> str:
        key, certificate = f"{self.home}/private.key", f"{self.home}/old.pem"
        if self.kind != "classic":
            return LITE.format(key=key, certificate=certificate)
        lines = [
            {"TS": 1, "TP": ["system", "privateKeyPath"], "W": "changed", "V": key},
            {"TS": 1, "TP": ["system", "certificateFilePath"], "W": "changed", "V": certificate},
            {"TS": 1, "TP": ["services", "main", "lifecycle"], "W": "childChanged", "V": None},
        ]
        return "".join(json.dumps(line) + "\n" for line in [*lines[2:], *lines[:2]])

    def certificate(self) -> Path:
        """Which one the nucleus is told to use."""
        text = self.configuration.read_text()
        if self.kind == "files":
            return self.home / "old.pem"
        if self.kind == "lite":
            (path,) = re.findall(r"certificateFilePath: [\"'](.*)[\"']", text)
        else:
            changes = [json.loads(line) for line in text.splitlines()]
            path = [one["V"] for one in changes if one["TP"][-1] == "certificateFilePath"][-1]
        return Path(path)

    def _changed(self) -> dict[str, object]:
        if self.kind == "files":
            return {"--private-key": self.home / "private.key", "--certificate": self.home / "old.pem"}
        return {"--configuration": self.configuration}

    def helper(self, *, commit_s: float = 5.0) -> int:
        """One start of it."""
        options = {
            "--exchange": self.home / "exchange",
            "--keys": self.home / "keys",
            "--nucleus": self.kind,
            **self._changed(),
            "--unit": "greengrass",
            "--agent": getpass.getuser(),
            "--systemctl": self.home / "systemctl",
            "--settle-s": 0.1,
            "--commit-s": commit_s,
        }
        words = [str(word) for pair in options.items() for word in pair]
        return subprocess.run(
            [sys.executable, "-I", nucleus_helper.__file__, *words], check=False, timeout=60
        ).returncode

    @contextlib.contextmanager
    def watched(self, *, commit_s: float = 5.0) -> Iterator[None]:
        """What systemd does: starts the helper whenever the request changes, and again where it was killed."""
        ending, request, seen = threading.Event(), self.home / "exchange/in/request.json", [0.0]

        def watch() -> None:
            while not ending.wait(0.02):
                now = request.stat().st_mtime if request.exists() else 0.0
                if now != seen[0]:
                    seen[0] = now
                    while self.helper(commit_s=commit_s) < 0:
                        (self.home / "killed").unlink(missing_ok=True)

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            yield
        finally:
            ending.set()
            thread.join(60)

    def rotate(self, *, ask_s: float = 5.0) -> Outcome:
        """The agent's part, in one process."""
        uplink = BrokerLink(self.certificate, self.cloud, has_one_only=True)
        rotation = nucleus_rotation(self._document(), self.home / "agent", uplink, ask_s=ask_s, answer_s=30.0)
        uplink.connect(rotation.hears(), lambda: None)
        task = task_of(self.cloud.orders.order(GATEWAY))
        assert rotation.refusal(task.action) == ""
        return rotation.perform(task)

    def _document(self) -> GatewayConfig:
        config = parse(DOCUMENT.format(state=self.home).encode(), source="test")
        identity = IdentityConfig(helper=str(self.home / "exchange"))
        return msgspec.structs.replace(config, fleet=msgspec.structs.replace(config.fleet, identity=identity))

    def refuse_new(self) -> None:
        """The broker takes no certificate that is made from now on."""
        make = self.cloud.registry.make

        def unwanted(csr: str) -> Made | None:
            made = make(csr)
            assert made is not None
            self.cloud.refuses.add(made.certificate_id)
            return made

        self.cloud.registry.make = unwanted  # type: ignore[method-assign]

    def is_old(self) -> bool:
        """The old certificate, and a nucleus that runs with it."""
        running = (self.home / "state").read_text().strip() == "running"
        return running and self.certificate() == self.home / "old.pem"


@pytest.fixture(params=["lite", "classic"])
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Machine:
    return Machine(tmp_path, request.param)


def test_the_nucleus_runs_with_a_key_that_only_root_has_seen(machine: Machine):
    with machine.watched():
        outcome = machine.rotate()

    assert outcome.status == "SUCCEEDED", outcome
    new = machine.certificate()
    assert new.parent.parent == machine.home / "keys"
    assert machine.cloud.registry.active == {outcome.details["certificateId"]}
    secret = [path for path in (machine.home / "keys").rglob("*") if path.is_file()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in secret} == {0o600}
    mine = [path.read_text(errors="ignore") for path in (machine.home / "agent").rglob("*") if path.is_file()]
    assert mine
    assert not [text for text in mine if "PRIVATE" in text]
    assert stat.S_IMODE(machine.configuration.stat().st_mode) == 0o640


def test_files_that_a_database_names_are_replaced(tmp_path: Path):
    machine = Machine(tmp_path, "files")
    with machine.watched():
        outcome = machine.rotate()
    assert outcome.status == "SUCCEEDED", outcome
    assert machine.cloud.registry.active == {outcome.details["certificateId"]}
    assert certificate_id(tmp_path / "old.pem") == outcome.details["certificateId"]
    load_pem_private_key((tmp_path / "private.key").read_bytes(), None)


def test_files_of_a_nucleus_that_nobody_commits_hold_what_they_held(tmp_path: Path):
    machine = Machine(tmp_path, "files")
    before = [(tmp_path / name).read_bytes() for name in ("private.key", "old.pem")]
    machine.refuse_new()
    with machine.watched(commit_s=0.5):
        assert machine.rotate(ask_s=3.0).status == "FAILED"
    assert before == [(tmp_path / name).read_bytes() for name in ("private.key", "old.pem")]


def test_only_the_two_paths_of_the_configuration_change(machine: Machine):
    before = machine.configuration.read_text()
    with machine.watched():
        machine.rotate()
    after = machine.configuration.read_text()
    if machine.kind == "classic":
        assert after.startswith(before)
        assert len(after.splitlines()) == len(before.splitlines()) + 2
    else:
        changed = [new for old, new in zip(before.splitlines(), after.splitlines(), strict=True) if old != new]
        assert len(changed) == 2


def test_a_nucleus_that_does_not_come_back_gets_its_old_certificate(machine: Machine):
    (machine.home / "broken").touch()
    with machine.watched():
        outcome = machine.rotate()

    assert outcome.status == "FAILED"
    assert "went back to its old certificate" in outcome.reason
    assert machine.is_old()
    assert len(machine.cloud.registry.active) == 1


def test_a_nucleus_that_goes_on_with_its_old_certificate_is_noticed(machine: Machine):
    machine.certificate = lambda: machine.home / "old.pem"  # type: ignore[method-assign]  # as its database says
    with machine.watched(commit_s=0.5):
        outcome = machine.rotate()
    assert outcome.status == "FAILED"
    assert "another certificate still" in outcome.reason
    assert len(machine.cloud.registry.active) == 1
    assert "keys/" not in machine.configuration.read_text().splitlines()[-1]


def test_a_certificate_that_nobody_commits_is_taken_back(machine: Machine):
    machine.refuse_new()
    with machine.watched(commit_s=0.5):
        outcome = machine.rotate(ask_s=3.0)

    assert outcome.status == "FAILED"
    assert machine.is_old()
    assert len(machine.cloud.registry.active) == 1


@pytest.mark.parametrize(("kind", "calls"), [("lite", (1, 2, 3)), ("classic", (2,))])
def test_a_helper_killed_at_any_call_ends_with_the_new_certificate(tmp_path: Path, kind: str, calls: tuple[int, ...]):
    for call in calls:  # stop, start, the first look at it
        home = tmp_path / str(call)
        home.mkdir()
        machine = Machine(home, kind)
        (home / "killed").write_text(str(call))
        with machine.watched():
            outcome = machine.rotate()
        assert outcome.status == "SUCCEEDED", (call, outcome)
        assert (home / "state").read_text().strip() == "running"
        assert machine.cloud.registry.active == {outcome.details["certificateId"]}


@pytest.mark.parametrize(
    "request_",
    [
        {"id": "../../etc", "verb": "csr"},
        {"id": "a", "verb": "sh"},
        {"id": "a", "verb": "install", "certificate": "no certificate"},
        {"id": "a", "verb": "commit"},
        {"id": ["a"], "verb": "csr"},
    ],
)
def test_what_is_not_one_of_three_words_is_refused(tmp_path: Path, request_: dict[str, object]):
    machine = Machine(tmp_path, "lite")
    before = machine.configuration.read_text()
    (tmp_path / "exchange/in/request.json").write_text(json.dumps(request_))
    assert machine.helper() == 1
    assert machine.configuration.read_text() == before
    assert (tmp_path / "state").read_text().strip() == "running"


def test_a_link_in_place_of_a_request_is_not_followed(tmp_path: Path):
    machine = Machine(tmp_path, "lite")
    (tmp_path / "secret").write_text(json.dumps({"id": "a", "verb": "csr"}))
    (tmp_path / "exchange/in/request.json").symlink_to(tmp_path / "secret")
    assert machine.helper() == 1
    assert not (tmp_path / "keys" / "a").exists()


def test_a_certificate_of_another_key_stops_nothing(tmp_path: Path):
    machine = Machine(tmp_path, "lite")
    ask = tmp_path / "exchange/in/request.json"
    ask.write_text(json.dumps({"id": "a", "verb": "csr"}))
    assert machine.helper() == 0
    ask.write_text(json.dumps({"id": "a", "verb": "install", "certificate": (tmp_path / "old.pem").read_text()}))
    assert machine.helper() == 1
    assert (tmp_path / "count").read_text().strip() == "0"


def test_a_key_in_hardware_is_refused_before_anything_stops(tmp_path: Path):
    machine = Machine(tmp_path, "lite")
    text = machine.configuration.read_text().replace(f"{tmp_path}/private.key", "handle:0x81000001")
    machine.configuration.write_text(text)
    with machine.watched():
        outcome = machine.rotate()
    assert outcome.status == "FAILED"
    assert "hardware" in outcome.reason
    assert (machine.configuration.read_text(), (tmp_path / "count").read_text().strip()) == (text, "0")


def test_without_a_helper_the_job_is_refused(tmp_path: Path):
    machine = Machine(tmp_path, "lite")
    config = msgspec.structs.replace(
        machine._document(), fleet=parse(DOCUMENT.format(state=tmp_path).encode(), source="test").fleet
    )
    rotation = nucleus_rotation(config, tmp_path / "agent", BrokerLink(machine.certificate, machine.cloud))
    assert "docs/identity.md" in rotation.refusal(task_of("job").action)
