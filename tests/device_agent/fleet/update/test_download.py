"""Downloads against a real server on loopback that does what servers and links do."""

import hashlib
import itertools
import random
from pathlib import Path

import msgspec
import pytest

from bench.updates.server import Answering, Server, serving
from contract.jobs import Bundle
from device_agent.errors import UpdateError
from device_agent.fleet.port import Interrupted
from device_agent.fleet.update.download import Downloads, Limits, describe
from device_agent.fleet.update.errors import DownloadError, ExpiredError, HopelessError
from device_agent.fleet.update.source import Access

CONTENT = random.Random(1).randbytes(300_000)  # noqa: S311 - any bytes
LIMITS = Limits(most_bytes=1 << 20, spare_bytes=0, slowest_bytes_s=1000)


def bundle_at(url: str, content: bytes = CONTENT) -> Bundle:
    digest = hashlib.sha256(content).hexdigest()
    return Bundle(kind="model", name="level", version="1.0.0", url=url, size=len(content), sha256=digest)


def goes_on() -> None:
    pass


def fetch(server: Server, folder: Path, *, tries: int = 1, limits: Limits = LIMITS) -> bytes:
    """Fetches in so many tries, all but the last of which fail."""
    downloads, bundle = Downloads(Access(), limits), bundle_at(server.url)
    for _ in range(tries - 1):
        with pytest.raises(DownloadError):
            downloads(bundle, folder, goes_on)
    return downloads(bundle, folder, goes_on).read_bytes()


def test_what_broke_off_is_resumed_where_it_broke_off(tmp_path: Path) -> None:
    with serving(Server(CONTENT, Answering(most=100_000), Answering(most=100_000), Answering())) as server:
        assert fetch(server, tmp_path, tries=3) == CONTENT
    assert [wanted for _, wanted in server.asked] == ["", "bytes=100000-", "bytes=200000-"]
    assert server.sent == len(CONTENT)


def test_a_server_without_ranges_is_asked_for_all_of_it(tmp_path: Path) -> None:
    with serving(Server(CONTENT, Answering(most=100_000), Answering(ranges=False))) as server:
        assert fetch(server, tmp_path, tries=2) == CONTENT


def test_another_version_on_the_server_is_never_mixed_with_what_is_there(tmp_path: Path) -> None:
    with serving(Server(bytes(len(CONTENT)), Answering(most=100_000), Answering(etag='"2"'))) as server:
        downloads = Downloads(Access(), LIMITS)
        with pytest.raises(DownloadError):
            downloads(bundle_at(server.url), tmp_path, goes_on)
        server.content = CONTENT
        assert downloads(bundle_at(server.url), tmp_path, goes_on).read_bytes() == CONTENT
    assert server.sent == 100_000 + len(CONTENT)


def test_a_resumed_download_with_another_digest_is_fetched_anew_once_more(tmp_path: Path) -> None:
    part = tmp_path / f"{hashlib.sha256(CONTENT).hexdigest()}.part"
    part.write_bytes(bytes(5000))  # a power cut left sectors that were never written
    with serving(Server(CONTENT)) as server:
        assert fetch(server, tmp_path, tries=2) == CONTENT
    assert [wanted for _, wanted in server.asked] == ["bytes=5000-", ""]


@pytest.mark.parametrize("status", [401, 403, 410])
def test_an_expired_url_is_said_to_be_one_and_what_arrived_stays_j11(tmp_path: Path, status: int) -> None:
    answers = Answering(most=100_000), Answering(status=status), Answering()
    with serving(Server(CONTENT, *answers)) as server:
        downloads, bundle = Downloads(Access(), LIMITS), bundle_at(server.url)
        with pytest.raises(DownloadError):
            downloads(bundle, tmp_path, goes_on)
        with pytest.raises(ExpiredError):
            downloads(bundle, tmp_path, goes_on)
        fresh = msgspec.structs.replace(bundle, url=f"{bundle.url}?signature=fresh")
        assert downloads(fresh, tmp_path, goes_on).read_bytes() == CONTENT
    assert server.asked[-1] == ("/bundle?signature=fresh", "bytes=100000-")


