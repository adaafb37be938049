# SPDX-License-Identifier: Apache-2.0
"""Clients that are not ours, against the real server."""

import pathlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import tfserving_remote
from go_program import build_go_client
from model_server import serving
from tfserving_remote import publish


@pytest.fixture(scope="module")
def base_path(models: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("served") / "m"
    publish(models / "scaled_2", folder)
    return folder


def test_the_official_go_client_asks_for_health(
    base_path: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    program = build_go_client(tmp_path)
    with serving("--model_name=m", f"--model_base_path={base_path}") as server:
        server.wait_available("m", 1)
        for service in ("", "m"):
            command = [program, "-address", server.address, "-service", service]
            asked = subprocess.run(command, capture_output=True, text=True, check=False)
            assert asked.returncode == 0, asked.stderr


def test_the_official_python_stubs_predict(base_path: pathlib.Path) -> None:
    """In a process of its own: the stubs import TensorFlow."""
    script = """
import sys, grpc
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc
request = predict_pb2.PredictRequest()
request.model_spec.name = "m"
request.model_spec.version.value = 1
request.inputs["x"].dtype = 1
request.inputs["x"].tensor_shape.dim.add().size = 1
request.inputs["x"].tensor_shape.dim.add().size = 1
request.inputs["x"].float_val.append(21.0)
with grpc.insecure_channel(sys.argv[1]) as channel:
    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    print(stub.Predict(request, timeout=30).outputs["y"].float_val[0])
"""
    with serving("--model_name=m", f"--model_base_path={base_path}") as server:
        server.wait_available("m", 1)
        command = [sys.executable, "-c", script, server.address]
        asked = subprocess.run(command, capture_output=True, text=True, check=False)
        assert asked.returncode == 0, asked.stderr
        assert float(asked.stdout) == 42.0


def test_answers_are_the_same_over_one_channel_from_many_threads(base_path: pathlib.Path) -> None:
    """grpcio multiplexes calls over one connection; each gets its own answer."""
    with serving("--model_name=m", f"--model_base_path={base_path}") as server:
        server.wait_available("m", 1)
        with server.client() as client, ThreadPoolExecutor(16) as pool:

            def ask(value: int) -> bool:
                x = np.full((1 + value % 7, 1), value, np.float32)
                return bool(np.array_equal(client.predict("m", {"x": x})["y"], 2 * x))

            assert all(pool.map(ask, range(500)))


def test_a_deadline_ends_the_run_and_not_the_server(
    models: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    """The session stops computing too: otherwise the drain at the end would have to cut it off."""
    publish(models / "slow", tmp_path / "slow")
    with serving("--model_name=slow", f"--model_base_path={tmp_path / 'slow'}") as server:
        server.wait_available("slow", 1)
        with server.client() as client:
            with pytest.raises(tfserving_remote.DeadlineExceeded):
                client.predict("slow", {"rounds": np.int32(100_000_000)}, timeout=1)
            assert client.predict("slow", {"rounds": np.int32(1)})["y"] == pytest.approx(512)
