import hashlib
import json
from pathlib import Path

import msgspec

from device_agent import VERSION
from device_agent.config import GatewayConfig
from device_agent.fleet.update.port import Installed, UpdateState
from device_agent.fleet.visibility.content import facts, model_of, packages, state


def config(folder, **more):
    document = {"gateway": "gw-1", "state_dir": str(folder), "sensors": [{"type": "host", "name": "h"}], **more}
    return msgspec.convert(document, GatewayConfig)


def installed(kind, version):
    return Installed(
        kind=kind, name="x", version=version, release="r", counter=1, content_sha256="c" * 64, bundle_sha256="b" * 64
    )


def test_the_model_that_ships_is_named_by_its_card(tmp_path) -> None:
    card = Path("models/level.card.json").read_bytes()
    version, digest = model_of(config(tmp_path))
    assert (version, digest) == (str(json.loads(card)["version"]), hashlib.sha256(card).hexdigest())


def test_a_published_model_is_named_instead(tmp_path) -> None:
    folder = tmp_path / "models" / "9-abc"
    folder.mkdir(parents=True)
    (folder / "level.card.json").write_text('{"version": 9}')
    (tmp_path / "models" / "current").symlink_to("9-abc")
    assert model_of(config(tmp_path))[0] == "9"


def test_a_named_model_without_a_card_is_not_taken_for_the_one_that_ships(tmp_path) -> None:
    assert model_of(config(tmp_path, filter={"model": str(tmp_path / "own.tflite")})) == ("", "")


def test_another_document_has_another_digest_and_the_same_one_the_same(tmp_path) -> None:
    one, same, other = (
        facts(config(tmp_path, summary_s=number), "boot").configuration_sha256 for number in (60, 60, 30)
    )
    assert one == same != other


def test_what_was_committed_last_is_reported_as_the_packages_version(tmp_path) -> None:
    stands = UpdateState(installed={"model/x": installed("model", "3.1.0")})
    now = facts(config(tmp_path), "boot", lambda: stands)
    assert packages(now)["thresher-model"]["version"] == "3.1.0"
    assert state(now)["model"]["release"] == "3.1.0"
    assert packages(now)["thresher"]["version"] == VERSION


def test_every_package_has_the_form_of_the_catalog(tmp_path) -> None:
    for package in packages(facts(config(tmp_path), "boot")).values():
        assert package.keys() == {"version", "attributes"}
        assert package["version"]
        assert all(isinstance(value, str) and len(value) <= 64 for value in package["attributes"].values())
