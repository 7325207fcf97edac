import socket

import pytest

from device_agent.config import ProxyConfig, UplinkConfig
from device_agent.doctor.broker import broker_findings
from tests.device_agent.doctor.conftest import LOOPBACK, Authority, demanding


@pytest.fixture
def uplink(authority):
    certificate, key = authority.issue("gateway")
    return lambda port, **others: UplinkConfig(
        **{"endpoint": LOOPBACK, "certificate": certificate, "private_key": key, "ca": authority.file, "port": port}
        | others
    )


def look(uplink, timeout_s=5.0):
    (finding,) = broker_findings(uplink, timeout_s=timeout_s)
    assert finding.level != "problem" or finding.remedy
    return finding


def test_a_broker_that_takes_the_certificate_is_reached(serve, authority, uplink):
    finding = look(uplink(serve(demanding(authority))))
    assert finding.level == "good"
    assert "TLSv1.3" in finding.what


def test_a_certificate_that_the_broker_does_not_know_is_told(serve, authority, uplink, tmp_path):
    (tmp_path / "other").mkdir()
    certificate, key = Authority(tmp_path / "other", "other").issue("stranger")
    finding = look(uplink(serve(demanding(authority)), certificate=certificate, private_key=key))
    assert finding.level == "problem"
    assert "refuses this gateway's certificate" in finding.what


def test_a_broker_of_another_authority_is_not_trusted(serve, uplink, tmp_path):
    (tmp_path / "other").mkdir()
    finding = look(uplink(serve(demanding(Authority(tmp_path / "other", "other")))))
    assert "its certificate is not trusted" in finding.what


def test_a_broker_of_another_name_is_not_trusted(serve, authority, uplink):
    finding = look(uplink(serve(demanding(authority)), endpoint="localhost"))
    assert "not trusted" in finding.what
    assert "localhost" in finding.what


def test_a_port_where_nobody_listens_is_told(uplink):
    with socket.create_server((LOOPBACK, 0)) as listener:
        port = listener.getsockname()[1]
    finding = look(uplink(port))
    assert "cannot be reached" in finding.what


def test_a_server_that_says_nothing_is_given_up(serve, uplink):
    assert "no answer" in look(uplink(serve(lambda _: None)), timeout_s=0.2).what


def test_a_server_without_tls_is_told(serve, uplink):
    finding = look(uplink(serve(lambda connection: connection.sendall(b"hello" * 100))))
    assert finding.level == "problem"


def test_a_proxy_that_lets_through_is_used(serve, authority, uplink, tmp_path):
    (tmp_path / "password").write_text("secret\n")
    asked = []
    broker = demanding(authority)

    def proxy(connection):
        asked.append(connection.recv(4096).decode())
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        return broker(connection)

    through = ProxyConfig(host=LOOPBACK, port=serve(proxy), user="u", password_file=str(tmp_path / "password"))
    assert look(uplink(1, proxy=through)).level == "good"
    assert asked[0].startswith(f"CONNECT {LOOPBACK}:1 HTTP/1.1\r\n")
    assert "Proxy-Authorization: Basic dTpzZWNyZXQ=" in asked[0]


def test_a_proxy_that_forbids_is_told(serve, uplink):
    port = serve(lambda connection: connection.sendall(b"HTTP/1.1 403 Forbidden\r\n\r\n"))
    assert "403 Forbidden" in look(uplink(1, proxy=ProxyConfig(host=LOOPBACK, port=port))).what


def test_under_a_nucleus_nothing_is_tried():
    assert look(UplinkConfig(type="greengrass")).level == "note"
