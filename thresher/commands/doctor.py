"""thresher doctor: can this gateway work on this machine, and if not, what to do.

It looks at the document, clock, disk, buses, sensors, certificates and broker, and changes nothing. Beside a running
``thresher run`` sensors are not opened; what that process says of them counts. Exit status: 0 no problem, 1 problems.
"""

import argparse
import json
from pathlib import Path

import msgspec

from device_agent.config.origins import DEFAULT
from device_agent.doctor.examination import Report, examined


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("--config", type=Path, required=True, help="the gateway's YAML document")
    parser.add_argument("--offline", action="store_true", help="do not try to reach the broker")
    parser.add_argument("--values", action="store_true", help="also show values that nobody set")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Looks, and says what it found."""
    report = examined(arguments.config, offline=arguments.offline)
    if arguments.json:
        print(msgspec.json.encode(report).decode())
    else:
        _show(report, everything=arguments.values)
    return 0 if report.healthy else 1


def _show(report: Report, *, everything: bool) -> None:
    shown = [each for each in report.values if everything or each.source != DEFAULT]
    width = max((len(each.place) for each in shown), default=0)
    for each in shown:
        over = f", over {', '.join(each.over)}" if each.over else ""
        print(f"{each.place:<{width}}  {json.dumps(each.value)}  ({each.source}{over})")
    for finding in report.findings:
        print(f"{finding.level:<8} {finding.area:<13} {finding.what}")
        if finding.remedy:
            print(f"{'':<8} {'':<13} try: {finding.remedy}")
    problems = sum(finding.level == "problem" for finding in report.findings)
    print(f"{problems} problem{'' if problems == 1 else 's'}")
