"""Digits over HTTP.

    python examples/service/digits_service.py --artifacts artifacts

GET  /health          200 while requests are welcome, 503 once the service is stopping
POST /predict         one encoded picture as the body
POST /predict/raw     one image as the model has it: the body is its pixels, a byte each
POST /predict/batch   up to 64 pictures as the files of a multipart form

Errors are JSON: {"detail": ...}. 400: too many files. 413: too many bytes. 422: not a picture, too many
pixels, nothing drawn, or another number of bytes than the model has pixels. 431: too long headers.

SIGTERM: no new connection is accepted, every request under way is answered, and every connection that is open
may send one more, which is answered with `Connection: close`. Then the process ends.
"""

import asyncio
import math
import socket
from asyncio.trsock import TransportSocket
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np
import typer
import uvicorn
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from edgemnist.runtime import PictureOptions, Prediction, Predictor, load_predictor
from edgemnist.runtime.errors import InputError

MAX_PICTURE_BYTES = 2 * 1024 * 1024
MAX_PIXELS = 16_000_000
MAX_BATCH = 64
MAX_BODY_BYTES = 16 * 1024 * 1024
MAX_HEAD_BYTES = 64 * 1024
DRAIN_SECS = 2.0

CLOSE = (b"connection", b"close")


class RefusedError(Exception):
    """An answer other than 200."""

    def __init__(self, status: HTTPStatus, document: Any, *headers: tuple[bytes, bytes]) -> None:
        super().__init__(document)
        self.status, self.document, self.headers = status, document, headers


class Application:
    """The application, as ASGI has it; a framework would take longer for a request than the model does.

    Attributes:
        draining: Whether the service is stopping, and connections close with their next answer.
    """

    def __init__(self, predictor: Predictor) -> None:
        self.draining = False
        self._predictor = predictor
        self._routes = {
            "/health": ("GET", self._health),
            "/predict": ("POST", self._predict),
            "/predict/raw": ("POST", self._predict_raw),
            "/predict/batch": ("POST", self._predict_batch),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        status, headers = HTTPStatus.OK, [(b"content-type", b"application/json")]
        try:
            document = await self._answer(Request(scope, limited(receive)))
        except ClientDisconnect:
            return
        except RefusedError as refused:
            status, document = refused.status, refused.document
            headers += refused.headers
        except InputError as error:
            status, document = HTTPStatus.UNPROCESSABLE_ENTITY, {"detail": str(error)}
        except MultiPartException as error:
            status, document = HTTPStatus.BAD_REQUEST, {"detail": error.message}
        body = msgspec.json.encode(document)
        headers.append((b"content-length", b"%d" % len(body)))
        if self.draining and CLOSE not in headers:
            headers.append(CLOSE)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, request: Request) -> Any:
        method, handler = self._routes.get(request.scope["path"], ("", None))
        if handler is None:
            raise RefusedError(HTTPStatus.NOT_FOUND, {"detail": f"expected one of {', '.join(self._routes)}"})
        if request.method != method:
            document = {"detail": f"{request.method}; expected {method}"}
            raise RefusedError(HTTPStatus.METHOD_NOT_ALLOWED, document, (b"allow", method.encode()))
        length = request.headers.get("content-length", "")
        if length.isdecimal() and int(length) > MAX_BODY_BYTES:
            raise too_large()
        return await handler(request)

    async def _health(self, _request: Request) -> Any:
        if self.draining:
            raise RefusedError(HTTPStatus.SERVICE_UNAVAILABLE, {"status": "stopping"})
        return {"status": "ok", "model": self._predictor.path.name}

    async def _predict(self, request: Request) -> Any:
        (prediction,) = await self._predictor.predict_async(await request.body())
        return document_of(prediction)

    async def _predict_raw(self, request: Request) -> Any:
        body, shape = await request.body(), self._predictor.signature.input.shape
        if len(body) != math.prod(shape):
            raise InputError(
                "another number of bytes than the model has pixels",
                received=len(body),
                expected=f"{math.prod(shape)}, of shape {shape}",
            )
        (prediction,) = await self._predictor.predict_async(np.frombuffer(body, np.uint8).reshape(shape))
        return document_of(prediction)

    async def _predict_batch(self, request: Request) -> Any:
        async with request.form(max_files=MAX_BATCH, max_fields=0) as form:
            files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
            pictures = [await file.read() for file in files]
        if not pictures:
            raise InputError("no pictures", expected=f"1..{MAX_BATCH} files in a multipart form")
        return [document_of(prediction) for prediction in await self._predictor.predict_async(pictures)]


def document_of(prediction: Prediction) -> dict[str, Any]:
    """Return the answer for one image."""
    return {
        "label": prediction.label,
        "confidence": round(prediction.confidence, 6),
        "probabilities": dict(zip(prediction.class_names, prediction.probabilities.tolist(), strict=True)),
    }


def limited(receive: Receive) -> Receive:
    """Return `receive`, which refuses a body once it is too long."""
    received = 0

    async def counted() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > MAX_BODY_BYTES:
            raise too_large()
        return message

    return counted


def too_large() -> RefusedError:
    """Return the answer to a body that is too long, after which the rest of it is not read."""
    document = {"detail": f"a body of too many bytes; expected at most {MAX_BODY_BYTES:,}"}
    return RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, document, CLOSE)


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

    def __init__(self, application: Application, host: str, port: int) -> None:
        super().__init__(
            uvicorn.Config(
                application,
                host=host,
                port=port,
                http=LimitedProtocol,
                ws="none",
                lifespan="off",
                log_level="warning",
            )
        )
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


def main(
    artifacts: Annotated[Path, typer.Option(help="The folder of the artifacts.")] = Path("artifacts"),
    model: Annotated[str, typer.Option(help="The artifact.")] = "mnist.float32.onnx",
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on.")] = 8000,
) -> None:
    """Serve a model until SIGTERM or Ctrl-C."""
    limits = PictureOptions(max_bytes=MAX_PICTURE_BYTES, max_pixels=MAX_PIXELS)
    with load_predictor(artifacts / model, pictures=limits) as predictor:
        DrainingServer(Application(predictor), host, port).run()


if __name__ == "__main__":
    typer.run(main)
