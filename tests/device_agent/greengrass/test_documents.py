import threading
from pathlib import Path

import pytest

from device_agent.config import parse
from device_agent.errors import ConfigError
from device_agent.greengrass.documents import Documents
from device_agent.greengrass.place import EDGE_FILTER, EVENT_FORWARDER, Place
from device_agent.ipc.memory import MemoryHost, MemoryNucleus
from device_agent.sensors.host import HostSensor


def documents(place, values=None, **others):
    host = MemoryHost(configuration={place.component: values or {}, **others})
    nucleus = MemoryNucleus(host, place.component)
    nucleus.open(lambda _: None)
    return Documents(nucleus, place)


def read(made):
    return made.read(threading.Event())


def test_a_component_runs_without_any_configuration(place):
    config = read(documents(place))
    assert config.gateway == "press-3"
    assert config.sensors == [HostSensor(name="machine")]
    assert config.uplink.type == "greengrass"
    assert Path(config.state_dir) == place.work


def test_the_keys_are_those_of_the_yaml_document(place):
    values = {"summary_s": 30, "filter": {"calibration_scans": 200}, "uplink": {"linger_s": 2}, "state_dir": "kept"}
    config = read(documents(place, {**values, "accessControl": {"aws.greengrass.ipc.mqttproxy": {}}}))
    same = parse(
        b"{gateway: press-3, sensors: [{type: host, name: machine}], state_dir: kept, summary_s: 30,"
        b" filter: {calibration_scans: 200}, uplink: {type: greengrass, linger_s: 2}}",
        source="yaml",
    )
    assert config.filter == same.filter
    assert config.uplink == same.uplink
    assert config.summary_s == same.summary_s
    assert Path(config.state_dir) == place.work / "kept"


@pytest.mark.parametrize("number", [200, 200.0, "200", "200.0"])
def test_a_number_may_come_in_any_form_that_loses_nothing(place, number):
    assert read(documents(place, {"filter": {"calibration_scans": number}})).filter.calibration_scans == 200


@pytest.mark.parametrize(
    ("values", "place_named", "remedy"),
    [
        ({"filter": {"calibration_scans": 200.5}}, r"\$\.filter\.calibration_scans", "mend"),
        ({"sensors": [{"type": "host", "name": "a"}, {"type": "host", "nmae": "b"}]}, r"\$\.sensors\[1\]", "`name`"),
        ({"sensors": [{"type": "horst", "name": "a"}]}, r"\$\.sensors\[0\]\.type", "host"),
        ({"uplink": {"endpoint": "x"}}, r"`endpoint` is the nucleus's - at `\$\.uplink`", "leave out"),
        ({"uplink": 5}, r"\$\.uplink", "mend"),
        ({"gateway": "press-4"}, r"`press-4`, but this core device is `press-3`", "leave `gateway` out"),
        ({"state_dir": 5}, r"\$\.state_dir", "mend"),
    ],
)
def test_a_mistake_is_named_with_its_place_and_what_to_try(place, values, place_named, remedy):
    with pytest.raises(ConfigError, match=place_named) as caught:
        read(documents(place, values))
    assert remedy in caught.value.remedy


def test_sensors_may_be_named_by_a_mapping_so_that_a_deployment_can_change_one(place):
    sensors = {"b": {"type": "host"}, "a": {"type": "host", "rate_hz": 5}}
    assert [each.name for each in read(documents(place, {"sensors": sensors})).sensors] == ["a", "b"]
    with pytest.raises(ConfigError, match=r"\$\.sensors\[0\]"):
        read(documents(place, {"sensors": {"a": 5}}))


def test_an_uplink_of_its_own_would_take_the_session_over_and_is_refused(place):
    uplink = {"type": "mqtt", "endpoint": "e", "certificate": "c", "private_key": "k", "ca": "a"}
    with pytest.raises(ConfigError, match="take the nucleus's session over"):
        read(documents(place, {"uplink": uplink}))


def test_a_core_device_without_a_name_is_asked_for_one(place):
    with pytest.raises(ConfigError, match="AWS_IOT_THING_NAME"):
        read(documents(place._replace(thing="")))
    assert read(documents(place._replace(thing=""), {"gateway": "bench"})).gateway == "bench"


def test_the_forwarder_opens_the_spool_that_the_filter_fills(tmp_path):
    place = Place(EVENT_FORWARDER, "press-3", tmp_path / EVENT_FORWARDER, "")
    assert Path(read(documents(place)).state_dir) == tmp_path / EDGE_FILTER
    spool = {"max_bytes": 100_000}
    shared = documents(place, **{EDGE_FILTER: {"state_dir": "deep", "spool": spool, "summary_s": 5}})
    assert Path(read(shared).state_dir) == tmp_path / EDGE_FILTER / "deep"
    assert read(shared).spool.max_bytes == 100_000


def test_a_nucleus_that_is_away_is_waited_for(place):
    host = MemoryHost()
    host.stop()
    nucleus = MemoryNucleus(host, place.component)
    nucleus.open(lambda _: None)
    threading.Timer(0.2, host.start).start()
    assert read(Documents(nucleus, place)).gateway == "press-3"


def test_a_component_that_is_told_to_end_waits_no_more(place):
    host, stop = MemoryHost(), threading.Event()
    host.stop()
    stop.set()
    assert Documents(MemoryNucleus(host, place.component), place).read(stop) is None


def test_what_the_nucleus_holds_is_laid_over_the_files_it_extends(place, tmp_path):
    file = tmp_path / "press.yaml"
    file.write_text("summary_s: 20\nhealth_s: 120\nsensors: [{type: host, name: frame, rate_hz: 5}]\n")
    values = {"extends": {"type": str(file)}, "summary_s": 30, "sensors": {"frame": {"rate_hz": 2}}}
    config = read(documents(place, values))
    assert (config.summary_s, config.health_s) == (30, 120)
    assert config.sensors == [HostSensor(name="frame", rate_hz=2)]


def test_a_mistake_in_a_file_below_is_refused_with_its_place(place, tmp_path):
    (tmp_path / "press.yaml").write_text("gateway: press-4\n")
    with pytest.raises(ConfigError, match=r"press\.yaml: `gateway` is the gateway's own"):
        read(documents(place, {"extends": {"site": str(tmp_path / "press.yaml")}}))