@pytest.mark.parametrize(
    "answer",
    [
        Answering(endless=True),
        Answering(stated=10**9),
        Answering(stated=10),
        Answering(status=500),
        Answering(status=404),
    ],
)
def test_what_is_not_the_announced_size_is_refused_and_no_more_than_it_is_taken(
    tmp_path: Path, answer: Answering
) -> None:
    with serving(Server(CONTENT, answer)) as server, pytest.raises(DownloadError):
        fetch(server, tmp_path)
    assert sum(each.stat().st_size for each in tmp_path.iterdir()) <= len(CONTENT)


def test_a_download_that_is_too_slow_is_broken_off(tmp_path: Path) -> None:
    clock = itertools.count(step=40).__next__
    with serving(Server(CONTENT, Answering(most=20_000, hang=True))) as server:
        downloads = Downloads(Access(), LIMITS, monotonic_s=clock)
        with pytest.raises(DownloadError, match="too slow"):
            downloads(bundle_at(server.url), tmp_path, goes_on)


def test_other_bytes_are_never_handed_on_j12(tmp_path: Path) -> None:
    altered = bytearray(CONTENT)
    altered[1000] ^= 1
    with serving(Server(bytes(altered))) as server, pytest.raises(DownloadError, match="digest"):
        fetch(server, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_without_room_is_seen_before_anything_is_fetched_j17(tmp_path: Path) -> None:
    with serving(Server(CONTENT)) as server:
        downloads = Downloads(Access(), LIMITS._replace(spare_bytes=1000), free=lambda _: len(CONTENT) + 999)
        with pytest.raises(UpdateError, match="301000 bytes needed, 300999 are free"):
            downloads(bundle_at(server.url), tmp_path, goes_on)
    assert server.asked == []


def test_more_than_is_allowed_is_never_asked_for(tmp_path: Path) -> None:
    with serving(Server(CONTENT)) as server, pytest.raises(HopelessError, match="1000 are allowed"):
        fetch(server, tmp_path, limits=LIMITS._replace(most_bytes=1000))
    assert server.asked == []


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/b",
        "ftp://127.0.0.1/b",
        "https://user:word@127.0.0.1/b",
        "https://",
        "//x",
        "file://host/b",
        "http://127.0.0.1.example.com/",
        "https://[::1",
    ],
)
def test_only_https_is_asked_beyond_this_machine(tmp_path: Path, url: str) -> None:
    with pytest.raises(HopelessError):
        Downloads(Access(), LIMITS)(bundle_at(url), tmp_path, goes_on)


def test_a_redirect_out_of_https_is_not_followed(tmp_path: Path) -> None:
    answer = Answering(status=302, location="http://example.com/")
    with serving(Server(CONTENT, answer)) as server, pytest.raises(HopelessError, match="only https"):
        fetch(server, tmp_path)


def test_redirects_end(tmp_path: Path) -> None:
    answer = Answering(status=302, location="/again")
    with serving(Server(CONTENT, answer)) as server, pytest.raises(DownloadError, match="redirects"):
        fetch(server, tmp_path)
    assert len(server.asked) == 4


def test_a_presigned_query_is_never_in_a_message(tmp_path: Path) -> None:
    bundle = bundle_at("http://127.0.0.1:9/b?X-Amz-Signature=5ecret")
    with pytest.raises(DownloadError) as refused:
        Downloads(Access(), LIMITS)(bundle, tmp_path, goes_on)
    assert "5ecret" not in str(refused.value)


def test_who_is_told_to_end_ends_within_a_piece(tmp_path: Path) -> None:
    def stop() -> None:
        raise Interrupted

    with serving(Server(CONTENT)) as server, pytest.raises(Interrupted):
        Downloads(Access(), LIMITS)(bundle_at(server.url), tmp_path, stop)


def test_a_local_file_is_taken_with_the_same_checks(tmp_path: Path) -> None:
    file = tmp_path / "a bundle.tar"
    file.write_bytes(CONTENT)
    bundle = describe(file, bundle_at("https://x/"))
    assert Downloads(Access(), LIMITS)(bundle, tmp_path / "d", goes_on).read_bytes() == CONTENT
    with pytest.raises(DownloadError):
        Downloads(Access(), LIMITS)(msgspec.structs.replace(bundle, sha256="0" * 64), tmp_path / "d", goes_on)
