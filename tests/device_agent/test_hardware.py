"""A fingerprint that a copied disk does not carry along."""

from pathlib import Path

from device_agent.identity import read_hardware


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
    assert read_hardware(tmp_path) == first


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
