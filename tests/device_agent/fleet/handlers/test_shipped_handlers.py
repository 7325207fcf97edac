"""The handlers that ship, as the processes they are, on a machine whose tools write down what they were asked."""

import signal
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from device_agent.fleet import handlers
from device_agent.fleet.handlers import services
from device_agent.fleet.handlers.download import checked_url
from device_agent.fleet.handlers.tools import ToolError
from device_agent.fleet.handlers.words import WordError
from tests.device_agent.fleet.rig import until

CONTENT = b"0123456789" * 50_000
WITHIN_S = 20.0


class Tools:
    """A machine with some tools, which answer with an exit status."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "tools"
        self.folder.mkdir()
        self.asked = root / "asked"
        self.downloads = root / "downloads"
        self.downloads.mkdir()

    def have(self, name, *, status=0):
        tool = self.folder / name
        tool.write_text(f'#!/bin/sh\necho "{name} $*" >> {self.asked}\nexit {status}\n', encoding="utf-8")
        tool.chmod(0o755)

    @property
    def environment(self):
        return {"PATH": str(self.folder), handlers.DOWNLOADS: str(self.downloads)}

    def run(self, name, *arguments):
        return subprocess.run(
            handlers.command(name, ["", *arguments]),
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def heard(self):
        return self.asked.read_text(encoding="utf-8").splitlines() if self.asked.exists() else []


@pytest.fixture
def tools(tmp_path):
    return Tools(tmp_path)


@pytest.mark.parametrize("what", ["install", "remove"])
def test_packages_are_changed_by_apt_with_names_behind_the_end_of_options(tools, what):
    tools.have("apt-get")
    tools.have("dpkg")
    assert tools.run(f"{what}-packages.sh", "lftp dos2unix").returncode == 0
    *first, last = tools.heard()
    assert first == ["dpkg --configure -a"]
    assert last.startswith("apt-get -y ")
    assert last.endswith(f" {what} -- lftp dos2unix")


def test_packages_are_changed_by_yum_where_there_is_no_apt(tools):
    tools.have("yum", status=7)
    assert tools.run("install-packages.sh", "lftp").returncode == 7
    assert tools.heard() == ["yum -y install -- lftp"]


def test_a_machine_without_any_tool_says_so(tools):
    ended = tools.run("install-packages.sh", "lftp")
    assert (ended.returncode, ended.stderr) == (1, "install-packages.sh: this machine has none of apt-get, dnf, yum\n")


@pytest.mark.parametrize("argument", ["--purge", "lftp-", "a;b", "a\nb", ""])
def test_a_tool_never_sees_an_argument_that_is_no_name(tools, argument):
    tools.have("apt-get")
    ended = tools.run("remove-packages.sh", argument)
    assert ended.returncode == 2
    assert ended.stderr.startswith("remove-packages.sh: ")
    assert not tools.heard()


@pytest.mark.parametrize("what", ["start", "stop", "restart"])
def test_services_are_changed_one_after_another_until_one_fails(tools, what):
    tools.have("systemctl")
    assert tools.run(f"{what}-services.sh", "ssh cron").returncode == 0
    assert tools.heard() == [f"systemctl {what} -- ssh", f"systemctl {what} -- cron"]
    tools.have("systemctl", status=5)
    assert tools.run(f"{what}-services.sh", "ssh", "cron").returncode == 5
    assert tools.heard()[2:] == [f"systemctl {what} -- ssh"]


@pytest.mark.parametrize("name", ["thresher-agent", "thresher-agent.service"])
def test_the_agents_own_service_is_neither_stopped_nor_restarted(tmp_path, name):
    cgroup = tmp_path / "cgroup"
    cgroup.write_text("0::/system.slice/thresher-agent.service/commands\n", encoding="utf-8")
    for what in ("stop", "restart"):
        with pytest.raises(ToolError, match="use an action of type restart"):
            services.change(what, ["ssh", name], cgroup=cgroup)


def test_a_restart_of_the_machine_is_asked_of_what_there_is(tools):
    tools.have("shutdown")
    assert tools.run("reboot.sh").returncode == 0
    tools.have("systemctl")
    assert tools.run("reboot.sh").returncode == 0
    assert tools.heard() == ["shutdown -r now", "systemctl reboot"]
    assert tools.run("reboot.sh", "now").returncode == 2


class Shelf(BaseHTTPRequestHandler):
    """Serves ``CONTENT``; less of it than it announces, or something else, by its path."""

    def do_GET(self):
        if self.path == "/elsewhere":
            self.send_response(302)
            self.send_header("Location", "http://192.0.2.1/file")
            self.end_headers()
        elif self.path == "/denied":
            self.send_error(403)
        elif self.path == "/slow":
            self.send_response(200)
            self.send_header("Content-Length", "many")
            self.end_headers()
            self.wfile.write(CONTENT)
            self.wfile.flush()
            self.server.ended.wait(WITHIN_S)
        else:
            self.send_response(200)
            self.send_header("Content-Length", str(len(CONTENT)))
            self.end_headers()
            self.wfile.write(CONTENT[: 1000 if self.path == "/cut" else None])

    def log_message(self, *_):
        pass


@pytest.fixture
def shelf():
    with ThreadingHTTPServer(("127.0.0.1", 0), Shelf) as server:
        server.ended = threading.Event()
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.ended.set()
        server.shutdown()
        thread.join()


def test_a_file_is_downloaded_whole_and_replaces_what_was_there(tools, shelf):
    target = tools.downloads / "a b"
    target.write_bytes(b"old")
    assert tools.run("download-file.sh", f"{shelf}/file", str(target)).returncode == 0
    assert target.read_bytes() == CONTENT
    assert list(tools.downloads.iterdir()) == [target]


@pytest.mark.parametrize("path", ["cut", "denied", "elsewhere"])
def test_a_file_that_does_not_come_whole_leaves_what_was_there(tools, shelf, path):
    target = tools.downloads / "file"
    target.write_bytes(b"old")
    ended = tools.run("download-file.sh", f"{shelf}/{path}", str(target))
    assert ended.returncode != 0
    assert ended.stderr.startswith("download-file.sh: ")
    assert target.read_bytes() == b"old"
    assert list(tools.downloads.iterdir()) == [target]


@pytest.mark.parametrize(("how", "left"), [(signal.SIGTERM, 0), (signal.SIGKILL, 1)])
def test_a_download_that_is_ended_leaves_nothing_and_one_that_is_killed_no_more_than_one_file(tools, shelf, how, left):
    target = tools.downloads / "file"
    for _ in range(2):
        command = handlers.command("download-file.sh", ["", f"{shelf}/slow", str(target)])
        with subprocess.Popen(command, env=tools.environment) as child:
            until(lambda: any(each.stat().st_size for each in tools.downloads.iterdir()))
            child.send_signal(how)
        assert child.returncode == -how
        assert len(list(tools.downloads.iterdir())) == left
    assert tools.run("download-file.sh", f"{shelf}/file", str(target)).returncode == 0
    assert list(tools.downloads.iterdir()) == [target]


@pytest.mark.parametrize(
    "path", ["{root}/file", "{root}/downloads/../file", "file", "{root}/downloads", "{root}/link/file"]
)
def test_a_file_outside_the_folders_of_downloads_is_not_written(tools, shelf, path, tmp_path):
    (tmp_path / "link").symlink_to(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    ended = tools.run("download-file.sh", f"{shelf}/file", path.format(root=tmp_path))
    assert (ended.returncode, sorted(tmp_path.rglob("*"))) == (2, before)


def test_a_link_in_a_folder_of_downloads_is_not_followed(tools, shelf, tmp_path):
    (tools.downloads / "file").symlink_to(tmp_path / "outside")
    assert tools.run("download-file.sh", f"{shelf}/file", str(tools.downloads / "file")).returncode == 2
    assert not (tmp_path / "outside").exists()


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/x",
        "http://127.0.0.1.example.com/x",
        "http://[::1",
        "https:///x",
        "https://example.com/a b",
        "https://exämple.com/",
        "https://example.com/\r\nX: y",
        "ftp://example.com/x",
        "file:///etc/passwd",
        "--help",
    ],
)
def test_a_url_is_of_https_or_of_this_machine(url):
    with pytest.raises(WordError):
        checked_url(url)
    assert checked_url("https://example.com/x?y=z") == "https://example.com/x?y=z"
