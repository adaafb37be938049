# SPDX-License-Identifier: Apache-2.0
"""Clients for a TensorFlow Serving server, this one or any other. They need grpcio, protobuf and
numpy, no TensorFlow.

with Client("localhost:8500") as client:
    y = client.predict("half_plus_two", {"x": [[1.0], [2.0]]})["y"]
"""

import asyncio
import time
import types
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import grpc
import grpc.aio
import numpy.typing as npt

from tfserving_remote import _calls, _channel
from tfserving_remote._calls import HealthStatus, ModelMetadata, Prediction, VersionStatus
from tfserving_remote._channel import Tls
from tfserving_remote.errors import FailedPrecondition

T = TypeVar("T")
_ClientT = TypeVar("_ClientT", bound="Client")
_AsyncClientT = TypeVar("_AsyncClientT", bound="AsyncClient")

__all__ = [
    "AsyncClient",
    "Client",
    "HealthStatus",
    "ModelMetadata",
    "Prediction",
    "Tls",
    "VersionStatus",
]


def _failure(error: grpc.RpcError) -> _calls.RpcFailed:
    # Errors of unary calls are calls themselves, and know their status.
    call: Any = error
    return _calls.RpcFailed(call.code().name, call.details() or "")


class Client:
    """A connection to one server.

    Units:    timeouts are seconds; None takes the client's own, and that may be None for no limit.
    Errors:   `ServingError` and its kinds in tfserving_remote.errors; see there.
    Threads:  every method may be called from any thread.
    Lifetime: connects with the first call; `close` or the end of a `with` block ends it.
    """

    def __init__(
        self,
        address: str,
        *,
        tls: bool | Tls = False,
        timeout: float | None = 60.0,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """`address` is "host:port" or "unix:/path". `headers` go with every call, such as
        {"authorization": "…"}.
        """
        self._address = _channel.check_address(address)
        self._timeout = timeout
        self._headers = _channel.headers(headers)
        secure = _channel.credentials(tls)
        options = _channel.options(tls)
        self._channel = (
            grpc.secure_channel(address, secure, options=options)
            if secure
            else grpc.insecure_channel(address, options=options)
        )
        # Bytes in, bytes out: _calls does the encoding.
        self._methods: dict[str, Any] = {
            method: self._channel.unary_unary(method) for method in _calls.METHODS
        }

    def predict(
        self,
        model: str,
        inputs: Mapping[str, npt.ArrayLike],
        *,
        version: int | None = None,
        label: str | None = None,
        signature: str = "serving_default",
        outputs: Sequence[str] | None = None,
        timeout: float | None = None,
    ) -> Prediction:
        """Run a signature on `inputs` and return its outputs (those named in `outputs`, or all).

        Arrays are sent with the dtype they have; Python numbers as float32, int32 or, where needed,
        int64; str as UTF-8. Raises ModelNotFound, SignatureNotFound, InvalidInput, Unavailable,
        DeadlineExceeded and other ServingErrors.
        """
        target = _calls.Target(self._address, model, version, label)
        return self._drive(_calls.predict(target, inputs, signature, outputs, self._limit(timeout)))

    def metadata(
        self,
        model: str,
        *,
        version: int | None = None,
        label: str | None = None,
        timeout: float | None = None,
    ) -> ModelMetadata:
        """The signatures of a served version. Raises ModelNotFound and other ServingErrors."""
        target = _calls.Target(self._address, model, version, label)
        return self._drive(_calls.metadata(target, self._limit(timeout)))

    def status(
        self, model: str, version: int | None = None, *, timeout: float | None = None
    ) -> tuple[VersionStatus, ...]:
        """The state of one version, or of every version the server has seen, newest first. Raises
        ModelNotFound.
        """
        target = _calls.Target(self._address, model, version)
        return self._drive(_calls.status(target, self._limit(timeout)))

    def health(self, model: str = "", *, timeout: float | None = None) -> HealthStatus:
        """What the health service says of a model, or with "" of the server as a whole."""
        return self._drive(_calls.health(self._address, model, self._limit(timeout)))

    def wait_until_ready(
        self, model: str = "", version: int | None = None, *, timeout: float | None = None
    ) -> None:
        """Return once a model (any version of it, or that one) can be called, or with "" once the
        server serves.

        A server that is not there yet is waited for, too. Raises DeadlineExceeded with what was
        missing last.
        """
        self._drive(_calls.wait_until_ready(self._address, model, version, self._limit(timeout)))

    def close(self) -> None:
        """End the connection; calls in flight fail as cancelled. May be called twice."""
        self._channel.close()

    def __enter__(self: _ClientT) -> _ClientT:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: types.TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._address!r})"

    def _limit(self, timeout: float | None) -> float | None:
        return self._timeout if timeout is None else timeout

    def _drive(self, steps: _calls.Steps[T]) -> T:
        """Carry out the steps of one call."""
        try:
            step = next(steps)
            while True:
                try:
                    answer = self._perform(step)
                except _calls.RpcFailed as failed:
                    step = steps.throw(failed)
                else:
                    step = steps.send(answer)
        except StopIteration as done:
            result: T = done.value
            return result

    def _perform(self, step: _calls.Rpc | _calls.Pause) -> bytes:
        if isinstance(step, _calls.Pause):
            time.sleep(step.seconds)
            return b""
        method = self._methods[step.method]
        try:
            answer: bytes = method(step.request, timeout=step.timeout, metadata=self._headers)
        except grpc.RpcError as error:
            raise _failure(error) from None
        except ValueError as error:
            raise FailedPrecondition(f"{self!r}: {error}") from None
        return answer


