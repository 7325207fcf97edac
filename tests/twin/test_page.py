import http.client
from collections.abc import Iterator

import pytest

from tests.twin.memory import MemoryBackend
from twin.errors import UsageError
from twin.page import PageServer, page_key


@pytest.fixture
def server() -> Iterator[PageServer]:
    with PageServer(0) as running:
        yield running


def get(server: PageServer, target: str, *, host: str | None = None) -> http.client.HTTPResponse:
    netloc = server.url.removeprefix("http://")
    connection = http.client.HTTPConnection(netloc, timeout=5)
    connection.request("GET", target, headers={"Host": host or netloc})
    response = connection.getresponse()
    response.body = response.read()  # type: ignore[attr-defined]
    connection.close()
    return response


def test_page_and_api_are_one_origin(server: PageServer) -> None:
    server.connect(MemoryBackend())
    assert get(server, "/").body == b"<!doctype html><p>page"  # type: ignore[attr-defined]
    assert get(server, "/api/fleet?minutes=5").body == b"{}"  # type: ignore[attr-defined]


def test_before_the_cloud_is_ready_the_page_says_so(server: PageServer) -> None:
    assert get(server, "/").status == 503


def test_a_busy_port_is_named_with_a_remedy(server: PageServer) -> None:
    port = int(server.url.rsplit(":", 1)[1])
    with pytest.raises(UsageError, match=f"port {port} on 127") as refused:
        PageServer(port)
    assert "--port" in refused.value.remedy


def test_another_host_name_is_not_answered(server: PageServer) -> None:
    server.connect(MemoryBackend())
    assert get(server, "/api/fleet", host="evil.example").status == 421


def test_every_answer_carries_a_content_security_policy(server: PageServer) -> None:
    for target in ("/", "/api/fleet", "/none"):
        policy = get(server, target).headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy


@pytest.mark.parametrize(
    "target", ["/../secret", "/a/../../secret", "/%2e%2e/secret", "/..%2fsecret", "/a\\..\\b", "x", "/a%00b"]
)
def test_no_path_climbs_out_of_the_bucket(target: str) -> None:
    assert page_key(target) is None


@pytest.mark.parametrize(
    ("target", "key"),
    [
        ("/", "index.html"),
        ("/app.js?v=1", "app.js"),
        ("/vendor/uPlot.css", "vendor/uPlot.css"),
        ("/docs/", "docs/index.html"),
        ("//double", "double"),
    ],
)
def test_a_path_names_its_key(target: str, key: str) -> None:
    assert page_key(target) == key


def post(server: PageServer, target: str = "/api/gateways/g/episodes/e/label", **headers: str | None) -> int:
    netloc = server.url.removeprefix("http://")
    connection = http.client.HTTPConnection(netloc, timeout=5)
    usual: dict[str, str | None] = {"Host": netloc, "Origin": server.url, "Content-Type": "application/json"}
    sent = {name: value for name, value in (usual | headers).items() if value is not None}
    connection.request("POST", target, body=b'{"label": "true"}', headers=sent)
    response = connection.getresponse()
    connection.close()
    return response.status


def test_what_the_page_says_reaches_the_api(server: PageServer) -> None:
    server.connect(MemoryBackend())
    assert post(server) == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": None}, 403),
        ({"Origin": "null"}, 403),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Length": "99999"}, 413),
    ],
)
def test_another_page_cannot_say_anything(server: PageServer, headers: dict[str, str | None], status: int) -> None:
    server.connect(MemoryBackend())
    assert post(server, **headers) == status


def test_nothing_can_be_said_to_the_pages_bucket(server: PageServer) -> None:
    server.connect(MemoryBackend())
    assert post(server, "/index.html") == 415
