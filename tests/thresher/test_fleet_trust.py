"""docs/trust.md is followed word for word, and its commands say what went wrong."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from contract.manifest import Health, Manifest
from device_agent.fleet.trust.errors import Check
from thresher.cli import main
from thresher.commands.fleet import SUBCOMMANDS

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs/trust.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def ceremony(tmp_path_factory):
    """A folder in which every command of the document was run, in its order."""
    folder = tmp_path_factory.mktemp("ceremony")
    (folder / "models").symlink_to(ROOT / "models")
    commands = "\n".join(re.findall(r"```sh\n(.*?)```", DOCUMENT, re.DOTALL))
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],  # noqa: S607 - as a person's shell finds it
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


def run(capsys, *words):
    status = main(["fleet", *map(str, words)])
    told = capsys.readouterr()
    return status, told.out, told.err


def test_the_ceremony_ends_with_three_roots_and_bundles_that_gateways_trust(ceremony, capsys):
    status, out, _ = run(capsys, "verify", ceremony / "roots", "--json")
    assert (status, json.loads(out)["last"]) == (0, 3)
    status, out, _ = run(
        capsys, "verify", ceremony / "level-1.4.2.bundle", "--root", ceremony / "roots/1.json", "--json"
    )
    assert (status, json.loads(out)["root_version"]) == (0, 3)


def test_what_the_stolen_key_signed_is_refused_by_whoever_saw_the_new_root(ceremony, capsys):
    status, _, err = run(capsys, "verify", ceremony / "level-1.4.0.bundle", "--root", ceremony / "roots/3.json")
    assert status == 1
    assert err.startswith("error: signature: no key of root 3 signed")


def test_a_bundle_for_others_says_for_whom_it_is(ceremony, capsys):
    bundle, root = ceremony / "thresher-1.5.0.bundle", ceremony / "roots/1.json"
    status, _, err = run(capsys, "verify", bundle, "--root", root, "--gateway", "press-7", "--group", "others")
    assert status == 1
    assert err.startswith("error: target: it is for groups canaries, and press-7 is not among them")


def test_no_private_key_is_left_unencrypted(ceremony):
    for path in (ceremony / "keys").glob("*.pem"):
        assert path.read_bytes().startswith(b"-----BEGIN ENCRYPTED ")
        assert path.stat().st_mode & 0o077 == 0


def test_a_passphrase_is_never_an_argument(capsys):
    with pytest.raises(SystemExit):
        main(["fleet", "sign", "--help"])
    assert not re.search(r"--passphrase(?!-file)", capsys.readouterr().out)


def test_a_missing_key_and_a_missing_bundle_are_named_with_a_remedy(tmp_path, capsys, ceremony):
    status, _, err = run(
        capsys,
        "sign",
        ceremony / "level-1.4.0.bundle",
        "--key",
        tmp_path / "no.pem",
        "--passphrase-file",
        ceremony / "keys/model.pass",
    )
    assert status == 1
    assert "no.pem: No such file" in err
    assert "try: thresher fleet keys new" in err
    status, _, err = run(capsys, "verify", tmp_path / "no.bundle", "--root", ceremony / "roots/1.json")
    assert status == 1
    assert "no.bundle: No such file" in err


def test_a_key_is_not_made_where_nobody_can_be_asked_for_a_passphrase(tmp_path, capsys):
    status, _, err = run(capsys, "keys", "new", tmp_path / "a.pem")
    assert status == 1
    assert err == "error: nobody to ask for the passphrase\ntry: give --passphrase-file\n"
    assert not list(tmp_path.iterdir())


def test_a_new_key_is_told_by_its_id(tmp_path, capsys):
    (tmp_path / "pass").write_text("six random words make a passphrase\n")
    words = ("keys", "new", tmp_path / "a.pem", "--passphrase-file", tmp_path / "pass", "--json")
    status, out, _ = run(capsys, *words)
    assert status == 0
    assert re.fullmatch("[0-9a-f]{64}", json.loads(out)["key_id"])
    status, _, err = run(capsys, *words)
    assert status == 1
    assert "a.pem is there already" in err


@pytest.mark.parametrize("subcommand", SUBCOMMANDS, ids=lambda one: one.name)
def test_every_subcommand_of_the_fleet_explains_itself(subcommand, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["fleet", subcommand.name, "--help"])
    assert ended.value.code == 0
    assert "usage: thresher fleet" in capsys.readouterr().out


def test_every_check_and_every_field_is_in_the_document():
    checks = Check.__args__
    assert not [check for check in checks if f"`{check}`" not in DOCUMENT]
    fields = [*Manifest.__struct_encode_fields__, *Health.__struct_encode_fields__]
    assert not [field for field in fields if f"`{field}`" not in DOCUMENT]
