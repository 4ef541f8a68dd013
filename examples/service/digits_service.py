"""Digits over HTTP.

    python examples/service/digits_service.py --artifacts artifacts

GET  /health          200 while requests are welcome, 503 once the service is stopping
POST /predict         one encoded picture as the body
POST /predict/raw     one image as the model has it: the body is its pixels, a byte each
POST /predict/batch   up to 64 pictures as the files of a multipart form

Errors are JSON: {"detail": ...}. 400: too many files. 413: too many bytes. 422: not a picture, too many
pixels, nothing drawn, or another number of bytes than the model has pixels. 431: too long headers.

As many processes as there are processors share the port; `--workers 1` serves in the one that was started.

SIGTERM: no new connection is accepted, every request under way is answered, and every connection that is open
may send one more, which is answered with `Connection: close`. Then the processes end.
"""

import math
import sys
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np
import typer
from draining_server import DrainingServer, listen, run_processes
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message, Receive, Scope, Send

from edgemnist.runtime import PictureOptions, Prediction, Predictor, load_predictor
from edgemnist.runtime.errors import InputError
from edgemnist.runtime.process import usable_cpu_count

MAX_PICTURE_BYTES = 2 * 1024 * 1024
MAX_PIXELS = 16_000_000
MAX_BATCH = 64
MAX_BODY_BYTES = 16 * 1024 * 1024
WORKERS = usable_cpu_count() if sys.platform == "linux" else 1  # others do not spread clients

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


def serve(artifact: Path, host: str, port: int, shared: bool) -> None:
    """Serve a model in this process until SIGTERM or Ctrl-C."""
    limits = PictureOptions(max_bytes=MAX_PICTURE_BYTES, max_pixels=MAX_PIXELS)
    with load_predictor(artifact, pictures=limits) as predictor:
        server = DrainingServer(Application(predictor))
        server.run(sockets=[listen(host, port, shared=shared)])


def main(
    artifacts: Annotated[Path, typer.Option(help="The folder of the artifacts.")] = Path("artifacts"),
    model: Annotated[str, typer.Option(help="The artifact.")] = "mnist.float32.onnx",
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, help="Processes that share the port.")] = WORKERS,
) -> None:
    """Serve a model until SIGTERM or Ctrl-C."""
    if workers == 1:
        serve(artifacts / model, host, port, False)
    else:
        run_processes(workers, serve, artifacts / model, host, port, True)


if __name__ == "__main__":
    typer.run(main)
