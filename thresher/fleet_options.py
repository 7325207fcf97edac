"""What several subcommands of ``thresher fleet`` ask in the same words."""

import argparse
import datetime as dt
import getpass
import json
import os
import sys
from pathlib import Path

from device_agent.errors import ThresherError

OPERATING_REMEDY = "pip install '.[operations]' in a checkout"


def add_json(parser: argparse.ArgumentParser) -> None:
    """``--json``."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def add_passphrase(parser: argparse.ArgumentParser) -> None:
    """``--passphrase-file``; a passphrase is never an argument, because others see those."""
    parser.add_argument("--passphrase-file", type=Path, help="file with the key's passphrase (default: asks for it)")


def add_created(parser: argparse.ArgumentParser) -> None:
    """``--created``."""
    words = "when it was made, e.g. 2026-11-24T12:00:00Z (default: SOURCE_DATE_EPOCH of the environment, else now)"
    parser.add_argument("--created", type=moment, metavar="TIME", help=words)


def moment(text: str) -> dt.datetime:
    """A time with its zone, for argparse.

    Raises:
        ValueError: It is no time.
        argparse.ArgumentTypeError: Its zone is not said.
    """
    found = dt.datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text}: say its zone, e.g. {text}Z")
    return found.astimezone(dt.UTC)


def created(arguments: argparse.Namespace) -> dt.datetime:
    """``--created``, else ``SOURCE_DATE_EPOCH``, else now; whole seconds."""
    if arguments.created is not None:
        given: dt.datetime = arguments.created
        return given.replace(microsecond=0)
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    if epoch and not epoch.isdecimal():
        raise ThresherError(f"SOURCE_DATE_EPOCH is {epoch!r}", remedy="give seconds since 1970, or unset it")
    return dt.datetime.fromtimestamp(int(epoch), dt.UTC) if epoch else dt.datetime.now(dt.UTC).replace(microsecond=0)


def passphrase(arguments: argparse.Namespace, *, twice: bool = False) -> bytes:
    """From the file, else asked.

    Args:
        arguments: With ``passphrase_file``.
        twice: Ask twice, for a new key.

    Raises:
        ThresherError: There is nobody to ask, or the two differ.
    """
    if arguments.passphrase_file is not None:
        try:
            found: bytes = arguments.passphrase_file.read_bytes().rstrip(b"\r\n")
        except OSError as exc:
            remedy = "give the file that holds the passphrase"
            raise ThresherError(f"{arguments.passphrase_file}: {exc.strerror}", remedy=remedy) from exc
        return found
    if not sys.stdin.isatty():
        raise ThresherError("nobody to ask for the passphrase", remedy="give --passphrase-file")
    asked = getpass.getpass("passphrase: ")
    if twice and getpass.getpass("again: ") != asked:
        raise ThresherError("the two differ", remedy="try again")
    return asked.encode()


def show(arguments: argparse.Namespace, text: str, **fields: object) -> None:
    """Says what was done, for a person or as JSON."""
    print(json.dumps(fields, default=str) if arguments.json else text)
