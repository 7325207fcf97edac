"""The first identity, by claim. Every step is journalled before the next, and any of them may be the last for a while.

```
key ─▶ certified ─▶ registered ─▶ active ─▶ done
 │       certificate   thing        link      claim destroyed
 │       and token                  swapped   after the new certificate has connected
```
A power cut anywhere repeats one step: the key is made once, so the cloud recognises the device that asks again; a token
that is too old leads back to ``key``; a certificate whose answer was lost is tried before another is asked for.

Not here: MQTT (``claim``), files of an identity (``store``).
"""

import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final, Literal

import msgspec

from device_agent.errors import UplinkError
from device_agent.fault_points import reach
from device_agent.files import SECRET, atomic_write, destroy
from device_agent.fleet.identity.keys import Keys
from device_agent.fleet.identity.registrar import Registrar, RegistrationRefusedError, TokenExpiredError
from device_agent.fleet.identity.store import CERTIFICATE, Store

FIRST: Final = "first"
JOURNAL: Final = "provisioning.json"
_ROUNDS: Final = 2
"""Certificates asked for in one run, should the first token be too old."""

logger = logging.getLogger(__name__)

Phase = Literal["key", "certified", "registered", "active", "done"]


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """The journal.

    Attributes:
        phase: Reached.
        certificate_id: From ``certified`` on.
        token: From ``certified`` until ``registered``.
        thing: From ``registered`` on.
    """

    phase: Phase = "key"
    certificate_id: str = ""
    token: str = ""
    thing: str = ""


class Provisioning:
    """One gateway's.

    Args:
        store: Where its identity will lie.
        keys: Make its key.
        gateway_id: Its name, which the cloud must give it.
        parameters: For the template.
        registrar: Opens a connection with the claim certificate.
        prove: Connects with the identity in a folder; raises ``UplinkError`` if the broker does not take it.
        claim: Files to destroy at the end.
    """

    def __init__(  # noqa: PLR0913 - the parts of it
        self,
        store: Store,
        keys: Keys,
        *,
        gateway_id: str,
        parameters: Mapping[str, str],
        registrar: Callable[[], AbstractContextManager[Registrar]],
        prove: Callable[[Path], None],
        claim: Sequence[Path],
    ) -> None:
        self._store = store
        self._keys = keys
        self._gateway_id = gateway_id
        self._parameters = {**parameters, "ThingName": gateway_id}
        self._registrar = registrar
        self._prove = prove
        self._claim = claim
        self._journal = store.folder / JOURNAL

    def run(self) -> Progress:
        """Does what is left to do; raises what stands in the way, and goes on from there the next time.

        Raises:
            ConfigError: A key or a file cannot be used.
            RegistrationRefusedError: The cloud said no; says what to try.
            UplinkError: No answer, or the new certificate is not taken; trying again may help.
        """
        progress = self.progress()
        if progress.phase in ("key", "certified"):
            with self._registrar() as registrar:
                progress = self._registered(registrar, progress)
        if progress.phase == "registered":
            self._store.activate(FIRST)
            progress = self._reached(progress, "active")
        if progress.phase == "active":
            self._prove(self._store.place(FIRST))
            reach("identity.provision.proven")
            for path in self._claim:
                destroy(path)
            progress = self._reached(progress, "done")
        return progress

    def progress(self) -> Progress:
        """How far it is. A journal that cannot be read begins anew with the same key."""
        with contextlib.suppress(OSError, msgspec.DecodeError):
            return msgspec.json.decode(self._journal.read_bytes(), type=Progress)
        return Progress()

    def _registered(self, registrar: Registrar, progress: Progress) -> Progress:
        for left in reversed(range(_ROUNDS)):
            if progress.phase == "key":
                progress = self._certified(registrar)
            try:
                answer = registrar.register(progress.token, self._parameters)
            except TokenExpiredError as exc:
                if self._is_taken():  # an earlier answer was lost
                    return self._reached(progress, "registered", thing=self._gateway_id, token="")
                if not left:
                    raise
                logger.warning("identity.token_expired", extra={"reason": str(exc)})
                progress = self._reached(Progress(), "key")
                continue
            if answer.thing_name != self._gateway_id:
                raise RegistrationRefusedError(
                    f"the cloud calls this device {answer.thing_name!r}, its document {self._gateway_id!r}",
                    code="OtherName",
                    remedy=f"write `gateway: {answer.thing_name}`, or allow the serial for {self._gateway_id!r}",
                )
            return self._reached(progress, "registered", thing=answer.thing_name, token="")
        raise AssertionError("every round returns or raises")

    def _certified(self, registrar: Registrar) -> Progress:
        request = self._keys.request(self._store.place(FIRST), self._gateway_id)
        reach("identity.provision.key")
        issued = registrar.create(request)
        reach("identity.provision.issued")
        self._store.keep(FIRST, CERTIFICATE, issued.certificate_pem.encode())
        token = issued.certificate_ownership_token
        return self._reached(Progress(), "certified", certificate_id=issued.certificate_id, token=token)

    def _is_taken(self) -> bool:
        try:
            self._prove(self._store.place(FIRST))
        except UplinkError:
            return False
        return True

    def _reached(self, progress: Progress, phase: Phase, **known: str) -> Progress:
        reach(f"identity.provision.{phase}.before")
        progress = msgspec.structs.replace(progress, phase=phase, **known)
        self._store.place(FIRST)
        atomic_write(self._journal, msgspec.json.encode(progress), mode=SECRET)
        logger.info("identity.provision", extra={"phase": phase, "certificate_id": progress.certificate_id})
        reach(f"identity.provision.{phase}.after")
        return progress
