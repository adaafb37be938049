# SPDX-License-Identifier: Apache-2.0
"""A gRPC server with TensorFlow Serving's services, whose models are Python functions.

It parses and writes every message with protobuf's own classes, so it checks the client's
hand-written wire format.
"""

import dataclasses
import threading
from collections.abc import Callable, Mapping
from concurrent import futures
from typing import Any

import grpc
from tfserving_remote import _wire

# Takes and gives TensorProtos by name.
Model = Callable[[Mapping[str, Any]], Mapping[str, Any]]

_SERVING = "tensorflow.serving."
AVAILABLE, LOADING, END = 30, 20, 50


class Failure(Exception):
    """Ends a call with a status."""

    def __init__(self, code: grpc.StatusCode, details: str) -> None:
        super().__init__(details)
        self.code = code
        self.details = details


@dataclasses.dataclass
class Version:
    """One version of a model: what it does, and its state."""

    run: Model
    state: int = AVAILABLE
    error_code: int = 0
    error_message: str = ""


def echo(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """A model whose outputs are its inputs."""
    return inputs


class ServingDouble:
    """Serves `models` (name -> version -> Version) with `labels` and `health`, which
    tests change as they go.
    """

    def __init__(self) -> None:
        self.models: dict[str, dict[int, Version]] = {"echo": {1: Version(echo), 3: Version(echo)}}
        self.labels = {("echo", "stable"): 1}
        self.health: dict[str, int] = {"": 1, "echo": 1}
        self.has_health = True
        self.requests: list[Any] = []
        self.headers: list[dict[str, Any]] = []
        self.release = threading.Event()
        self._server = grpc.server(
            futures.ThreadPoolExecutor(8),
            options=[
                ("grpc.max_receive_message_length", -1),
                ("grpc.max_send_message_length", -1),
            ],
        )
        self._server.add_generic_rpc_handlers(self._handlers())
        self.port = self._server.add_insecure_port("127.0.0.1:0")

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def __enter__(self) -> "ServingDouble":
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.release.set()
        self._server.stop(grace=None).wait()

    def _handlers(self) -> tuple[Any, ...]:
        prediction = {
            "Predict": self._method("PredictRequest", self._predict),
            "GetModelMetadata": self._method("GetModelMetadataRequest", self._metadata),
        }
        status = {"GetModelStatus": self._method("GetModelStatusRequest", self._status)}
        check = self._method("grpc.health.v1.HealthCheckRequest", self._check)
        return (
            grpc.method_handlers_generic_handler(f"{_SERVING}PredictionService", prediction),
            grpc.method_handlers_generic_handler(f"{_SERVING}ModelService", status),
            grpc.method_handlers_generic_handler("grpc.health.v1.Health", {"Check": check}),
        )

    def _method(self, request: str, answer: Callable[[Any], Any]) -> Any:
        name = request if request.startswith("grpc.") else _SERVING + request

        def call(message: Any, context: grpc.ServicerContext) -> Any:
            self.requests.append(message)
            self.headers.append(dict(context.invocation_metadata()))
            try:
                return answer(message)
            except Failure as failure:
                return context.abort(failure.code, failure.details)

        return grpc.unary_unary_rpc_method_handler(
            call,
            request_deserializer=_wire.message(name).FromString,
            response_serializer=lambda message: message.SerializeToString(),
        )

    def _find(self, spec: Any) -> int:
        which = spec.WhichOneof("version_choice")
        wanted: int | None = None
        if which == "version":
            wanted = int(spec.version.value)
        elif which == "version_label":
            wanted = self.labels.get((spec.name, spec.version_label))
            if wanted is None:
                raise Failure(
                    grpc.StatusCode.INVALID_ARGUMENT,
                    f"Unrecognized servable version label: {spec.version_label}",
                )
        ready = [v for v, e in self.models.get(spec.name, {}).items() if e.state == AVAILABLE]
        if wanted is None and ready:
            return max(ready)
        if wanted is not None and wanted in ready:
            return wanted
        asked = f"Latest({spec.name})" if wanted is None else f"Specific({spec.name}, {wanted})"
        raise Failure(grpc.StatusCode.NOT_FOUND, f"Servable not found for request: {asked}")

    def _predict(self, request: Any) -> Any:
        version = self._find(request.model_spec)
        signature = request.model_spec.signature_name or "serving_default"
        if signature != "serving_default":
            raise Failure(
                grpc.StatusCode.FAILED_PRECONDITION,
                f'Serving signature key "{signature}" not found.',
            )
        outputs = self.models[request.model_spec.name][version].run(request.inputs)
        response = _wire.message(_SERVING + "PredictResponse")()
        for name, tensor in outputs.items():
            if not request.output_filter or name in request.output_filter:
                response.outputs[name].CopyFrom(tensor)
        self._fill(response.model_spec, request.model_spec.name, version)
        response.model_spec.signature_name = signature
        return response

    def _metadata(self, request: Any) -> Any:
        version = self._find(request.model_spec)
        found = _wire.message(_SERVING + "SignatureDefMap")()
        signature = found.signature_def["serving_default"]
        signature.method_name = "tensorflow/serving/predict"
        for tensors, name in ((signature.inputs, "x"), (signature.outputs, "y")):
            tensors[name].dtype = 1
            tensors[name].tensor_shape.dim.add(size=-1)
        signature.outputs["free"].dtype = 7
        signature.outputs["free"].tensor_shape.unknown_rank = True
        found.signature_def["__saved_model_init_op"].outputs["noop"].name = "NoOp"
        response = _wire.message(_SERVING + "GetModelMetadataResponse")()
        response.metadata["signature_def"].type_url = f"type.googleapis.com/{_SERVING}X"
        response.metadata["signature_def"].value = found.SerializeToString()
        self._fill(response.model_spec, request.model_spec.name, version)
        return response

    def _status(self, request: Any) -> Any:
        name = request.model_spec.name
        versions = self.models.get(name, {})
        if request.model_spec.HasField("version"):
            wanted = request.model_spec.version.value
            versions = {v: entry for v, entry in versions.items() if v == wanted}
        if not versions:
            raise Failure(grpc.StatusCode.NOT_FOUND, f"Could not find any versions of model {name}")
        response = _wire.message(_SERVING + "GetModelStatusResponse")()
        for version in sorted(versions, reverse=True):
            entry = versions[version]
            added = response.model_version_status.add(version=version, state=entry.state)
            added.status.error_code = entry.error_code
            added.status.error_message = entry.error_message
        return response

    def _check(self, request: Any) -> Any:
        if not self.has_health:
            raise Failure(grpc.StatusCode.UNIMPLEMENTED, "")
        if request.service not in self.health:
            raise Failure(grpc.StatusCode.NOT_FOUND, "unknown service")
        return _wire.message("grpc.health.v1.HealthCheckResponse")(
            status=self.health[request.service]
        )

    @staticmethod
    def _fill(spec: Any, name: str, version: int) -> None:
        spec.name = name
        spec.version.value = version
