# SPDX-License-Identifier: Apache-2.0
"""The server process from outside: calls, errors, health, signals, exit codes."""

import pathlib
import shutil
import signal
from collections.abc import Callable

import grpc
import pytest
from server_process import (
    NOT_SERVING,
    SERVICE_UNKNOWN,
    SERVING,
    ServerProcess,
    floats,
    run,
)

AVAILABLE, END = 30, 50
# Rounds of the slow model that take a second or so, and that nobody waits for.
SOME_ROUNDS, ENDLESS_ROUNDS = 200, 2_000_000_000
X = [[1.0], [4.0]]


def publish(model: pathlib.Path, base: pathlib.Path, version: int) -> None:
    """Puts a version under a base path in one step."""
    base.mkdir(exist_ok=True)
    staged = base.parent / f".{base.name}-{version}"
    shutil.copytree(model, staged)
    staged.rename(base / str(version))


def serve(base: pathlib.Path, *flags: str) -> ServerProcess:
    """A server of model m that is ready."""
    server = ServerProcess("--model_name=m", f"--model_base_path={base}", *flags)
    server.wait_for_line("Ready: every model has an available version")
    return server


def code_and_details(error: pytest.ExceptionInfo[grpc.RpcError]) -> tuple[grpc.StatusCode, str]:
    return error.value.code(), error.value.details() or ""


def test_serves_versions_and_tells_about_them(
    tmp_path: pathlib.Path, half_plus_two: pathlib.Path, tripled: pathlib.Path
) -> None:
    publish(half_plus_two, tmp_path / "m", 1)
    publish(tripled, tmp_path / "m", 2)
    with serve(tmp_path / "m", "--model_version_policy=all") as server:
        server.wait_for_line("version 1: available")
        server.wait_for_line("version 2: available")
        newest = server.predict("m", {"x": X})
        assert floats(newest, "y") == [3.0, 12.0]
        assert newest.model_spec.version.value == 2
        assert newest.model_spec.signature_name == "serving_default"
        assert newest.outputs["y"].float_val[:] == [3.0, 12.0]
        assert floats(server.predict("m", {"x": X}, version=1), "y") == [2.5, 4.0]
        assert server.states("m") == [(2, AVAILABLE, ""), (1, AVAILABLE, "")]
        signature = server.metadata("m").signature_def["serving_default"]
        assert set(signature.inputs) == {"x"}


def test_swaps_in_a_new_version(
    tmp_path: pathlib.Path, half_plus_two: pathlib.Path, tripled: pathlib.Path
) -> None:
    publish(half_plus_two, tmp_path / "m", 1)
    with serve(tmp_path / "m", "--enable_serialization_as_tensor_content") as server:
        assert server.predict("m", {"x": X}).outputs["y"].tensor_content
        publish(tripled, tmp_path / "m", 2)
        server.wait_for_line("version 1: unloaded")
        assert floats(server.predict("m", {"x": X}), "y") == [3.0, 12.0]
        assert server.states("m") == [(2, AVAILABLE, ""), (1, END, "")]


def test_errors_have_upstreams_codes_and_words(
    tmp_path: pathlib.Path, half_plus_two: pathlib.Path
) -> None:
    publish(half_plus_two, tmp_path / "m", 1)
    with serve(tmp_path / "m") as server:
        with pytest.raises(grpc.RpcError) as error:
            server.predict("m", {"x": X}, version=7)
        assert code_and_details(error) == (
            grpc.StatusCode.NOT_FOUND,
            "Servable not found for request: Specific(m, 7); versions served: 1",
        )
        with pytest.raises(grpc.RpcError) as error:
            server.predict("m", {"x": X}, signature_name="none")
        assert code_and_details(error) == (
            grpc.StatusCode.FAILED_PRECONDITION,
            'Serving signature key "none" not found.',
        )
        with pytest.raises(grpc.RpcError) as error:
            server.predict("m", {"x": [1, 2]})
        code, details = code_and_details(error)
        assert code == grpc.StatusCode.INVALID_ARGUMENT
        assert "to be float but int32 is provided" in details
        nothing: Callable[[bytes], bytes] = server.channel.unary_unary(
            "/tensorflow.serving.PredictionService/Nothing", bytes, bytes
        )
        with pytest.raises(grpc.RpcError) as error:
            nothing(b"")
        assert error.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_is_up_before_there_is_a_version_and_says_why_there_is_none(
    tmp_path: pathlib.Path, half_plus_two: pathlib.Path
) -> None:
    base = tmp_path / "m"
    base.mkdir()
    with ServerProcess("--model_name=m", f"--model_base_path={base}") as server:
        assert server.health("") == NOT_SERVING
        watch = server.watch_health("m")
        assert next(watch) == NOT_SERVING
        with pytest.raises(grpc.RpcError) as error:
            server.states("m")
        assert code_and_details(error)[0] == grpc.StatusCode.NOT_FOUND
        assert "Could not find any versions of model m" in code_and_details(error)[1]
        publish(half_plus_two, base, 1)
        assert next(watch) == SERVING
        assert server.health("m") == SERVING
        assert server.health("PredictionService") == SERVING


def test_health_knows_services_models_and_nothing_else(
    tmp_path: pathlib.Path, half_plus_two: pathlib.Path
) -> None:
    publish(half_plus_two, tmp_path / "m", 1)
    with serve(tmp_path / "m") as server:
        for service in ("", "m", "ModelService", "tensorflow.serving.PredictionService"):
            assert server.health(service) == SERVING
        with pytest.raises(grpc.RpcError) as error:
            server.health("other")
        assert error.value.code() == grpc.StatusCode.NOT_FOUND
        assert next(server.watch_health("other")) == SERVICE_UNKNOWN


