# SPDX-License-Identifier: Apache-2.0
"""tensorflow_model_server as a child process, and calls to it with gRPC's own client.

The calls use the stubs of tensorflow-serving-api, as every existing client does.
"""

import os
import pathlib
import re
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any

import grpc
import numpy as np
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

ROOT = pathlib.Path(__file__).parents[2]
SERVING, NOT_SERVING, SERVICE_UNKNOWN = 1, 2, 3
TIMEOUT = 60.0


def binary() -> str:
    """TFSR_SERVER, or what the daily build makes."""
    path = os.environ.get("TFSR_SERVER", str(ROOT / "build/dev/tensorflow_model_server"))
    assert pathlib.Path(path).exists(), f"{path} is missing; run: ./dev build"
    return path


def run(*flags: str) -> subprocess.CompletedProcess[str]:
    """Runs the server to its end, for flags that do not let it serve."""
    return subprocess.run(
        [binary(), *flags], capture_output=True, text=True, timeout=TIMEOUT, check=False
    )


class ServerProcess:
    """A running server on a port of its own. `with` ends it and requires exit code 0."""

    def __init__(self, *flags: str) -> None:
        self.lines: list[str] = []
        self._news = threading.Condition()
        self._process = subprocess.Popen(
            [binary(), "--port=-1", *flags],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "1"},
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        line = self.wait_for_line(r"Running gRPC ModelServer at 0\.0\.0\.0:(\d+) \.\.\.")
        self.port = int(line.group(1))
        self.channel = grpc.insecure_channel(f"127.0.0.1:{self.port}")
        self._prediction = prediction_service_pb2_grpc.PredictionServiceStub(self.channel)
        self._model = model_service_pb2_grpc.ModelServiceStub(self.channel)

    def __enter__(self) -> "ServerProcess":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.channel.close()
        if self._process.poll() is None:
            self.signal(signal.SIGTERM)
        code = self.wait()
        assert kind is not None or code == 0, "\n".join(self.lines)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._news:
                self.lines.append(line.rstrip("\n"))
                self._news.notify_all()
        with self._news:
            self.lines.append("(end of output)")
            self._news.notify_all()

    def wait_for_line(self, pattern: str) -> re.Match[str]:
        """The first line of the log, past or to come, that matches."""
        seen = 0
        with self._news:
            while True:
                for line in self.lines[seen:]:
                    if found := re.search(pattern, line):
                        return found
                    assert line != "(end of output)", "\n".join(self.lines)
                seen = len(self.lines)
                assert self._news.wait(TIMEOUT), f"no line {pattern}:\n" + "\n".join(self.lines)

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def wait(self) -> int:
        """The exit code; negative is the signal that ended the process."""
        code = self._process.wait(TIMEOUT)
        self._reader.join()
        return code

    def predict(
        self, model: str, inputs: dict[str, Any], timeout: float | None = TIMEOUT, **spec: Any
    ) -> predict_pb2.PredictResponse:
        """`spec` holds fields of the ModelSpec; version is a plain number."""
        return self._prediction.Predict(self.predict_request(model, inputs, **spec), timeout)

    def predict_later(
        self, model: str, inputs: dict[str, Any], timeout: float | None = TIMEOUT
    ) -> "grpc.Future[predict_pb2.PredictResponse]":
        request = self.predict_request(model, inputs)
        call: grpc.Future[predict_pb2.PredictResponse] = self._prediction.Predict.future(
            request, timeout
        )
        return call

    @staticmethod
    def predict_request(
        model: str, inputs: dict[str, Any], version: int | None = None, **spec: Any
    ) -> predict_pb2.PredictRequest:
        request = predict_pb2.PredictRequest()
        request.model_spec.name = model
        for field, value in spec.items():
            setattr(request.model_spec, field, value)
        if version is not None:
            request.model_spec.version.value = version
        for name, value in inputs.items():
            request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
        return request

    def states(self, model: str) -> list[tuple[int, int, str]]:
        """(version, state, error message), as GetModelStatus tells them."""
        request = get_model_status_pb2.GetModelStatusRequest()
        request.model_spec.name = model
        response = self._model.GetModelStatus(request, TIMEOUT)
        return [
            (entry.version, entry.state, entry.status.error_message)
            for entry in response.model_version_status
        ]

    def reload(
        self, config: str, timeout: float | None = TIMEOUT
    ) -> model_management_pb2.ReloadConfigResponse:
        """`config` is a text ModelServerConfig. Returns when its new models are available."""
        return self._model.HandleReloadConfigRequest(self.reload_request(config), timeout)

    def reload_later(self, config: str) -> "grpc.Future[model_management_pb2.ReloadConfigResponse]":
        call: grpc.Future[model_management_pb2.ReloadConfigResponse] = (
            self._model.HandleReloadConfigRequest.future(self.reload_request(config), TIMEOUT)
        )
        return call

    @staticmethod
    def reload_request(config: str) -> model_management_pb2.ReloadConfigRequest:
        request = model_management_pb2.ReloadConfigRequest()
        text_format.Parse(config, request.config)
        return request

    def metadata(self, model: str) -> get_model_metadata_pb2.SignatureDefMap:
        request = get_model_metadata_pb2.GetModelMetadataRequest()
        request.model_spec.name = model
        request.metadata_field.append("signature_def")
        response = self._prediction.GetModelMetadata(request, TIMEOUT)
        signatures = get_model_metadata_pb2.SignatureDefMap()
        assert response.metadata["signature_def"].Unpack(signatures)
        return signatures

    def health(self, service: str) -> int:
        check: Callable[..., int] = self.channel.unary_unary(
            "/grpc.health.v1.Health/Check", _health_request, _health_status
        )
        return check(service, timeout=TIMEOUT)

    def watch_health(self, service: str) -> Iterator[int]:
        watch: Callable[..., Iterator[int]] = self.channel.unary_stream(
            "/grpc.health.v1.Health/Watch", _health_request, _health_status
        )
        return watch(service, timeout=TIMEOUT)


def _health_request(service: str) -> bytes:
    """HealthCheckRequest {string service = 1}; names here are shorter than 128 bytes."""
    name = service.encode()
    return b"\x0a" + bytes([len(name)]) + name if name else b""


def _health_status(message: bytes) -> int:
    """HealthCheckResponse {ServingStatus status = 1}."""
    return message[1] if message else 0


def floats(response: predict_pb2.PredictResponse, output: str) -> list[float]:
    values: list[float] = np.ravel(tf.make_ndarray(response.outputs[output])).tolist()
    return values
