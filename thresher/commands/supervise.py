"""thresher supervise: keep `thresher run` and `thresher agent` running, and carry their updates.

Small, and started by the service manager from the gateway's own installation, which no update touches.
SIGTERM ends everything in order; SIGHUP reads the document anew, while what it keeps goes on.
"""

import argparse
import logging
import os
from pathlib import Path

from device_agent.logs import configure_logging
from device_agent.supervising.service import successor, work
from device_agent.supervising.terms import read_terms
from device_agent.supervisor import look_on_hangup, stop_on_signals

logger = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("--config", type=Path, required=True, help="the gateway's YAML document")
    parser.add_argument("--check", action="store_true", help="only say whether it could work here")


def run(arguments: argparse.Namespace) -> int:
    """Works until SIGTERM or SIGINT."""
    configure_logging()
    stop, again = stop_on_signals(), look_on_hangup()
    document = arguments.config.absolute()
    terms = read_terms(document, lenient=not arguments.check)
    if arguments.check:
        return 0
    if terms.trouble:
        logger.error("supervisor.document_not_understood", extra={"reason": terms.trouble})
    following = successor(document, terms) or work(document, terms, stop, again)
    if following is not None:
        os.execve(following.command[0], following.command, following.environment)  # noqa: S606 - our own program
    return 0
