"""Digits over HTTP.

    python examples/service/digits_service.py --artifacts artifacts

GET  /health          200 while requests are welcome, 503 once the service is stopping
POST /predict         one encoded picture as the body
POST /predict/batch   up to 64 pictures as the files of a multipart form

Errors are JSON: {"detail": ...}. 400: too many files. 413: too many bytes. 422: not a picture, too many
pixels, nothing drawn.

SIGTERM: no new connection is accepted, every request under way is answered, and every connection that is open
may send one more, which is answered with `Connection: close`. Then the process ends.
"""

import asyncio
import socket
from asyncio.trsock import TransportSocket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
import uvicorn
from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from starlette.datastructures import UploadFile
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edgemnist.runtime import PictureOptions, Prediction, Predictor, load_predictor
from edgemnist.runtime.errors import InputError

MAX_PICTURE_BYTES = 2 * 1024 * 1024
MAX_PIXELS = 16_000_000
MAX_BATCH = 64
MAX_BODY_BYTES = 16 * 1024 * 1024
DRAIN_SECS = 2.0


class TooLargeError(Exception):
    """A body of more bytes than allowed."""


class Edge:
    """What stands before the application: the limit of a body's size, and the draining.

    Attributes:
        draining: Whether the service is stopping, and connections close with their next answer.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.draining = False
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, as ASGI has it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope["draining"] = self.draining
        received = 0

        async def limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > MAX_BODY_BYTES:
                raise TooLargeError
            return message

        async def closing(message: Message) -> None:
            if message["type"] == "http.response.start" and self.draining:
                message = {**message, "headers": [*message["headers"], (b"connection", b"close")]}
            await send(message)

        length = dict(scope["headers"]).get(b"content-length", b"0")
        if length.isdigit() and int(length) > MAX_BODY_BYTES:
            await _too_large()(scope, receive, send)
            return
        try:
            await self._app(scope, limited, closing)
        except TooLargeError:  # no answer has begun, since bodies are read first
            await _too_large()(scope, receive, send)


class DrainingServer(uvicorn.Server):
    """Uvicorn, which closes idle connections at once when it stops, but with a last request for each.

    A client may be sending on a connection in the moment in which the server closes it. That request would be
    lost, and a client must not send a POST again by itself (RFC 9110, 9.2.2).
    """

    def __init__(self, config: uvicorn.Config, edge: Edge) -> None:
        super().__init__(config)
        self._edge = edge

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, let connections end with their next answer, then stop as uvicorn does."""
        self._edge.draining = True
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


def make_app(model: Path) -> FastAPI:
    """Return the application, which loads the model when it starts."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        limits = PictureOptions(max_bytes=MAX_PICTURE_BYTES, max_pixels=MAX_PIXELS)
        with load_predictor(model, pictures=limits) as predictor:
            app.state.predictor = predictor
            yield

    app = FastAPI(title="Digits", lifespan=lifespan)
    app.add_exception_handler(InputError, _unprocessable)

    @app.get("/health")
    async def health(request: Request) -> JSONResponse:
        if request.scope["draining"]:
            return JSONResponse({"status": "stopping"}, 503)
        return JSONResponse({"status": "ok", "model": model.name})

    @app.post("/predict")
    async def predict(request: Request) -> dict[str, Any]:
        (prediction,) = await _classify(app.state.predictor, [await request.body()])
        return _document(prediction)

    @app.post("/predict/batch")
    async def predict_batch(request: Request) -> list[dict[str, Any]]:
        async with request.form(max_files=MAX_BATCH, max_fields=0) as form:
            files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
            pictures = [await file.read() for file in files]
        if not pictures:
            raise InputError("no pictures", expected=f"1..{MAX_BATCH} files in a multipart form")
        return [_document(prediction) for prediction in await _classify(app.state.predictor, pictures)]

    return app


async def _classify(predictor: Predictor, pictures: list[bytes]) -> list[Prediction]:
    """Decode and predict in a thread, so that other requests are read and answered meanwhile."""
    return list(await run_in_threadpool(predictor.predict, pictures))


def _document(prediction: Prediction) -> dict[str, Any]:
    return {
        "label": prediction.label,
        "confidence": round(prediction.confidence, 6),
        "probabilities": dict(zip(prediction.class_names, prediction.probabilities.tolist(), strict=True)),
    }


async def _unprocessable(_request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": str(error)}, 422)


def _too_large() -> JSONResponse:
    document = {"detail": f"a body of too many bytes; expected at most {MAX_BODY_BYTES:,}"}
    return JSONResponse(document, 413, {"connection": "close"})  # or the rest of it would have to be read


def main(
    artifacts: Annotated[Path, typer.Option(help="The folder of the artifacts.")] = Path("artifacts"),
    model: Annotated[str, typer.Option(help="The artifact.")] = "mnist.float32.onnx",
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on.")] = 8000,
) -> None:
    """Serve a model until SIGTERM or Ctrl-C."""
    edge = Edge(make_app(artifacts / model))
    DrainingServer(uvicorn.Config(edge, host=host, port=port, log_level="warning"), edge).run()


if __name__ == "__main__":
    typer.run(main)
