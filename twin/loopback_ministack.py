"""Starts MiniStack so that only this machine reaches it, and only devices with a certificate reach its broker.

MiniStack 1.5.33 binds its MQTT listener to every interface whatever it is told, and serves a client without a
certificate as the account itself. AWS IoT Core does neither. Both are closed here, before its ``main`` runs:

- the event loop rewrites the host of every server it is asked for to 127.0.0.1;
- the broker's TLS context demands a client certificate.

The broker's TLS context is made before the first device comes: MiniStack makes it then, with reading paused, and Python
up to 3.11.2 (Debian 12) reads all the same and loses the device's first words.

What it lacks of fleet provisioning is added too (``twin.certificate_requests``).

``twin.ministack`` checks the first from outside; tests check both. Run as ``python -m twin.loopback_ministack``.
"""

import asyncio
import os
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

from twin.certificate_requests import teach
from twin.ports import LOOPBACK


class LoopbackLoop(asyncio.SelectorEventLoop):
    """An event loop whose servers listen on 127.0.0.1 only."""

    # The base signature has fifteen optional parameters; all but the host pass through untouched.
    async def create_server(  # type: ignore[override]
        self,
        protocol_factory: Callable[[], asyncio.BaseProtocol],
        host: object = None,
        port: int | None = None,
        **options: Any,  # noqa: ANN401 - passed through as it came
    ) -> asyncio.AbstractServer:
        """Like the base class, on loopback. A socket that is already bound is used as it is."""
        if options.get("sock") is None:
            host = LOOPBACK
        server: asyncio.AbstractServer = await super().create_server(  # type: ignore[call-overload]
            protocol_factory, host, port, **options
        )
        return server


class LoopbackPolicy(asyncio.DefaultEventLoopPolicy):
    """Makes ``LoopbackLoop`` the loop of ``asyncio.run``."""

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        """A new loop."""
        return LoopbackLoop()


def demand_client_certificate(build: Callable[[], ssl.SSLContext]) -> Callable[[], ssl.SSLContext]:
    """The same builder, whose contexts refuse a peer without a certificate."""

    def built() -> ssl.SSLContext:
        context = build()
        context.verify_mode = ssl.CERT_REQUIRED
        return context

    return built


def with_context(iot: Any, start: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:  # noqa: ANN401 - a module without types
    """The same start of the broker, after its TLS context was made."""

    async def started() -> None:
        if iot._mtls_ssl_context is None:  # noqa: SLF001 - the only place it is kept
            iot._mtls_ssl_context = await asyncio.to_thread(iot._mtls_build_ssl_context)  # noqa: SLF001 - same
        await start()

    return started


def main() -> None:
    """Runs MiniStack until a signal ends it."""
    os.environ.pop("PYTHONPATH", None)  # its Lambda workers import the staged bundle, not this checkout
    asyncio.set_event_loop_policy(LoopbackPolicy())

    from ministack.app import main as serve  # noqa: PLC0415 - after the policy is set
    from ministack.services import iot  # noqa: PLC0415 - same

    iot._mtls_build_ssl_context = demand_client_certificate(iot._mtls_build_ssl_context)  # noqa: SLF001 - the only place it can be asked for
    iot._mtls_start_locked = with_context(iot, iot._mtls_start_locked)  # noqa: SLF001 - same
    teach(iot)
    serve()


if __name__ == "__main__":
    main()