class AsyncClient:
    """`Client` for asyncio, on grpc.aio. Make it and use it within one event loop."""

    def __init__(
        self,
        address: str,
        *,
        tls: bool | Tls = False,
        timeout: float | None = 60.0,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """As `Client`."""
        self._address = _channel.check_address(address)
        self._timeout = timeout
        self._headers = _channel.headers(headers)
        secure = _channel.credentials(tls)
        options = _channel.options(tls)
        self._channel = (
            grpc.aio.secure_channel(address, secure, options=options)
            if secure
            else grpc.aio.insecure_channel(address, options=options)
        )
        self._methods: dict[str, Any] = {
            method: self._channel.unary_unary(method) for method in _calls.METHODS
        }

    async def predict(
        self,
        model: str,
        inputs: Mapping[str, npt.ArrayLike],
        *,
        version: int | None = None,
        label: str | None = None,
        signature: str = "serving_default",
        outputs: Sequence[str] | None = None,
        timeout: float | None = None,
    ) -> Prediction:
        """As `Client.predict`."""
        target = _calls.Target(self._address, model, version, label)
        return await self._drive(
            _calls.predict(target, inputs, signature, outputs, self._limit(timeout))
        )

    async def metadata(
        self,
        model: str,
        *,
        version: int | None = None,
        label: str | None = None,
        timeout: float | None = None,
    ) -> ModelMetadata:
        """As `Client.metadata`."""
        target = _calls.Target(self._address, model, version, label)
        return await self._drive(_calls.metadata(target, self._limit(timeout)))

    async def status(
        self, model: str, version: int | None = None, *, timeout: float | None = None
    ) -> tuple[VersionStatus, ...]:
        """As `Client.status`."""
        target = _calls.Target(self._address, model, version)
        return await self._drive(_calls.status(target, self._limit(timeout)))

    async def health(self, model: str = "", *, timeout: float | None = None) -> HealthStatus:
        """As `Client.health`."""
        return await self._drive(_calls.health(self._address, model, self._limit(timeout)))

    async def wait_until_ready(
        self, model: str = "", version: int | None = None, *, timeout: float | None = None
    ) -> None:
        """As `Client.wait_until_ready`."""
        await self._drive(
            _calls.wait_until_ready(self._address, model, version, self._limit(timeout))
        )

    async def close(self) -> None:
        """End the connection; calls in flight fail as cancelled. May be called twice."""
        await self._channel.close()

    async def __aenter__(self: _AsyncClientT) -> _AsyncClientT:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: types.TracebackType | None,
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._address!r})"

    def _limit(self, timeout: float | None) -> float | None:
        return self._timeout if timeout is None else timeout

    async def _drive(self, steps: _calls.Steps[T]) -> T:
        """Carry out the steps of one call."""
        try:
            step = next(steps)
            while True:
                try:
                    answer = await self._perform(step)
                except _calls.RpcFailed as failed:
                    step = steps.throw(failed)
                else:
                    step = steps.send(answer)
        except StopIteration as done:
            result: T = done.value
            return result

    async def _perform(self, step: _calls.Rpc | _calls.Pause) -> bytes:
        if isinstance(step, _calls.Pause):
            await asyncio.sleep(step.seconds)
            return b""
        method = self._methods[step.method]
        try:
            answer: bytes = await method(step.request, timeout=step.timeout, metadata=self._headers)
        except grpc.RpcError as error:
            raise _failure(error) from None
        except grpc.aio.UsageError as error:
            raise FailedPrecondition(f"{self!r}: {error}") from None
        return answer
