import time
from types import SimpleNamespace

import pytest
from awscrt import mqtt5

from device_agent.uplink.answers import HANG_UP, why_not_connected


def failure(name: str, code: mqtt5.ConnectReasonCode | None = None) -> mqtt5.LifecycleConnectFailureData:
    error = Exception()
    error.name = name  # type: ignore[attr-defined]
    packet = SimpleNamespace(reason_code=code) if code else None
    return mqtt5.LifecycleConnectFailureData(connack_packet=packet, exception=error)


@pytest.mark.parametrize(
    ("name", "refused"),
    [
        ("AWS_IO_SOCKET_CLOSED", False),
        ("AWS_IO_SOCKET_CONNECTION_REFUSED", False),
        ("AWS_IO_SOCKET_TIMEOUT", False),
        ("AWS_IO_DNS_QUERY_FAILED", False),
        ("AWS_ERROR_MQTT_TIMEOUT", False),
        ("AWS_IO_TLS_ERROR_NEGOTIATION_FAILURE", True),
        (HANG_UP, True),
    ],
)
def test_a_link_that_is_away_says_nothing_and_a_service_that_closes_says_no(name: str, refused: bool) -> None:  # noqa: FBT001
    if "TLS" in name and not 1_767_225_600 < time.time() < 2_000_000_000:
        pytest.fail("this machine's clock is years off")
    assert why_not_connected(failure(name)) == (name, refused)


def test_the_brokers_own_word_comes_first() -> None:
    reason, refused = why_not_connected(failure("AWS_ERROR_MQTT5", mqtt5.ConnectReasonCode.NOT_AUTHORIZED))

    assert (reason, refused) == ("refused by the broker: NOT_AUTHORIZED", True)
