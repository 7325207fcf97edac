"""The commands against the twin: a real workflow, real functions under their own roles; gateways are simulated."""

import json
import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from cloud_functions.adapters.dynamodb import DynamoTable
from cloud_functions.core.software import keep
from operations.stack import Stack
from tests.operations.environment import environment
from tests.operations.fleet import bundle
from tests.operations.fleet.simulated import SimulatedFleet
from thresher.cli import main
from twin.cloud import Deployment

QUICK = ["--canaries", "2", "--rate", "100:100", "--soak", "2", "--deadline", "40", "--poll", "1", "--baseline", "60"]


class Operator:
    """Somebody at a shell."""

    def __init__(self, stack: Stack, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.stack = stack
        self.id = f"r-{uuid.uuid4().hex[:8]}"
        self._capsys = capsys
        self.new = bundle.write(folder / "new.tar", version="2.0.0", counter=2)
        self.back = bundle.write(folder / "back.tar", version="1.0.0", counter=3, downgrade=True)

    def rollout(self, *names: str, options: list[str] = QUICK) -> tuple[int, list[Any]]:
        targets = [word for name in names for word in ("--target", name)]
        given = ["--bundle", str(self.new), "--back", str(self.back), "--id", self.id, *targets, *options]
        return self.fleet("rollout", *given, "--json")

    def fleet(self, *arguments: str) -> tuple[int, list[Any]]:
        self._capsys.readouterr()
        status = main(["fleet", *arguments])
        out = self._capsys.readouterr().out
        return status, [json.loads(line) for line in out.splitlines() if line.startswith("{")]

    def say(self, *arguments: str) -> tuple[int, str]:
        self._capsys.readouterr()
        status = main(["fleet", *arguments])
        told = self._capsys.readouterr()
        return status, told.out + told.err


@pytest.fixture
def operator(
    deployment: Deployment,
    stack: Stack,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Operator:
    for name, value in environment(deployment).items():
        monkeypatch.setenv(name, value)
    return Operator(stack, tmp_path, capsys)


@pytest.fixture
def names() -> list[str]:
    return [f"gw-{uuid.uuid4().hex[:8]}" for _ in range(6)]


def test_a_dry_run_prints_every_request_and_creates_nothing(
    deployment: Deployment, operator: Operator, names: list[str]
) -> None:
    with SimulatedFleet(deployment, names, lambda *_: "good"):
        status, said = operator.say(
            "rollout", "--bundle", str(operator.new), "--no-way-back", "--target", names[0], "--id", operator.id,
            "--window", "cron(0 2 * * ? *)/180", "--retries", "2", "--dry-run",
        )  # fmt: skip
        plan = json.loads(said)
        (wave,) = plan["waves"]
        assert (status, wave["name"], wave["request"]["jobId"]) == (0, "canaries", f"{operator.id}-w1")
        document = json.loads(wave["request"]["document"])
        assert document["steps"][0]["action"]["type"] == "applyBundle"
        assert wave["request"]["schedulingConfig"]["maintenanceWindows"][0]["durationInMinutes"] == 180
        jobs = deployment.clients.make("iot").list_jobs()["jobs"]
        assert not [job for job in jobs if job["jobId"].startswith(operator.id)]


def test_a_good_version_reaches_all_and_the_address_it_came_by_is_signed(
    deployment: Deployment, operator: Operator, names: list[str]
) -> None:
    with SimulatedFleet(deployment, names, lambda *_: "good") as fleet:
        status, told = operator.rollout(*names)
        assert (status, told[-1]["state"], told[-1]["waves"][-1]["counts"]) == (0, "done", {"SUCCEEDED": 4})
        assert set(fleet.versions.values()) == {"2.0.0"}
        assert urlopen(fleet.told[0].url, timeout=10).read() == operator.new.read_bytes()  # noqa: S310 - the twin's own
        assert operator.fleet("status", operator.id, "--json")[0] == 0
        status, (listed,) = operator.fleet("status", "--json")
        assert (status, operator.id in [one["rollout_id"] for one in listed["rollouts"]]) == (0, True)
        shown = json.loads(deployment.backend().api(f"/api/rollouts/{operator.id}").body)
        assert [wave["state"] for wave in shown["waves"]] == ["passed", "passed"]


def test_what_gateways_run_is_counted_by_version(deployment: Deployment, operator: Operator, names: list[str]) -> None:
    table = DynamoTable(deployment.clients.make("dynamodb"), deployment.outputs.table_name)
    for name, release in zip(names, ("9.0.0", "9.0.0", "9.1.0"), strict=False):
        keep(table, {"gateway_id": name, "broker_ms": 1, "reported": {"software": {"release": release}}})
    running = operator.fleet("status", "--json")[1][0]["running"]["application"]
    assert (running["9.0.0"], running["9.1.0"]) == (2, 1)
    assert "2 on 9.0.0" in operator.say("status")[1]


def test_a_version_its_gateways_refuse_stops_at_the_canaries(
    deployment: Deployment, operator: Operator, names: list[str]
) -> None:
    with SimulatedFleet(deployment, names, lambda *_: "refuses") as fleet:
        status, told = operator.rollout(*names)
        assert (status, told[-1]["state"]) == (1, "aborted")
        assert len(fleet.told) <= 2
        status, said = operator.say("status", operator.id)
        assert status == 1
        assert "x probe: no samples" in said


def test_a_version_that_raises_false_alarms_is_taken_back_by_itself(
    deployment: Deployment, operator: Operator, names: list[str]
) -> None:
    with SimulatedFleet(
        deployment, names, lambda _, version: "false alarms" if version == "2.0.0" else "good"
    ) as fleet:
        status, told = operator.rollout(*names)
        assert (status, told[-1]["state"]) == (1, "aborted")
        assert "alerts an hour" in told[-1]["reason"]
        assert [one.version for one in fleet.told] == ["2.0.0", "2.0.0", "1.0.0", "1.0.0"]
        assert set(fleet.versions.values()) == {"1.0.0"}


def test_an_operator_takes_it_back_and_tries_the_failed_again(
    deployment: Deployment, operator: Operator, names: list[str]
) -> None:
    refusing = {"refuses": True}
    with SimulatedFleet(deployment, names, lambda *_: "refuses" if refusing["refuses"] else "good") as fleet:
        operator.rollout(*names[:2])
        refusing["refuses"] = False
        status, told = operator.fleet("retry", operator.id, "--json")
        assert (status, told[-1]["rollout_id"], told[-1]["state"]) == (0, f"{operator.id}-again1", "done")
        status, told = operator.fleet("abort", f"{operator.id}-again1", "--reason", "we changed our mind", "--json")
        assert (status, told[-1]["state"], told[-1]["reason"]) == (0, "aborted", "we changed our mind")
        assert set(fleet.versions.values()) == {"1.0.0"}


def test_a_way_back_that_gateways_would_refuse_is_refused_before_anything_exists(
    operator: Operator, tmp_path: Path
) -> None:
    low = bundle.write(tmp_path / "low.tar", version="1.0.0", counter=1, downgrade=True)
    status, said = operator.say("rollout", "--bundle", str(operator.new), "--back", str(low), "--target", "gw-1")
    assert status == 1
    assert "counter 1 after 2" in said
    assert "try:" in said


def test_who_looks_away_changes_nothing(deployment: Deployment, operator: Operator, names: list[str]) -> None:
    deployment.clients.make("iot").create_thing(thingName=names[0])
    given = ["--bundle", str(operator.new), "--no-way-back", "--id", operator.id, "--target", names[0], *QUICK]
    with subprocess.Popen(
        [sys.executable, "-m", "thresher", "fleet", "rollout", *given],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | environment(deployment),
    ) as command:
        assert command.stdout is not None
        assert f"rollout {operator.id} started" in command.stdout.readline()
        assert "running" in command.stdout.readline()
        command.send_signal(signal.SIGINT)
        assert "goes on without you" in command.communicate(timeout=30)[0]
    assert command.returncode == 0
    assert operator.fleet("status", operator.id, "--json")[1][0]["state"] == "running"


def test_the_same_id_is_used_once(deployment: Deployment, operator: Operator, names: list[str]) -> None:
    with SimulatedFleet(deployment, names, lambda *_: "silent"):
        assert operator.rollout(names[0], options=[*QUICK, "--no-watch"])[0] == 0
        status, said = operator.say(
            "rollout", "--bundle", str(operator.new), "--no-way-back", "--target", names[0], "--id", operator.id
        )
        assert (status, "exists already" in said) == (1, True)
