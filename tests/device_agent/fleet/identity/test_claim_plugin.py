"""What a nucleus is told so that its own plugin provisions it."""

import json
import stat
from pathlib import Path

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from device_agent.config import parse
from device_agent.errors import ConfigError
from thresher.cli import main

DOCUMENT = """
gateway: press-3
state_dir: state
sensors: [{type: host, name: host}]
uplink: {type: greengrass}
fleet: {identity: {template: thresher-gateways, claim_certificate: claim.pem, claim_key: claim.key, serial: S-1}}
"""
CLOUD = ("--endpoint", "d", "--credentials-endpoint", "c", "--region", "eu-central-1", "--role-alias", "alias")


def part(folder: Path, kind: str, *options: str) -> dict[str, object]:
    (folder / "gateway.yaml").write_text(DOCUMENT)
    command = [
        "provision",
        "--config",
        str(folder / "gateway.yaml"),
        "--nucleus",
        kind,
        "--output",
        str(folder / "out"),
    ]
    assert main([*command, *(options or CLOUD)]) == 0
    text = (folder / "out" / f"{kind}-claim.yaml").read_bytes()
    (service,) = msgspec.yaml.decode(text)["services"].values()
    found: dict[str, object] = service["configuration"]
    return found


def test_classic_is_given_a_request_of_a_key_that_stays_here(tmp_path: Path):
    told = part(tmp_path, "classic")
    key = Path(str(told["csrPrivateKeyPath"]))
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    request = x509.load_pem_x509_csr(Path(str(told["csrPath"])).read_bytes())
    assert request.public_key() == load_pem_private_key(key.read_bytes(), None).public_key()
    assert told["templateParameters"] == {"SerialNumber": "S-1", "ThingName": "press-3"}
    assert str(told["deviceId"]).startswith("claim-"), "as the claim's policy demands"


def test_a_second_time_keeps_the_key(tmp_path: Path):
    part(tmp_path, "classic")
    before = [(tmp_path / "out" / name).read_bytes() for name in ("private.key", "request.pem")]
    part(tmp_path, "classic")
    assert before == [(tmp_path / "out" / name).read_bytes() for name in ("private.key", "request.pem")]


def test_lite_is_given_its_parameters_as_text(tmp_path: Path):
    told = part(tmp_path, "lite")
    assert json.loads(str(told["templateParams"])) == {"SerialNumber": "S-1", "ThingName": "press-3"}
    assert told["claimCertPath"] == str(tmp_path / "claim.pem")


def test_what_is_missing_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "gateway.yaml").write_text(DOCUMENT)
    command = ["provision", "--config", str(tmp_path / "gateway.yaml"), "--nucleus", "lite"]
    assert main([*command, *CLOUD[2:]]) == 2
    assert "--endpoint" in capsys.readouterr().err


def test_a_gateway_under_a_nucleus_is_not_provisioned_directly(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "gateway.yaml").write_text(DOCUMENT)
    assert main(["provision", "--config", str(tmp_path / "gateway.yaml")]) == 2
    assert "nucleus" in capsys.readouterr().err


def test_an_unknown_template_name_is_named_with_its_place():
    with pytest.raises(ConfigError, match=r"\$\.fleet\.identity\.template"):
        parse(DOCUMENT.replace("thresher-gateways", "'a b'").encode(), source="test")
