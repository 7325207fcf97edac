import re
import subprocess
import sys
from pathlib import Path

import pytest

from device_agent.config import (
    FilterConfig,
    GatewayConfig,
    Pkcs11Config,
    ProxyConfig,
    ShadowConfig,
    UplinkConfig,
    load,
    located,
    parse,
)
from device_agent.errors import ConfigError

GOOD = b"""
gateway: press-3
state_dir: state
sensors:
  - {type: host, name: machine, rate_hz: 10}
uplink: {endpoint: e, certificate: c.pem, private_key: k.pem, ca: ca.pem}
"""


def refusal(text: bytes) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        parse(text, source="gateway.yaml")
    assert caught.value.remedy
    return caught.value


def test_a_minimal_document_is_enough():
    config = parse(b"{gateway: g, state_dir: s, sensors: [{type: host, name: m}]}", source="x")
    assert config.summary_s == 60
    assert config.uplink is None


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        (b"rate_hz: 10", b"rate_hertz: 10", "`rate_hertz` - at `$.sensors[0]`"),
        (b"state_dir: state", b"state_dri: state", "`state_dri`"),
        (b"type: host", b"type: hots", "'hots' - at `$.sensors[0].type`"),
        (b"rate_hz: 10", b"rate_hz: fast", "$.sensors[0].rate_hz"),
        (b"rate_hz: 10", b"rate_hz: 0", "$.sensors[0].rate_hz"),
        (b"rate_hz: 10", b"rate_hz: .nan", "rate_hz"),
        (b"gateway: press-3", b"gateway: press/3", "press/3"),
        (b"name: machine", b"name: 'the machine'", "$.sensors[0].name"),
        (b"ca: ca.pem", b"ca: ca.pem, port: 99999", "$.uplink.port"),
        (b"sensors:", b"sensors: []\nsensor:", "sensor"),
        (b"gateway: press-3", b"gateway: [", "gateway.yaml"),
    ],
)
def test_a_mistake_is_refused_with_its_place(old, new, place):
    assert old in GOOD
    error = refusal(GOOD.replace(old, new))
    assert str(error).startswith("gateway.yaml: ")
    assert place in str(error)


def test_an_unknown_sensor_type_is_answered_with_the_known_ones():
    error = refusal(GOOD.replace(b"type: host", b"type: hots"))
    for known in ("host", "replay"):
        assert known in error.remedy


def test_a_misspelt_key_is_answered_with_the_nearest_one():
    assert refusal(GOOD.replace(b"rate_hz", b"rate_hs")).remedy == "did you mean `rate_hz`?"


def test_two_sensors_of_one_name_are_refused():
    twice = GOOD.replace(b"uplink:", b"  - {type: host, name: machine}\nuplink:")
    assert "'machine' is used twice - at `$.sensors[1].name`" in str(refusal(twice))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=re.escape(str(tmp_path / "none.yaml"))):
        load(tmp_path / "none.yaml")


def test_a_candidates_path_is_taken_from_the_documents_own_folder(tmp_path):
    shadow = ShadowConfig(model="candidates/level-8.tflite")
    config = GatewayConfig(gateway="g", state_dir="s", sensors=[], filter=FilterConfig(shadow=shadow))
    found = located(config, tmp_path).filter.shadow
    assert found == ShadowConfig(model=str(tmp_path / "candidates" / "level-8.tflite"))


def test_relative_paths_are_taken_from_the_documents_own_folder(tmp_path, monkeypatch):
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/gateway.yaml").write_bytes(GOOD)
    monkeypatch.chdir(tmp_path)
    config = load(Path("etc/gateway.yaml"))
    assert config.state_dir == str(tmp_path / "etc/state")
    assert config.uplink is not None
    assert config.uplink.certificate == str(tmp_path / "etc/c.pem")


def test_an_absolute_path_stays_as_it_is(tmp_path):
    file = tmp_path / "gateway.yaml"
    file.write_bytes(GOOD.replace(b"state_dir: state", b"state_dir: /var/lib/thresher"))
    assert load(file).state_dir == "/var/lib/thresher"


@pytest.mark.parametrize(
    ("keys", "right"),
    [
        ("private_key: k.pem", True),
        ("pkcs11: {library: /l.so, token: t, key: k, pin_file: pin}", True),
        ("", False),
        ("private_key: k.pem, pkcs11: {library: /l.so, token: t, key: k, pin_file: pin}", False),
    ],
)
def test_a_key_is_either_a_file_or_in_a_token(keys: str, right: bool) -> None:  # noqa: FBT001
    text = f"""
gateway: gw-1
state_dir: state
sensors: [{{type: host, name: host}}]
uplink: {{endpoint: e, certificate: c.pem, ca: ca.pem, {keys}}}
"""
    if right:
        assert parse(text.encode(), source="test").uplink
    else:
        with pytest.raises(ConfigError, match=r"either a file or in a token - at `\$\.uplink`"):
            parse(text.encode(), source="test")


def test_a_shadow_that_the_gateway_itself_keeps_cannot_change_its_document() -> None:
    text = """
gateway: gw-1
state_dir: state
sensors: [{type: host, name: host}]
uplink: {endpoint: e, certificate: c.pem, private_key: k.pem, ca: ca.pem, shadow: state}
"""
    with pytest.raises(ConfigError, match=r"where the gateway says what it is - at `\$\.uplink\.shadow`"):
        parse(text.encode(), source="test")


def test_secrets_files_are_taken_from_the_documents_folder(tmp_path: Path) -> None:
    uplink = UplinkConfig(
        endpoint="e",
        certificate="c.pem",
        ca="ca.pem",
        pkcs11=Pkcs11Config(library="/l.so", token="t", key="k", pin_file="pin"),  # noqa: S106 - a label
        proxy=ProxyConfig(host="p", user="u", password_file="password"),  # noqa: S106 - a file
    )
    found = located(GatewayConfig(gateway="g", state_dir="s", sensors=[], uplink=uplink), tmp_path).uplink

    assert found is not None
    assert found.pkcs11 is not None
    assert found.proxy is not None
    assert found.pkcs11.pin_file == str(tmp_path / "pin")
    assert found.proxy.password_file == str(tmp_path / "password")
    assert found.private_key == ""


@pytest.mark.parametrize(
    "module", ["config", "greengrass.fleet_agent", "greengrass.event_forwarder", "greengrass.reader"]
)
def test_who_only_reads_a_document_or_takes_scans_needs_no_numpy(module):
    program = f"import sys; sys.modules['numpy'] = None; import device_agent.{module}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-600:]