def test_a_version_that_does_not_load_shows_why_and_the_old_one_serves_on(
    tmp_path: pathlib.Path, half_plus_two: pathlib.Path
) -> None:
    base = tmp_path / "m"
    publish(half_plus_two, base, 1)
    with serve(base) as server:
        broken = tmp_path / "broken"
        shutil.copytree(half_plus_two, broken)
        (broken / "saved_model.pb").write_bytes(b"this is no SavedModel")
        publish(broken, base, 2)
        server.wait_for_line("version 2: failed: ")
        (version, state, message), old = server.states("m")
        assert (version, state) == (2, END)
        assert message
        assert old == (1, AVAILABLE, "")
        assert floats(server.predict("m", {"x": X}), "y") == [2.5, 4.0]


def test_a_deadline_ends_the_run_in_the_server(tmp_path: pathlib.Path, slow: pathlib.Path) -> None:
    publish(slow, tmp_path / "m", 1)
    # One thread: what comes next waits for it.
    with serve(tmp_path / "m", "--grpc_max_threads=1") as server:
        with pytest.raises(grpc.RpcError) as error:
            server.predict("m", {"rounds": ENDLESS_ROUNDS}, timeout=0.5)
        assert error.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
        assert floats(server.predict("m", {"rounds": 1}), "y") == pytest.approx([512.0])


def test_labels_of_the_config_file_name_versions(
    tmp_path: pathlib.Path, half_plus_two: pathlib.Path, tripled: pathlib.Path
) -> None:
    publish(half_plus_two, tmp_path / "m", 1)
    publish(tripled, tmp_path / "m", 2)
    config = tmp_path / "models.config"
    config.write_text(
        'model_config_list { config { name: "m" model_platform: "tensorflow" '
        f'base_path: "{tmp_path / "m"}" model_version_policy {{ all {{}} }} '
        'version_labels { key: "stable" value: 1 } version_labels { key: "canary" value: 2 } } }'
    )
    with ServerProcess(f"--model_config_file={config}") as server:
        server.wait_for_line("version 1: available")
        server.wait_for_line("version 2: available")
        assert floats(server.predict("m", {"x": X}, version_label="stable"), "y") == [2.5, 4.0]
        assert floats(server.predict("m", {"x": X}, version_label="canary"), "y") == [3.0, 12.0]
        with pytest.raises(grpc.RpcError) as error:
            server.predict("m", {"x": X}, version_label="best")
        assert code_and_details(error) == (
            grpc.StatusCode.INVALID_ARGUMENT,
            "Unrecognized servable version label: best",
        )


def test_sigterm_lets_running_requests_finish(tmp_path: pathlib.Path, slow: pathlib.Path) -> None:
    publish(slow, tmp_path / "m", 1)
    server = serve(tmp_path / "m")
    watch = server.watch_health("")
    assert next(watch) == SERVING
    running = [server.predict_later("m", {"rounds": SOME_ROUNDS}) for _ in range(6)]
    # Answered after those calls were taken, since it comes on the same connection.
    assert server.health("") == SERVING
    server.signal(signal.SIGTERM)
    assert next(watch) == NOT_SERVING
    with pytest.raises(grpc.RpcError) as error:
        next(watch)
    assert error.value.code() == grpc.StatusCode.UNAVAILABLE
    for call in running:
        assert floats(call.result(), "y") == pytest.approx([512.0])
    server.channel.close()
    assert server.wait() == 0
    server.wait_for_line("Drained")


def test_a_second_signal_ends_the_process_at_once(
    tmp_path: pathlib.Path, slow: pathlib.Path
) -> None:
    publish(slow, tmp_path / "m", 1)
    server = serve(tmp_path / "m")
    call = server.predict_later("m", {"rounds": ENDLESS_ROUNDS}, timeout=None)
    assert server.health("") == SERVING
    server.signal(signal.SIGINT)
    server.wait_for_line("Draining")
    server.signal(signal.SIGTERM)
    assert server.wait() == -signal.SIGTERM
    assert call.exception() is not None


def test_requests_that_outlive_the_drain_are_cut_off(
    tmp_path: pathlib.Path, slow: pathlib.Path
) -> None:
    publish(slow, tmp_path / "m", 1)
    server = serve(tmp_path / "m", "--remote_drain_seconds=0")
    call = server.predict_later("m", {"rounds": ENDLESS_ROUNDS}, timeout=None)
    assert server.health("") == SERVING
    server.signal(signal.SIGTERM)
    assert server.wait() == 1
    assert call.exception() is not None


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--prot=1"], "unknown flag --prot; did you mean --port?"),
        (["--enable_batching"], "not supported yet"),
        ([], "--model_base_path and --model_config_file are empty"),
        (["--model_base_path=models/m"], "to have an absolute path or URI"),
        (["--model_config_file=/nowhere/models.config"], "NOT_FOUND: /nowhere/models.config"),
    ],
)
def test_refuses_to_start_with_one_sentence(flags: list[str], message: str) -> None:
    ended = run(*flags)
    assert ended.returncode == 255
    assert ended.stdout.startswith("Failed to start server. Error: ")
    assert message in ended.stdout


def test_tells_its_version_and_its_flags() -> None:
    version = run("--version")
    assert version.returncode == 0
    assert version.stdout.startswith("TensorFlow ModelServer: ")
    assert "\nTensorFlow Library: 2." in version.stdout
    usage = run("--help")
    assert usage.returncode == 0
    assert "--model_base_path" in usage.stdout
