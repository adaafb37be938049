# SPDX-License-Identifier: Apache-2.0
"""What the clients say on the wire, without saying it: each call is a generator of steps.

A generator yields an `Rpc` to send or a `Pause` to wait and gets the answer's bytes back, or an
`RpcFailed` thrown into it. `Client` and `AsyncClient` carry the steps out, so requests, answers,
errors and retries are written once.
"""

import dataclasses
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Any, Literal, TypeVar

import numpy.typing as npt

from tfserving_remote import _protowire as pw
from tfserving_remote import _tensors, _wire, signatures
from tfserving_remote.errors import (
    DeadlineExceeded,
    InvalidInput,
    ModelNotFound,
    ServingError,
    SignatureNotFound,
    error_from_status,
)

T = TypeVar("T")

PREDICT = "/tensorflow.serving.PredictionService/Predict"
GET_METADATA = "/tensorflow.serving.PredictionService/GetModelMetadata"
GET_STATUS = "/tensorflow.serving.ModelService/GetModelStatus"
HEALTH_CHECK = "/grpc.health.v1.Health/Check"
METHODS = (PREDICT, GET_METADATA, GET_STATUS, HEALTH_CHECK)

# How long an error message may wait for what makes it helpful.
_HINT_TIMEOUT_S = 2.0
# Pauses while waiting for readiness: short at first, so that a quick start is noticed at once.
_FIRST_PAUSE_S = 0.02
_LONGEST_PAUSE_S = 0.5

HealthStatus = Literal["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"]


@dataclasses.dataclass(frozen=True)
class Rpc:
    """One unary call. `timeout` in seconds, None for none."""

    method: str
    request: bytes
    timeout: float | None


@dataclasses.dataclass(frozen=True)
class Pause:
    """Wait before the next step."""

    seconds: float


class RpcFailed(Exception):
    """A call ended with a status; `code` is its name, "NOT_FOUND"."""

    def __init__(self, code: str, details: str) -> None:
        super().__init__(f"{code}: {details}")
        self.code = code
        self.details = details


Steps = Generator[Rpc | Pause, bytes, T]


class Prediction(Mapping[str, _tensors.Array]):
    """The outputs of one call by name, and who made them.

    Arrays are read-only views of the answer where memory permits; `.copy()` gives one to change.
    Strings are object arrays of bytes.
    """

    def __init__(
        self, outputs: Mapping[str, _tensors.Array], model: str, version: int, signature: str
    ) -> None:
        self._outputs = dict(outputs)
        self.model = model
        self.version = version
        self.signature = signature

    def __getitem__(self, name: str) -> _tensors.Array:
        return self._outputs[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._outputs)

    def __len__(self) -> int:
        return len(self._outputs)

    def __repr__(self) -> str:
        return (
            f"Prediction({self._outputs!r}, model={self.model!r}, version={self.version},"
            f" signature={self.signature!r})"
        )


@dataclasses.dataclass(frozen=True)
class ModelMetadata:
    """A served version and its signatures by name."""

    model: str
    version: int
    signatures: Mapping[str, signatures.Signature]


@dataclasses.dataclass(frozen=True)
class VersionStatus:
    """One version as its server sees it.

    `state` is "START", "LOADING", "AVAILABLE", "UNLOADING" or "END". `error_code` is "OK" or why it
    failed.
    """

    version: int
    state: str
    error_code: str
    error_message: str

    def __str__(self) -> str:
        if self.error_code == "OK":
            return f"{self.version} ({self.state})"
        return f"{self.version} ({self.state}, {self.error_code}: {self.error_message})"


@dataclasses.dataclass(frozen=True)
class Target:
    """Which model, and which version of it: at most one of `version` and `label`."""

    address: str
    model: str
    version: int | None = None
    label: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.model, str) or not self.model:
            raise InvalidInput("the model's name is empty")
        if self.version is not None and self.label is not None:
            raise InvalidInput("give a version or a label, not both")
        if self.version is not None and not 0 <= self.version < 1 << 63:
            raise InvalidInput(f"version {self.version} is no version number")

    def spec(self, signature: str = "") -> bytes:
        """A serialized ModelSpec."""
        parts = pw.text(1, self.model)
        if self.version is not None:
            parts += pw.delimited(2, [pw.number(1, self.version)])
        if signature:
            parts += pw.text(3, signature)
        if self.label is not None:
            parts += pw.text(4, self.label)
        return b"".join(parts)

    def __str__(self) -> str:
        which = ""
        if self.version is not None:
            which = f" version {self.version}"
        elif self.label is not None:
            which = f" label {self.label!r}"
        return f"model {self.model!r}{which} at {self.address}"


