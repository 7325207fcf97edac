"""A fingerprint that a copied disk does not carry along."""

from pathlib import Path

import pytest

from device_agent.identity import is_same_machine, read_hardware, remembered


def write(root: Path, path: str, content: str) -> None:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content)


def card(root: Path, name: str, address: str, *, assigned: str = "0", real: bool = True) -> None:
    write(root, f"sys/class/net/{name}/address", address + "\n")
    write(root, f"sys/class/net/{name}/addr_assign_type", assigned + "\n")
    if real:
        (root / f"sys/class/net/{name}/device").mkdir()


def test_a_boards_serial_comes_first(tmp_path: Path) -> None:
    write(tmp_path, "proc/device-tree/serial-number", "10000000abcdef01\0")
    card(tmp_path, "eth0", "dc:a6:32:00:00:01")
    first = read_hardware(tmp_path)
    card(tmp_path, "eth1", "dc:a6:32:00:00:02")

    assert first.startswith("board-")
    assert is_same_machine(first, read_hardware(tmp_path))


def test_two_boards_differ(tmp_path: Path) -> None:
    write(tmp_path / "a", "proc/device-tree/serial-number", "10000000abcdef01\0")
    write(tmp_path / "b", "proc/device-tree/serial-number", "10000000abcdef02\0")

    assert read_hardware(tmp_path / "a") != read_hardware(tmp_path / "b")


def test_a_serial_of_zeros_is_none(tmp_path: Path) -> None:
    write(tmp_path, "proc/device-tree/serial-number", "0000000000000000\0")

    assert read_hardware(tmp_path) == ""


def test_only_real_cards_with_their_own_address_count(tmp_path: Path) -> None:
    card(tmp_path, "docker0", "02:42:00:00:00:01", assigned="3", real=False)
    card(tmp_path, "wlan0", "02:00:00:00:00:01", assigned="1")
    assert read_hardware(tmp_path) == ""
    card(tmp_path, "eth0", "dc:a6:32:00:00:01")

    assert read_hardware(tmp_path).startswith("network-")


@pytest.mark.parametrize(
    ("known", "now", "same"),
    [
        ("", "board-1", True),
        ("board-1", "", True),
        ("board-1 network-a", "board-1 network-b", True),
        ("board-1 network-a", "board-2 network-a", False),
        ("product-1 network-a", "network-a", True),
        ("network-a", "product-1 network-a", True),
        ("network-a network-b", "network-b network-c", True),
        ("network-a", "network-b", False),
        ("board-1", "product-1", False),
    ],
)
def test_the_strongest_fingerprint_that_both_have_decides(known: str, now: str, same: bool) -> None:  # noqa: FBT001
    assert is_same_machine(known, now) is same


def test_a_process_that_sees_less_does_not_forget_what_another_saw() -> None:
    assert remembered("product-1 network-a", "network-a") == "product-1 network-a"
    assert remembered("network-a", "product-1 network-b") == "product-1 network-b"
    assert remembered("", "board-1") == "board-1"
