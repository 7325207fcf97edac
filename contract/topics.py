"""Topics, in one place for both sides.

``$aws/rules/<rule>/fleet/<gateway>/events/<lane>``   gateway → cloud, Basic Ingest (no messaging charge)
``$aws/rules/<rule>_logs/fleet/<gateway>/logs``       gateway → cloud, log lines, Basic Ingest
``fleet/<gateway>/stored``                            cloud → gateway, the stored-watermark
``fleet/<gateway>/feedback``                          cloud → gateway, what people said of its episodes
``fleet/<gateway>/certificate/<verb>``                gateway → cloud, about its next certificate (``certificates``)
``fleet/<gateway>/certificate``                       cloud → gateway, the answer
``$aws/things/<gateway>/jobs/<what>``                 IoT Jobs, both ways (AWS IoT Developer Guide, Jobs MQTT API)
``$aws/things/<gateway>/shadow/name/<name>/<what>``   a named shadow, both ways (AWS IoT Developer Guide, Device Shadow)
``$aws/things/<gateway>/tunnels/notify``                cloud → gateway, a way in is to be opened (Secure Tunneling)
``$aws/things/<gateway>/defender/metrics/json``         Device Defender, both ways (AWS IoT Device Defender Guide)
``thresher/v1/<sensor>/blocks``                       between two components of one machine, by its nucleus

A topic stays within AWS IoT Core's seven slashes and 256 bytes (AWS IoT Core endpoints and quotas).
"""

from contract.certificates import Verb
from contract.envelope import check_gateway_id
from contract.events import Lane

DEFAULT_RULE = "thresher_events"


def events_topic(gateway_id: str, lane: Lane, rule: str = DEFAULT_RULE) -> str:
    """Where a gateway publishes the envelopes of one lane."""
    return f"$aws/rules/{rule}/fleet/{check_gateway_id(gateway_id)}/events/{lane}"


def logs_topic(gateway_id: str, rule: str = DEFAULT_RULE) -> str:
    """Where a gateway sends log lines; ``rule`` is the one that takes its events."""
    return f"$aws/rules/{rule}_logs/fleet/{check_gateway_id(gateway_id)}/logs"


def feedback_topic(gateway_id: str) -> str:
    """Where a gateway hears what people said of its episodes."""
    return f"fleet/{check_gateway_id(gateway_id)}/feedback"


def stored_topic(gateway_id: str) -> str:
    """Where a gateway hears what the cloud has stored."""
    return f"fleet/{check_gateway_id(gateway_id)}/stored"


def certificate_topic(gateway_id: str, verb: Verb | None = None) -> str:
    """Where a gateway asks about its next certificate, or, without a verb, hears the answer."""
    return f"fleet/{check_gateway_id(gateway_id)}/certificate" + (f"/{verb}" if verb else "")


def jobs_topic(gateway_id: str, what: str) -> str:
    """Where a gateway and IoT Jobs speak; ``what`` is e.g. ``notify-next``, ``$next/get`` or ``<job id>/update``."""
    return f"$aws/things/{check_gateway_id(gateway_id)}/jobs/{what}"


def shadow_topic(gateway_id: str, name: str, what: str) -> str:
    """Where a gateway and one of its named shadows speak; ``what`` is e.g. ``get``, ``get/accepted`` or ``update``."""
    return f"$aws/things/{check_gateway_id(gateway_id)}/shadow/name/{name}/{what}"


def defender_topic(gateway_id: str, answer: str = "") -> str:
    """Where a gateway reports to Device Defender; ``answer`` is ``/accepted`` or ``/rejected`` where it hears back."""
    return f"$aws/things/{check_gateway_id(gateway_id)}/defender/metrics/json{answer}"


def tunnels_topic(gateway_id: str) -> str:
    """Where a gateway hears that AWS IoT Secure Tunneling wants a way in."""
    return f"$aws/things/{check_gateway_id(gateway_id)}/tunnels/notify"


def blocks_topic(sensor: str) -> str:
    """Where one sensor's blocks of scans pass from its reader to the filter; never leaves the machine."""
    return f"thresher/v1/{sensor}/blocks"
