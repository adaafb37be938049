# SPDX-License-Identifier: Apache-2.0
"""The clients against a server that grpcio runs and protobuf's own classes speak for."""

import asyncio
import concurrent.futures
import pathlib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from typing import Any

import grpc
import numpy as np
import pytest
import tensorflow as tf
import tfserving_remote as tfsr
from serving_double import AVAILABLE, END, LOADING, Failure, ServingDouble, Version
from tfserving_remote import AsyncClient, Client, _wire, errors
from tfserving_remote.errors import error_from_status

X = {"x": np.arange(6, dtype=np.float32).reshape(3, 2)}


@pytest.fixture
def client(server: ServingDouble) -> Any:
    with Client(server.address, timeout=20) as client:
        yield client


def test_predict_gives_outputs_and_says_who_made_them(client: Client) -> None:
    answer = client.predict("echo", {**X, "s": ["a", "ü"]})
    assert sorted(answer) == ["s", "x"]
    assert (answer["x"] == X["x"]).all()
    assert answer["s"].tolist() == [b"a", "ü".encode()]
    assert (answer.model, answer.version, answer.signature) == ("echo", 3, "serving_default")


def test_predict_asks_for_what_it_was_told(client: Client, server: ServingDouble) -> None:
    answer = client.predict("echo", {**X, "z": 1}, version=1, outputs=["z"])
    assert list(answer) == ["z"]
    assert answer.version == 1
    assert client.predict("echo", X, label="stable").version == 1
    first, second = server.requests
    assert list(first.output_filter) == ["z"]
    assert first.model_spec.signature_name == "serving_default"
    assert second.model_spec.WhichOneof("version_choice") == "version_label"


def test_version_zero_is_a_version(client: Client, server: ServingDouble) -> None:
    server.models["echo"] = {0: Version(lambda inputs: inputs)}
    assert client.predict("echo", X, version=0).version == 0
    assert server.requests[-1].model_spec.HasField("version")


