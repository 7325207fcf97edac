"""thresher fleet lint-job: check job documents before they are sent.

Every finding has its place and a remedy. Presigned URLs may stand as their placeholders; a template's parameters take
the values given with --parameter. Exit status: 0 nothing found but warnings, 1 an error was found.
"""

import argparse
import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from operations.fleet.job_lint import Finding


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="JSON documents")
    parser.add_argument(
        "--parameter",
        action="append",
        default=[],
        type=_parameter,
        metavar="NAME=VALUE",
        help="a template's parameter (repeatable)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")


def run(arguments: argparse.Namespace) -> int:
    """Checks each; returns the exit status."""
    lint: Any = importlib.import_module("operations.fleet.job_lint")
    parameters = dict(arguments.parameter)
    found: dict[str, list[Finding]] = {str(file): lint.lint_file(file, parameters) for file in arguments.files}
    errors = sum(one.severity == "error" for findings in found.values() for one in findings)
    warnings = sum(map(len, found.values())) - errors
    if arguments.json:
        documents = [{"file": file, "findings": findings} for file, findings in found.items()]
        print(msgspec.json.encode({"errors": errors, "warnings": warnings, "documents": documents}).decode())
    else:
        for file, findings in found.items():
            for one in findings:
                print(f"{file}: {one}")
        print(f"{errors} errors, {warnings} warnings", file=sys.stderr)
    return 1 if errors else 0


def _parameter(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value
