"""Serving an application with uvicorn: headers that end, a stop that loses nothing, and several processes.

The application is any that ASGI describes, with an attribute `draining`, which is set once the service stops;
from then on its answers must say `Connection: close`.
"""

import asyncio
import multiprocessing
import signal
import socket
import sys
from asyncio.trsock import TransportSocket
from collections.abc import Callable, Iterator
from multiprocessing.connection import wait
from typing import Any, Protocol

import msgspec
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD_BYTES = 64 * 1024
DRAIN_SECS = 2.0
BACKLOG = 2048


class Application(Protocol):
    """What is served."""

    draining: bool

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""


class LimitedProtocol(HttpToolsProtocol):
    """Uvicorn's quick protocol, with a limit to what a request has besides its body: the parser has none."""

    _other_bytes = 0

    def data_received(self, data: bytes) -> None:
        """Parse, and refuse the request if its head, or what follows its body, gets too long."""
        self._other_bytes += len(data)
        super().data_received(data)
        if self._other_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            document = {"detail": f"too long headers; expected at most {MAX_HEAD_BYTES:,} bytes"}
            body = msgspec.json.encode(document)
            self.transport.write(
                b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: application/json\r\n"
                b"connection: close\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
            )
            self.transport.close()

    def on_body(self, body: bytes) -> None:
        """Leave the body to the application, which counts it itself."""
        self._other_bytes -= len(body)
        super().on_body(body)

    def on_chunk_complete(self) -> None:
        """Count anew: a body may come in any number of chunks."""
        self._other_bytes = 0

    def on_message_complete(self) -> None:
        """Count anew for the next request."""
        self._other_bytes = 0
        super().on_message_complete()


class DrainingServer(uvicorn.Server):
    """Uvicorn, which closes idle connections at once when it stops, but with a last request for each.

    A client may be sending on a connection in the moment in which the server closes it. That request would be
    lost, and a client must not send a POST again by itself (RFC 9110, 9.2.2).
    """

    def __init__(self, application: Application) -> None:
        limited = {"http": LimitedProtocol, "ws": "none", "lifespan": "off"}
        super().__init__(uvicorn.Config(application, log_level="warning", **limited))
        self._application = application

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, let connections end with their next answer, then stop as uvicorn does."""
        self._application.draining = True
        loop = asyncio.get_running_loop()
        waiting = []
        for server in self.servers:
            # A listening socket that is closed resets what waits in its queue.
            waiting += [connection for listening in server.sockets for connection in accept_all(listening)]
            server.close()
        for connection in waiting:
            await loop.connect_accepted_socket(self._make_protocol, connection)
        deadline = loop.time() + DRAIN_SECS
        await asyncio.sleep(0.01)  # so that what was accepted just before counts as a connection
        while self.server_state.connections and loop.time() < deadline:
            await asyncio.sleep(0.01)
        await super().shutdown(sockets)

    def _make_protocol(self) -> asyncio.Protocol:
        return self.config.http_protocol_class(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )


def accept_all(listening: TransportSocket) -> Iterator[socket.socket]:
    """Yield each connection that waits in the queue of a listening socket."""
    with listening.dup() as own:
        own.setblocking(False)
        while True:
            try:
                yield own.accept()[0]
            except BlockingIOError:
                return


def listen(host: str, port: int, *, shared: bool) -> socket.socket:
    """Return a socket that listens; where a port is shared by processes, Linux spreads clients over them."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=BACKLOG, reuse_port=shared)


def run_processes(count: int, serve: Callable[..., None], *arguments: Any) -> None:
    """Run processes that serve until SIGTERM or Ctrl-C; if one ends by itself, end all, with exit code 1."""
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=serve, args=arguments) for _ in range(count)]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    try:
        for process in processes:
            process.start()
        wait([process.sentinel for process in processes])
        sys.exit("a process of the service has ended")
    finally:
        for process in processes:
            if process.is_alive():
                process.terminate()
        for process in processes:
            if process.pid is not None:
                process.join()
