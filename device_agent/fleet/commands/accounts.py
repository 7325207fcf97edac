"""As whom a program runs. What is not sure is refused: nothing runs as somebody else than was asked for.

| the agent is | document names | runs as |
|---|---|---|
| anybody | a user who is not known here, or not in ``fleet.commands.users`` | refused |
| root | nobody | ``fleet.commands.user``, without privileges |
| root | an allowed user | that user |
| not root | nobody, or the agent's own user | the agent's own user |
| not root | another one | refused: only root can become somebody else |
"""

import os
import pwd

import msgspec

from device_agent.config.fleet_commands import CommandsConfig
from device_agent.fleet.commands.refusing import RefusedError


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A local user.

    Attributes:
        name: Of the user.
        uid: Number of the user.
        gid: Of the user's first group.
        groups: All of the user's groups.
        home: The user's folder.
        becomes: Whether the program must change to it.
    """

    name: str
    uid: int
    gid: int
    groups: list[int]
    home: str
    becomes: bool


def account(wanted: str, config: CommandsConfig, *, own: int) -> Account:
    """The user a program runs as.

    Args:
        wanted: As the document says; empty if it says nothing.
        config: Who is allowed.
        own: The agent's user.

    Raises:
        RefusedError: Nobody, or somebody who is not allowed.
    """
    try:
        entry = _entry(wanted, config, own=own)
    except KeyError as exc:
        raise RefusedError(f"the user {wanted or config.user or own!r} is not known on this machine") from exc
    allowed = not wanted or wanted in config.users or (entry.pw_uid == own != 0)
    if not allowed:
        raise RefusedError(f"running as {wanted!r} is not allowed: name it in fleet.commands.users")
    if entry.pw_uid != own != 0:
        raise RefusedError(f"the agent is not root and cannot run a program as {wanted!r}: leave runAsUser out")
    if entry.pw_uid == 0 and not wanted:
        raise RefusedError("a program may be root only if the document says so: name another fleet.commands.user")
    return Account(
        name=entry.pw_name,
        uid=entry.pw_uid,
        gid=entry.pw_gid,
        groups=os.getgrouplist(entry.pw_name, entry.pw_gid),
        home=entry.pw_dir,
        becomes=entry.pw_uid != own,
    )


def _entry(wanted: str, config: CommandsConfig, *, own: int) -> pwd.struct_passwd:
    if wanted:
        return pwd.getpwnam(wanted)
    if own == 0:
        return pwd.getpwnam(config.user)
    return pwd.getpwuid(own)
