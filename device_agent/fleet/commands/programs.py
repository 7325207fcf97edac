"""Which file a document means, and whether it may be run.

A file is opened once, without following a link, judged by what was opened and run from there: nobody can put another
one in its place in between. It is a regular file of root's or the agent's own, which nobody else may write, without
setuid; so is its folder. Its name is on the allow-list.

Source: open(2), ``O_NOFOLLOW``; proc(5), ``/proc/self/fd``; execve(2), interpreter scripts.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import msgspec

from contract.jobs import SHELLS, RunCommand, RunHandler
from device_agent.config.fleet_commands import CommandsConfig
from device_agent.fleet import handlers
from device_agent.fleet.commands.accounts import Account
from device_agent.fleet.commands.refusing import RefusedError

_NOT_SAFE: Final = stat.S_ISUID | stat.S_ISGID | stat.S_IWGRP | stat.S_IWOTH
_HERE: Final = ("", "default")


class Program(msgspec.Struct, frozen=True, kw_only=True):
    """What is run.

    Attributes:
        argv: Its name and arguments.
        executable: The path that is executed.
        fd: What must stay open for that; ``None`` if nothing.
        shipped: Whether it is a handler of ours.
    """

    argv: list[str]
    executable: str
    fd: int | None = None
    shipped: bool = False


@contextmanager
def handler(action: RunHandler, config: CommandsConfig, account: Account) -> Iterator[Program]:
    """The handler of a document, open as long as the context is.

    Its arguments are the user, or nothing, and then those of the document. Source: aws-iot-device-client,
    ``JobEngine::exec_handlerScript``.

    Raises:
        RefusedError: It may not be run.
    """
    call = action.input
    name, arguments = call.handler, [action.run_as_user, *call.args]
    if "/" in name or name in (".", ".."):
        raise RefusedError(f"the handler {name!r} is a path: name a program of a folder of handlers")
    allowed = name in config.allow
    if not allowed and not call.path and (listed := _listed(name, config)):
        with _opened(Path(listed), account) as fd:
            yield Program(argv=[name, *arguments], executable=_path(fd), fd=fd)
        return
    if not allowed:
        raise RefusedError(f"the handler {name!r} is not allowed: name it in fleet.commands.allow")
    folder = _folder(call.path, config)
    if folder is not None and os.path.lexists(folder / name):
        with _opened(folder / name, account, beside=True) as fd:
            yield Program(argv=[str(folder / name), *arguments], executable=_path(fd), fd=fd)
        return
    if call.path not in _HERE or name not in handlers.SHIPPED:
        raise RefusedError(f"there is no handler {name!r} in {folder or 'fleet.commands.handlers, which is not set'}")
    argv = handlers.command(name, arguments)
    yield Program(argv=argv, executable=argv[0], shipped=True)


@contextmanager
def command(action: RunCommand, config: CommandsConfig, account: Account) -> Iterator[Program]:
    """The program of a command, open as long as the context is.

    Raises:
        RefusedError: It may not be run.
    """
    argv = action.input.argv()
    if Path(argv[0]).name in SHELLS:
        raise RefusedError(f"{argv[0]!r} is a shell: name the program itself, or write a handler")
    listed = _listed(argv[0], config)
    if not listed:
        raise RefusedError(f"the command {argv[0]!r} is not allowed: name its path in fleet.commands.commands")
    with named([listed, *argv[1:]], account) as program:
        yield msgspec.structs.replace(program, argv=argv)


@contextmanager
def named(argv: list[str], account: Account) -> Iterator[Program]:
    """A program that the gateway's own document names by its whole path, open as long as the context is.

    Raises:
        RefusedError: It is not safe to run.
    """
    with _opened(Path(argv[0]), account) as fd:
        yield Program(argv=argv, executable=_path(fd), fd=fd)


def _listed(name: str, config: CommandsConfig) -> str:
    """The allowed path that a name means; empty if none."""
    paths = (path for path in config.commands if name == (path if "/" in name else Path(path).name))
    return next(paths, "")


def _folder(path: str, config: CommandsConfig) -> Path | None:
    if path in _HERE:
        return Path(config.handlers) if config.handlers else None
    if path.rstrip("/") in {each.rstrip("/") for each in config.paths}:
        return Path(path)
    raise RefusedError(f"handlers of {path!r} are not allowed: name the folder in fleet.commands.paths")


@contextmanager
def _opened(path: Path, account: Account, *, beside: bool = False) -> Iterator[int]:
    """A program, opened and found safe. What is given by its whole path may be a link, as ``/bin`` is."""
    with ExitStack() as opened:
        try:
            file = path if beside else path.resolve()
            folder = os.open(
                file.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | (os.O_NOFOLLOW if beside else 0)
            )
            opened.callback(os.close, folder)
            fd = os.open(file.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
            opened.callback(os.close, fd)
        except OSError as exc:
            raise RefusedError(f"{path} cannot be opened as a program: {exc.strerror}; a link is none") from exc
        _judge(path.parent, os.fstat(folder))
        _judge_program(path, os.fstat(fd), account)
        yield fd


def _judge(path: Path, found: os.stat_result) -> None:
    if found.st_uid not in (0, os.geteuid()):
        raise RefusedError(f"{path} belongs to user {found.st_uid}: give it to root, or to the agent's user")
    if found.st_mode & _NOT_SAFE & ~stat.S_ISGID:
        raise RefusedError(f"{path} can be written by others (mode {stat.S_IMODE(found.st_mode):04o}): chmod go-w")


def _judge_program(path: Path, found: os.stat_result, account: Account) -> None:
    mode = stat.S_IMODE(found.st_mode)
    if not stat.S_ISREG(found.st_mode):
        raise RefusedError(f"{path} is not a regular file")
    _judge(path, found)
    if mode & _NOT_SAFE or not mode & stat.S_IXUSR:
        raise RefusedError(f"{path} has mode {mode:04o}: make it 0700, 0500, or 0755 for other users")
    others = stat.S_IROTH | stat.S_IXOTH
    if account.uid not in (0, found.st_uid) and mode & others != others:
        raise RefusedError(f"{path} has mode {mode:04o}, which {account.name!r} may not run: chmod o+rx")


def _path(fd: int) -> str:
    return f"/proc/self/fd/{fd}"