# --- Predict --------------------------------------------------------------------------------------


def predict(
    target: Target,
    inputs: Mapping[str, npt.ArrayLike],
    signature: str,
    outputs: Sequence[str] | None,
    timeout: float | None,
) -> Steps[Prediction]:
    """Run a signature once."""
    request = _predict_request(target, inputs, signature, outputs)
    try:
        answer = yield Rpc(PREDICT, request, timeout)
    except RpcFailed as failed:
        error = yield from _explain(failed, f"predict {target}", target, timeout)
        raise error from None
    return _read_prediction(answer)


def _predict_request(
    target: Target,
    inputs: Mapping[str, npt.ArrayLike],
    signature: str,
    outputs: Sequence[str] | None,
) -> bytes:
    if not isinstance(inputs, Mapping):
        raise InvalidInput(f"inputs are a mapping of names to arrays, not {type(inputs).__name__}")
    if isinstance(outputs, str):
        raise InvalidInput(f"outputs is a list of names; write [{outputs!r}]")
    parts = pw.delimited(1, [target.spec(signature)])
    for name, value in inputs.items():
        tensor = pw.delimited(2, _tensors.encode(name, value))
        parts += pw.delimited(2, [*pw.text(1, name), *tensor])
    for name in outputs or ():
        parts += pw.text(3, name)
    return b"".join(parts)


def _read_prediction(answer: bytes) -> Prediction:
    outputs: dict[str, _tensors.Array] = {}
    spec = b""
    for field, _, value in pw.fields(memoryview(answer)):
        if not isinstance(value, memoryview):
            continue
        if field == 1:
            name, tensor = _read_entry(value)
            outputs[name] = _tensors.decode(name, tensor)
        elif field == 2:
            spec += value
    model = _wire.message("tensorflow.serving.ModelSpec").FromString(spec)
    return Prediction(outputs, model.name, model.version.value, model.signature_name)


def _read_entry(entry: memoryview) -> tuple[str, memoryview]:
    name = ""
    tensor = memoryview(b"")
    for field, _, value in pw.fields(entry):
        if isinstance(value, memoryview) and field == 1:
            name = str(value, "utf-8")
        elif isinstance(value, memoryview) and field == 2:
            # One message in two pieces is the two joined: that is how protobuf merges.
            tensor = value if not tensor else memoryview(bytes(tensor) + bytes(value))
    return name, tensor


# --- metadata, status, health ---------------------------------------------------------------------


def metadata(target: Target, timeout: float | None) -> Steps[ModelMetadata]:
    """Ask for the signatures of a served version."""
    try:
        return (yield from _metadata(target, timeout))
    except RpcFailed as failed:
        error = yield from _explain(failed, f"metadata of {target}", target, timeout)
        raise error from None


def _metadata(target: Target, timeout: float | None) -> Steps[ModelMetadata]:
    request = b"".join([*pw.delimited(1, [target.spec()]), *pw.text(2, "signature_def")])
    answer = yield Rpc(GET_METADATA, request, timeout)
    response = _wire.message("tensorflow.serving.GetModelMetadataResponse").FromString(answer)
    packed = response.metadata["signature_def"].value
    found = _wire.message("tensorflow.serving.SignatureDefMap").FromString(packed)
    spec = response.model_spec
    return ModelMetadata(spec.name, spec.version.value, signatures.from_proto(found.signature_def))


def status(target: Target, timeout: float | None) -> Steps[tuple[VersionStatus, ...]]:
    """Ask for the state of one version, or of all that the server has seen, newest first."""
    try:
        return (yield from _status(target, timeout))
    except RpcFailed as failed:
        error = error_from_status(failed.code, failed.details, f"status of {target}")
        raise error from None


def _status(target: Target, timeout: float | None) -> Steps[tuple[VersionStatus, ...]]:
    request = b"".join(pw.delimited(1, [target.spec()]))
    answer = yield Rpc(GET_STATUS, request, timeout)
    response = _wire.message("tensorflow.serving.GetModelStatusResponse").FromString(answer)
    return tuple(_read_status(entry) for entry in response.model_version_status)


def _read_status(entry: Any) -> VersionStatus:
    states = _wire.pool().FindEnumTypeByName("tensorflow.serving.ModelVersionStatus.State")
    codes = entry.status.DESCRIPTOR.fields_by_name["error_code"].enum_type
    state = states.values_by_number.get(entry.state)
    code = codes.values_by_number.get(entry.status.error_code)
    return VersionStatus(
        entry.version,
        state.name if state else str(entry.state),
        code.name if code else str(entry.status.error_code),
        entry.status.error_message,
    )


