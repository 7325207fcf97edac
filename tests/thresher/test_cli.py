import importlib
import json
import subprocess
import sys

import pytest

from thresher.cli import COMMANDS, main


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_command_explains_itself(command, capsys):
    with pytest.raises(SystemExit) as ended:
        main([command.name, "--help"])
    assert ended.value.code == 0
    assert command.help in capsys.readouterr().out


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_command_has_what_the_table_promises(command):
    module = importlib.import_module(command.module)
    assert callable(module.run)
    assert callable(module.add_arguments)


def test_an_unknown_command_is_wrong_usage(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["frobnicate"])
    assert ended.value.code == 2
    assert "invalid choice" in capsys.readouterr().err


def test_no_command_shows_the_commands(capsys):
    assert main([]) == 2
    assert "record a sensor" in capsys.readouterr().out


def test_a_mistake_gives_error_and_remedy_and_no_traceback(tmp_path, capsys):
    file = tmp_path / "gateway.yaml"
    file.write_text("{gateway: g, state_dir: s, sensors: [{type: host, name: m, rate_hs: 3}]}")
    assert main(["run", "--config", str(file)]) == 2
    error = capsys.readouterr().err.splitlines()
    assert error[-2] == f"error: {file}: Object contains unknown field `rate_hs` - at `$.sensors[0]`"
    assert error[-1] == "try: did you mean `rate_hz`?"


def test_an_agent_without_uplink_says_what_is_missing(tmp_path, capsys):
    file = tmp_path / "gateway.yaml"
    file.write_text("{gateway: g, state_dir: s, sensors: [{type: host, name: m}]}")
    assert main(["agent", "--config", str(file)]) == 2
    assert "uplink" in capsys.readouterr().err


def test_the_host_can_be_recorded_without_a_document(tmp_path, capsys):
    output = tmp_path / "host.csv"
    assert main(["record", "--seconds", "1", "--rate", "20", "--output", str(output), "--json"]) == 0
    recorded = json.loads(capsys.readouterr().out)
    assert recorded["scans"] + recorded["missed"] >= 19
    assert output.stat().st_size == recorded["bytes"]


def test_the_command_line_alone_imports_nothing_heavy():
    code = "import sys, thresher.cli; print([m for m in ('numpy', 'awscrt', 'boto3', 'twin') if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=30).stdout
    assert out.strip() == "[]"
