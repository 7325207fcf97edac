"""``thresher doctor`` against a broker with mutual TLS."""

import msgspec

from device_agent.doctor.broker import broker_findings


def test_the_doctor_reaches_the_broker_and_takes_no_session(site):
    config = site.config(site.files("gw-doctor"))
    (finding,) = broker_findings(config)
    assert finding.level == "good", finding


def test_a_link_that_is_cut_is_told(site, link):
    config = site.config(site.files("gw-doctor"), port=link.port)
    link.cut()
    (finding,) = broker_findings(config)
    assert finding.level == "problem"
    assert finding.remedy


def test_another_authority_is_not_trusted(site):
    config = site.config(site.files("gw-doctor"))
    (finding,) = broker_findings(msgspec.structs.replace(config, ca=config.certificate))
    assert "not trusted" in finding.what