def health(address: str, model: str, timeout: float | None) -> Steps[HealthStatus]:
    """Ask the health service; "" is the server as a whole. A name that it does not know is
    SERVICE_UNKNOWN.
    """
    try:
        return (yield from _health(model, timeout))
    except RpcFailed as failed:
        if failed.code == "NOT_FOUND":
            return "SERVICE_UNKNOWN"
        raise error_from_status(failed.code, failed.details, f"health of {address}") from None


def _health(model: str, timeout: float | None) -> Steps[HealthStatus]:
    request = b"".join(pw.text(1, model)) if model else b""
    answer = yield Rpc(HEALTH_CHECK, request, timeout)
    response = _wire.message("grpc.health.v1.HealthCheckResponse").FromString(answer)
    names: tuple[HealthStatus, ...] = ("UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN")
    return names[response.status] if 0 <= response.status < len(names) else "UNKNOWN"


# --- waiting --------------------------------------------------------------------------------------


def wait_until_ready(
    address: str, model: str, version: int | None, timeout: float | None
) -> Steps[None]:
    """Poll until the model (any version, or that one) is available, or with model "" until the
    server serves.
    """
    if not model and version is not None:
        raise InvalidInput("a version needs a model's name")
    target = Target(address, model, version) if model else None
    end = None if timeout is None else time.monotonic() + timeout
    pause = _FIRST_PAUSE_S
    while True:
        left = None if end is None else end - time.monotonic()
        last = yield from _what_is_missing(
            target, 5.0 if left is None else max(0.01, min(5.0, left))
        )
        if last is None:
            return
        if end is not None and time.monotonic() + pause >= end:
            what = target or f"the server at {address}"
            raise DeadlineExceeded(f"{what} was not ready within {timeout:g} s: {last}")
        yield Pause(pause)
        pause = min(2 * pause, _LONGEST_PAUSE_S)


def _what_is_missing(target: Target | None, timeout: float) -> Steps[str | None]:
    """One look: None when ready, else what is missing. Raises what waiting does not heal."""
    try:
        if target is None:
            state = yield from _health("", timeout)
            return None if state == "SERVING" else f"its health is {state}"
        versions = yield from _status(target, timeout)
    except RpcFailed as failed:
        if target is None and failed.code == "UNIMPLEMENTED":
            # A server without the health service opens its port when its models are loaded.
            return None
        if failed.code in ("UNAVAILABLE", "NOT_FOUND", "DEADLINE_EXCEEDED", "CANCELLED"):
            return failed.details or failed.code
        raise error_from_status(
            failed.code, failed.details, f"waiting for {target or 'the server'}"
        ) from None
    if any(entry.state == "AVAILABLE" for entry in versions):
        return None
    return "versions: " + ", ".join(map(str, versions))


# --- errors ---------------------------------------------------------------------------------------


def _explain(
    failed: RpcFailed, doing: str, target: Target, timeout: float | None
) -> Steps[ServingError]:
    """The error for a failed call, with what the server has instead of what it was asked for."""
    error = error_from_status(failed.code, failed.details, doing)
    hint = ""
    patience = _HINT_TIMEOUT_S if timeout is None else min(timeout, _HINT_TIMEOUT_S)
    try:
        if isinstance(error, ModelNotFound):
            if "versions served:" in failed.details:
                return error  # This server says so by itself; TensorFlow Serving does not.
            hint = yield from _served_versions(target, patience)
        elif isinstance(error, SignatureNotFound):
            known = yield from _metadata(target, patience)
            hint = f"; its signatures are {', '.join(_callable(known))}"
    except RpcFailed:
        return error  # The first failure is what matters.
    explained = type(error)(f"{error}{hint}")
    explained.code = error.code
    return explained


def _served_versions(target: Target, timeout: float) -> Steps[str]:
    try:
        versions = yield from _status(Target(target.address, target.model), timeout)
    except RpcFailed as failed:
        if failed.code == "NOT_FOUND":
            return "; the server has no version of a model of that name"
        raise
    served = [str(entry.version) for entry in versions if entry.state == "AVAILABLE"]
    others = [str(entry) for entry in versions if entry.state != "AVAILABLE"]
    hint = f"; versions served: {', '.join(served) or 'none'}"
    return f"{hint}; not served: {', '.join(others)}" if others else hint


def _callable(known: ModelMetadata) -> list[str]:
    return [name for name in known.signatures if not name.startswith("__saved_model_")] or ["none"]
