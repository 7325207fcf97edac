"""Device files that sensors and outputs open: whether they are there, and whether this user may use them."""

import grp
import os
import pwd
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from device_agent.doctor.findings import Finding, good, problem
from device_agent.outputs.port import OutputConfig
from device_agent.sensors.port import SensorConfig

_SWITCH_ON: Final = {
    "/dev/i2c-": "sudo raspi-config nonint do_i2c 0 (or dtparam=i2c_arm=on in /boot/firmware/config.txt), then reboot",
    "/dev/spidev": "sudo raspi-config nonint do_spi 0 (or dtparam=spi=on in /boot/firmware/config.txt), then reboot",
    "/dev/gpiochip": "run this on a machine with GPIO pins, with a kernel that has CONFIG_GPIO_CDEV",
    "/dev/tty": "plug the adapter in; `ls -l /dev/serial/by-id` shows which name it got",
    "/dev/serial": "plug the adapter in; `ls -l /dev/serial/by-id` shows which names there are",
    "/sys/bus/w1": "add dtoverlay=w1-gpio to /boot/firmware/config.txt, then reboot",
}
_ELSE: Final = "check the path, and that its driver is loaded (`dmesg | tail`)"


def device_findings(parts: Iterable[SensorConfig | OutputConfig]) -> list[Finding]:
    """One for each device file that a sensor or an output names."""
    users: dict[str, list[str]] = {}
    for part in parts:
        for device in part.devices():
            users.setdefault(device, []).append(f"`{part.name}`")
    return [_look(Path(device), f"{device} (for {', '.join(names)})") for device, names in users.items()]


def _look(path: Path, named: str) -> Finding:
    if not path.exists():
        remedy = next((hint for start, hint in _SWITCH_ON.items() if str(path).startswith(start)), _ELSE)
        return problem("buses", f"{named} is not there", remedy)
    needed = os.X_OK if path.is_dir() else os.W_OK if path.is_char_device() else 0
    if not os.access(path, os.R_OK | needed, effective_ids=True):
        return problem("buses", f"{named}: this user may not use it", _permission(path))
    return good("buses", f"{named} can be used")


def _permission(path: Path) -> str:
    status = path.stat()
    try:
        user, group = pwd.getpwuid(os.geteuid()).pw_name, grp.getgrgid(status.st_gid).gr_name
    except KeyError:
        return f"give the user that runs the gateway access to {path}"
    if status.st_mode & 0o060 and group != "root":
        return f"sudo usermod -aG {group} {user}, then log in again (a service: SupplementaryGroups={group})"
    return f"give {user} access by a udev rule, e.g. MODE=0660 and a GROUP it is in"
