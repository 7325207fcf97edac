import ipaddress
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from twin.aws import Clients
from twin.errors import TwinError
from twin.ministack import MiniStack
from twin.ports import prove_loopback

_KILLED_STARTER = """
import sys, time
from pathlib import Path
from twin.ministack import MiniStack
stack = MiniStack(Path(sys.argv[1]))
stack.start()
stack.wait()
print(stack._running().pid, flush=True)
time.sleep(60)
"""


def test_every_listening_socket_is_on_loopback(stack: MiniStack) -> None:
    addresses = stack.prove_loopback()
    assert {port for _, port in addresses} >= {stack.endpoint.port, stack.endpoint.mqtt_port}
    assert all(ipaddress.ip_address(host).is_loopback for host, _ in addresses)


def test_no_other_address_of_this_machine_answers(stack: MiniStack) -> None:
    others = {
        address.address
        for addresses in psutil.net_if_addrs().values()
        for address in addresses
        if address.family == socket.AF_INET and not ipaddress.ip_address(address.address).is_loopback
    }
    for host in others:
        for port in stack.endpoint:
            with socket.socket() as sock:
                sock.settimeout(1.0)
                assert sock.connect_ex((host, port)) != 0, f"{host}:{port} answers"


def test_a_socket_on_every_interface_is_refused() -> None:
    with socket.socket() as sock:
        sock.bind(("0.0.0.0", 0))  # noqa: S104 - the very thing that must be found
        sock.listen()
        with pytest.raises(TwinError, match=r"0\.0\.0\.0"):
            prove_loopback([psutil.Process()])


def test_the_users_aws_set_up_is_never_used(stack: MiniStack, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_PROFILE": "production",
        "AWS_ACCESS_KEY_ID": "AKIAREAL",
        "AWS_SECRET_ACCESS_KEY": "real",
        "AWS_SESSION_TOKEN": "real",
        "AWS_ENDPOINT_URL": "http://aws.invalid",
        "HTTP_PROXY": "http://proxy.invalid:3128",
        "http_proxy": "http://proxy.invalid:3128",
    }.items():
        monkeypatch.setenv(name, value)
    assert Clients(stack.endpoint).make("sts").get_caller_identity()["Arn"].endswith(":root")


def test_stopping_ends_the_whole_tree_and_frees_the_ports(tmp_path: Path) -> None:
    with MiniStack(tmp_path) as stack:
        stack.wait()
        tree = stack._running().tree()
    assert not any(process.is_running() for process in tree)
    for port in stack.endpoint:
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", port))


def test_the_cloud_ends_when_its_starter_is_killed(tmp_path: Path) -> None:
    starter = subprocess.Popen(
        [sys.executable, "-c", _KILLED_STARTER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert starter.stdout is not None
    with starter.stdout:
        cloud = psutil.Process(int(starter.stdout.readline()))
    os.kill(starter.pid, signal.SIGKILL)
    starter.wait(timeout=10)
    deadline = time.monotonic() + 10
    while cloud.is_running() and cloud.status() != psutil.STATUS_ZOMBIE and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not cloud.is_running() or cloud.status() == psutil.STATUS_ZOMBIE


def test_a_cloud_that_cannot_start_says_why(tmp_path: Path) -> None:
    with MiniStack(tmp_path) as stack:
        stack._running().stop()
        with pytest.raises(TwinError, match="ministack ended with exit code"):
            stack.wait()
