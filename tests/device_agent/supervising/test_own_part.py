"""What carries an update back works by a document that this installation does not understand."""

import pytest

from device_agent.errors import ConfigError
from device_agent.supervising.own_part import load_for_updates
from device_agent.supervising.terms import Terms

KNOWN = """
gateway: gw-1
state_dir: state
sensors: [{type: host, name: host}]
fleet:
  trust: {root: root.json, site: plant-3}
  update: {defer_limit_s: 5}
"""
NEWER = KNOWN.replace("site: plant-3", "site: plant-3, orbit: low") + "oracle: {asks: true}\n"


@pytest.fixture
def terms(tmp_path):
    return Terms(gateway="gw-1", state_dir=str(tmp_path / "state"))


@pytest.mark.parametrize("text", [KNOWN, NEWER], ids=["known", "newer"])
def test_trust_and_bounds_are_those_of_the_document(tmp_path, terms, text):
    document = tmp_path / "gateway.yaml"
    document.write_text(text)
    found = load_for_updates(document, terms)
    assert found.fleet.trust.root == str(tmp_path / "root.json")
    assert (found.fleet.trust.site, found.fleet.update.defer_limit_s) == ("plant-3", 5)
    assert (found.gateway, found.filter.model) == ("gw-1", "")


def test_a_named_model_still_wins_over_any_that_a_job_brings(tmp_path, terms):
    document = tmp_path / "gateway.yaml"
    document.write_text(NEWER + "filter: {model: own.tflite, oracle: yes}\n")
    assert load_for_updates(document, terms).model_path() is not None


def test_what_is_no_yaml_is_an_error_that_names_the_file(tmp_path, terms):
    document = tmp_path / "gateway.yaml"
    document.write_text("gateway: [")
    with pytest.raises(ConfigError, match=r"gateway\.yaml"):
        load_for_updates(document, terms)