def test_typed_fields_are_read_too(client: Client, server: ServingDouble) -> None:
    def typed(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        proto = _wire.message("tensorflow.TensorProto")(dtype=1, float_val=[1.5, 2.5, 3.5])
        proto.tensor_shape.dim.add(size=3)
        return {"y": proto}

    server.models["typed"] = {1: Version(typed)}
    assert client.predict("typed", {})["y"].tolist() == [1.5, 2.5, 3.5]


def test_messages_beyond_grpcs_default_limit_pass(client: Client) -> None:
    big = np.arange(8 << 20, dtype=np.float32)  # 32 MiB; the default limit is 4 MiB.
    assert (client.predict("echo", {"x": big})["x"] == big).all()


def test_a_missing_version_names_those_that_are_served(
    client: Client, server: ServingDouble
) -> None:
    server.models["echo"][4] = Version(lambda i: i, LOADING)
    server.models["echo"][2] = Version(lambda i: i, END, 13, "disk on fire")
    with pytest.raises(errors.ModelNotFound) as caught:
        client.predict("echo", X, version=7)
    message = str(caught.value)
    assert "versions served: 3, 1" in message
    assert "4 (LOADING)" in message
    assert "2 (END, INTERNAL: disk on fire)" in message
    assert isinstance(caught.value, LookupError)
    assert caught.value.code == "NOT_FOUND"


def test_a_missing_label_or_model_says_what_there_is(client: Client) -> None:
    with pytest.raises(errors.ModelNotFound, match=r"label 'canary'.*versions served: 3, 1"):
        client.predict("echo", X, label="canary")
    with pytest.raises(errors.ModelNotFound, match="no version of a model of that name"):
        client.metadata("nothing")


def test_a_missing_signature_names_those_that_are(client: Client) -> None:
    with pytest.raises(errors.SignatureNotFound, match=r"its signatures are serving_default$"):
        client.predict("echo", X, signature="other")


@pytest.mark.parametrize(
    ("code", "kind", "builtin"),
    [
        ("INVALID_ARGUMENT", errors.InvalidInput, ValueError),
        ("UNAVAILABLE", errors.Unavailable, ConnectionError),
        ("DEADLINE_EXCEEDED", errors.DeadlineExceeded, TimeoutError),
        ("PERMISSION_DENIED", errors.PermissionDenied, PermissionError),
        ("UNAUTHENTICATED", errors.PermissionDenied, PermissionError),
        ("RESOURCE_EXHAUSTED", errors.ResourceExhausted, RuntimeError),
        ("UNIMPLEMENTED", errors.Unimplemented, NotImplementedError),
        ("INTERNAL", errors.Internal, RuntimeError),
        ("DATA_LOSS", errors.Internal, RuntimeError),
        ("CANCELLED", errors.Cancelled, Exception),
        ("FAILED_PRECONDITION", errors.FailedPrecondition, RuntimeError),
    ],
)
def test_statuses_become_errors(
    client: Client, server: ServingDouble, code: str, kind: type[Exception], builtin: type
) -> None:
    def fail(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        raise Failure(grpc.StatusCode[code], "because")

    server.models["bad"] = {1: Version(fail)}
    with pytest.raises(kind, match=f"predict model 'bad' at .*: because .{code}") as caught:
        client.predict("bad", X)
    assert isinstance(caught.value, builtin)
    assert isinstance(caught.value, tfsr.ServingError)


def test_every_status_of_grpc_has_an_error() -> None:
    for code in grpc.StatusCode:
        assert isinstance(error_from_status(code.name, "", "test"), tfsr.ServingError)


@pytest.mark.parametrize(
    "call",
    [
        lambda c: c.predict("", X),
        lambda c: c.predict("m", X, version=1, label="a"),
        lambda c: c.predict("m", X, version=-1),
        lambda c: c.predict("m", [1, 2]),
        lambda c: c.predict("m", X, outputs="y"),
        lambda c: c.predict("m", {"x": [[1], [1, 2]]}),
        lambda c: c.wait_until_ready("", 3),
    ],
)
def test_bad_calls_fail_before_they_are_sent(
    client: Client, server: ServingDouble, call: Any
) -> None:
    with pytest.raises(errors.InvalidInput):
        call(client)
    assert server.requests == []


@pytest.mark.parametrize("address", ["http://h:1", "host", "host:http", "::1:8500", ""])
def test_bad_addresses_are_refused(address: str) -> None:
    with pytest.raises(errors.InvalidInput):
        Client(address)


def test_no_server_is_unavailable() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # Bound, not listening: nobody else can take the port.
        port = closed.getsockname()[1]
        with Client(f"127.0.0.1:{port}") as client, pytest.raises(errors.Unavailable):
            client.predict("m", X)


def test_a_deadline_ends_the_call(client: Client, server: ServingDouble) -> None:
    def slow(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        server.release.wait()
        return inputs

    server.models["slow"] = {1: Version(slow)}
    with pytest.raises(errors.DeadlineExceeded):
        client.predict("slow", X, timeout=0.05)


def test_a_closed_client_says_so(client: Client) -> None:
    client.close()
    client.close()
    with pytest.raises(errors.FailedPrecondition, match="closed"):
        client.predict("echo", X)


def test_metadata_is_typed(client: Client) -> None:
    found = client.metadata("echo", version=1)
    assert (found.model, found.version) == ("echo", 1)
    signature = found.signatures["serving_default"]
    assert signature.inputs == {"x": tfsr.TensorSpec("DT_FLOAT", (-1,))}
    assert signature.outputs["free"] == tfsr.TensorSpec("DT_STRING", None)
    assert str(signature.outputs["free"]) == "string any shape"


def test_status_lists_versions_newest_first(client: Client, server: ServingDouble) -> None:
    server.models["echo"][9] = Version(lambda i: i, END, 5, "gone")
    found = client.status("echo")
    assert [(v.version, v.state) for v in found] == [
        (9, "END"),
        (3, "AVAILABLE"),
        (1, "AVAILABLE"),
    ]
    assert (found[0].error_code, found[0].error_message) == ("NOT_FOUND", "gone")
    assert [v.version for v in client.status("echo", 1)] == [1]
    with pytest.raises(errors.ModelNotFound):
        client.status("echo", 8)


def test_health_is_per_model(client: Client, server: ServingDouble) -> None:
    server.health["echo"] = 2
    assert client.health() == "SERVING"
    assert client.health("echo") == "NOT_SERVING"
    assert client.health("other") == "SERVICE_UNKNOWN"


def test_waiting_ends_when_the_model_is_available(client: Client, server: ServingDouble) -> None:
    server.models["late"] = {2: Version(lambda i: i, LOADING)}
    with concurrent.futures.ThreadPoolExecutor() as pool:
        waiting = pool.submit(client.wait_until_ready, "late", timeout=20)
        while not any(r.model_spec.name == "late" for r in server.requests):
            time.sleep(0)  # The client asks at once; nothing tells us when.
        assert not waiting.done()
        server.models["late"][2].state = AVAILABLE
        waiting.result()
    client.wait_until_ready()
    client.wait_until_ready("late", 2)
    server.has_health = False
    client.wait_until_ready()


def test_waiting_in_vain_says_what_was_missing(client: Client, server: ServingDouble) -> None:
    server.models["late"] = {2: Version(lambda i: i, END, 13, "disk on fire")}
    with pytest.raises(errors.DeadlineExceeded, match=r"within 0.1 s.*disk on fire"):
        client.wait_until_ready("late", timeout=0.1)
    with pytest.raises(errors.DeadlineExceeded, match="Could not find any versions"):
        client.wait_until_ready("nothing", timeout=0.05)


def test_waiting_survives_a_server_that_starts_later() -> None:
    with ServingDouble() as first:
        port = first.port
    with Client(f"127.0.0.1:{port}") as client, pytest.raises(errors.DeadlineExceeded):
        client.wait_until_ready(timeout=0.05)


def test_headers_go_with_every_call(server: ServingDouble) -> None:
    with Client(server.address, headers={"Authorization": "Bearer t"}) as client:
        client.predict("echo", X)
    assert server.headers[0]["authorization"] == "Bearer t"


def test_one_client_serves_many_threads(client: Client) -> None:
    barrier = threading.Barrier(8)

    def call(number: int) -> bool:
        barrier.wait()
        return all(client.predict("echo", {"x": number})["x"] == number for _ in range(20))

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert all(pool.map(call, range(8)))


def test_the_async_client_does_the_same(server: ServingDouble) -> None:
    async def main() -> None:
        async with AsyncClient(server.address, timeout=20) as client:
            await client.wait_until_ready("echo")
            answers = await asyncio.gather(*(client.predict("echo", {"x": i}) for i in range(20)))
            assert [int(a["x"]) for a in answers] == list(range(20))
            assert (await client.metadata("echo", label="stable")).version == 1
            assert [v.version for v in await client.status("echo")] == [3, 1]
            assert await client.health() == "SERVING"
            with pytest.raises(errors.ModelNotFound, match="versions served: 3, 1"):
                await client.predict("echo", X, version=7)
            with pytest.raises(errors.DeadlineExceeded):
                await client.wait_until_ready("nothing", timeout=0.05)
        with pytest.raises(errors.FailedPrecondition):
            await client.predict("echo", X)

    asyncio.run(main())


def test_an_async_call_can_be_cancelled(server: ServingDouble) -> None:
    async def main() -> None:
        started = asyncio.Event()
        loop = asyncio.get_running_loop()

        def slow(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
            loop.call_soon_threadsafe(started.set)
            server.release.wait()
            return inputs

        server.models["slow"] = {1: Version(slow)}
        async with AsyncClient(server.address) as client:
            task = asyncio.create_task(client.predict("slow", X))
            await started.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(main())


def test_private_messages_live_beside_tensorflows() -> None:
    ours = _wire.message("tensorflow.TensorProto")
    theirs = type(tf.make_tensor_proto(1))
    assert ours.DESCRIPTOR.full_name == theirs.DESCRIPTOR.full_name
    assert ours is not theirs


def test_the_client_runs_without_tensorflow(server: ServingDouble, tmp_path: pathlib.Path) -> None:
    """The wheel with its base dependencies alone, in an environment of its own."""
    wheels = sorted((pathlib.Path(__file__).parents[2] / "build/wheel").glob("*.whl"))
    if not wheels:
        pytest.skip("build/wheel has no wheel: ./dev build")
    programs = tmp_path / "venv" / "bin"
    subprocess.run([sys.executable, "-m", "venv", programs.parent], check=True)
    install = [str(programs / "python"), "-m", "pip", "install", "-q", "--prefer-binary"]
    installed = subprocess.run(
        [*install, str(wheels[-1])], capture_output=True, text=True, check=False
    )
    if installed.returncode:
        pytest.skip(f"no packages for a bare environment: {installed.stderr[-200:]}")
    script = pathlib.Path(__file__).with_name("bare_client.py")
    bfloat16 = _wire.message("tensorflow.TensorProto")(dtype=14, half_val=[0x3F80])
    server.models["bfloat16"] = {1: Version(lambda inputs: {"y": bfloat16})}
    result = subprocess.run(
        [programs / "python", script, server.address],
        env={},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout == "ok\n"
    refused = subprocess.run(
        [programs / "tensorflow_model_server"], capture_output=True, text=True, check=False
    )
    assert refused.returncode == 1
    assert "pip install 'tensorflow~=" in refused.stderr


@pytest.mark.parametrize("module", ["tfserving_remote", "tfserving_remote.errors"])
def test_importing_the_package_imports_nothing_heavy(module: str) -> None:
    heavy = "('grpc', 'numpy', 'google.protobuf')"
    code = f"import {module}, sys; print([m for m in {heavy} if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert result.stdout == b"[]\n"


def test_every_public_name_is_there() -> None:
    assert all(getattr(tfsr, name) is not None for name in tfsr.__all__)
    assert set(tfsr.__all__) <= set(dir(tfsr))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = tfsr.nothing
