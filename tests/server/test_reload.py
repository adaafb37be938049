# SPDX-License-Identifier: Apache-2.0
"""Changing which models a running server serves: by call, by configuration file, with labels."""

import pathlib
import shutil
import signal

import grpc
import pytest
from server_process import NOT_SERVING, SERVICE_UNKNOWN, SERVING, ServerProcess, floats
from tensorflow_serving.apis import model_management_pb2

END = 50
X = [[1.0], [4.0]]
HALF_PLUS_TWO, TRIPLED = [2.5, 4.0], [3.0, 12.0]


def publish(model: pathlib.Path, base: pathlib.Path, version: int) -> None:
    """Puts a version under a base path in one step."""
    base.mkdir(exist_ok=True)
    staged = base.parent / f".{base.name}-{version}"
    shutil.copytree(model, staged)
    staged.rename(base / str(version))


def model(name: str, base: pathlib.Path, fields: str = "") -> str:
    return f'config {{ name: "{name}" base_path: "{base}" model_platform: "tensorflow" {fields} }}'


def labels(**versions: int) -> str:
    policy = "model_version_policy { all { } } "
    return policy + " ".join(
        f'version_labels {{ key: "{label}" value: {version} }}'
        for label, version in versions.items()
    )


def write(path: pathlib.Path, *models: str) -> pathlib.Path:
    """Replaces a configuration file in one step."""
    staged = path.with_suffix(".new")
    staged.write_text("model_config_list { " + " ".join(models) + " }")
    staged.rename(path)
    return path


def reload(
    server: ServerProcess, *models: str, timeout: float = 60
) -> model_management_pb2.ReloadConfigResponse:
    return server.reload("model_config_list { " + " ".join(models) + " }", timeout)


@pytest.fixture
def two(tmp_path: pathlib.Path, half_plus_two: pathlib.Path, tripled: pathlib.Path) -> pathlib.Path:
    """A base path with version 1, half_plus_two, and version 2, tripled."""
    publish(half_plus_two, tmp_path / "two", 1)
    publish(tripled, tmp_path / "two", 2)
    return tmp_path / "two"


def test_a_call_brings_models_and_takes_them_away(
    tmp_path: pathlib.Path, half_plus_two: pathlib.Path, two: pathlib.Path
) -> None:
    publish(half_plus_two, tmp_path / "a", 1)
    config = write(tmp_path / "models.config", model("a", tmp_path / "a"))
    with ServerProcess(f"--model_config_file={config}") as server:
        response = reload(server, model("a", tmp_path / "a"), model("b", two))
        assert response.status.error_code == 0
        # It was answered because b is there.
        assert floats(server.predict("b", {"x": X}), "y") == TRIPLED
        assert server.health("") == server.health("b") == SERVING

        watch = server.watch_health("a")
        assert next(watch) == SERVING
        reload(server, model("b", two))
        # It may be seen while it goes.
        while next(watch) != SERVICE_UNKNOWN:
            pass
        server.wait_for_line("model a version 1: unloaded")
        with pytest.raises(grpc.RpcError) as error:
            server.predict("a", {"x": X})
        assert error.value.code() == grpc.StatusCode.NOT_FOUND
        assert server.states("a") == [(1, END, "")]

        reload(server)
        server.wait_for_line("model b version 2: unloaded")
        assert server.health("") == SERVING


def test_a_refused_configuration_changes_nothing(tmp_path: pathlib.Path, two: pathlib.Path) -> None:
    config = write(tmp_path / "models.config", model("m", two))
    refused = {
        'config { name: "m" base_path: "relative" model_platform: "tensorflow" }': (
            grpc.StatusCode.INVALID_ARGUMENT,
            "Expected model m to have an absolute path or URI; got base_path()=relative",
        ),
        'config { name: "n" base_path: "ftp://b/n" model_platform: "tensorflow" }': (
            grpc.StatusCode.INVALID_ARGUMENT,
            "servable n",
        ),
        'config { name: "n" base_path: "/n" model_platform: "torch" }': (
            grpc.StatusCode.INVALID_ARGUMENT,
            "Model n requests unsupported platform torch",
        ),
        model("m", two) + model("m", two): (
            grpc.StatusCode.INVALID_ARGUMENT,
            "Illegal to list model m multiple times in config list",
        ),
        model("m", two, labels(stable=7)): (
            grpc.StatusCode.FAILED_PRECONDITION,
            "Request to assign label to version 7 of model m, which is not currently available "
            "for inference",
        ),
        model("m", two, "logging_config { }"): (
            grpc.StatusCode.INVALID_ARGUMENT,
            "No request-logger-creator provided.",
        ),
    }
    with ServerProcess(f"--model_config_file={config}") as server:
        server.wait_for_line("Ready: every model has an available version")
        for models, (code, details) in refused.items():
            with pytest.raises(grpc.RpcError) as error:
                reload(server, models)
            assert error.value.code() == code
            assert details in (error.value.details() or "")
        with pytest.raises(grpc.RpcError) as error:
            server.reload("")
        assert "Only ModelConfigList is currently supported" in (error.value.details() or "")
        assert floats(server.predict("m", {"x": X}), "y") == TRIPLED
        assert server.health("") == SERVING


def test_a_reload_waits_for_its_new_models_and_keeps_nobody_waiting(
    tmp_path: pathlib.Path, half_plus_two: pathlib.Path, two: pathlib.Path
) -> None:
    config = write(tmp_path / "models.config", model("m", two))
    late = tmp_path / "late"
    late.mkdir()
    # One thread computes: the reload that waits must not be the one to have it.
    with ServerProcess(f"--model_config_file={config}", "--grpc_max_threads=1") as server:
        server.wait_for_line("Ready: every model has an available version")
        waiting = server.reload_later(
            "model_config_list { " + model("m", two) + model("late", late) + " }"
        )
        server.wait_for_line("Models: late, m")
        assert server.health("") == NOT_SERVING
        assert floats(server.predict("m", {"x": X}), "y") == TRIPLED
        reload(server, model("m", two, labels()), model("late", late))
        assert not waiting.done()
        publish(half_plus_two, late, 1)
        assert waiting.result().status.error_code == 0
        assert floats(server.predict("late", {"x": X}), "y") == HALF_PLUS_TWO


def test_a_reload_ends_at_its_deadline_and_its_configuration_stays(
    tmp_path: pathlib.Path, half_plus_two: pathlib.Path, two: pathlib.Path
) -> None:
    config = write(tmp_path / "models.config", model("m", two))
    late = tmp_path / "late"
    late.mkdir()
    with ServerProcess(f"--model_config_file={config}") as server:
        with pytest.raises(grpc.RpcError) as error:
            reload(server, model("m", two), model("late", late), timeout=0.5)
        assert error.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
        publish(half_plus_two, late, 1)
        server.wait_for_line("model late version 1: available")
        assert floats(server.predict("late", {"x": X}), "y") == HALF_PLUS_TWO


def test_a_new_model_that_does_not_load_fails_the_reload(
    tmp_path: pathlib.Path, two: pathlib.Path
) -> None:
    config = write(tmp_path / "models.config", model("m", two))
    broken = tmp_path / "broken" / "1"
    (broken / "variables").mkdir(parents=True)
    (broken / "saved_model.pb").write_bytes(b"this is no SavedModel")
    with ServerProcess(f"--model_config_file={config}", "--remote_manifest=ignored") as server:
        with pytest.raises(grpc.RpcError) as error:
            reload(server, model("m", two), model("broken", tmp_path / "broken"))
        assert error.value.code() == grpc.StatusCode.UNKNOWN
        assert "1 model(s) did not become available: {{name: broken version: 1} due to error" in (
            error.value.details() or ""
        )
        # Its configuration stays, so that it can heal.
        assert server.health("broken") == NOT_SERVING


def test_a_reload_that_waits_does_not_keep_the_server_from_draining(
    tmp_path: pathlib.Path, two: pathlib.Path
) -> None:
    config = write(tmp_path / "models.config", model("m", two))
    (tmp_path / "never").mkdir()
    server = ServerProcess(f"--model_config_file={config}")
    waiting = server.reload_later(
        "model_config_list { " + model("never", tmp_path / "never") + " }"
    )
    server.wait_for_line("Models: never")
    server.signal(signal.SIGTERM)
    with pytest.raises(grpc.RpcError) as error:
        waiting.result()
    assert error.value.code() == grpc.StatusCode.UNAVAILABLE
    server.channel.close()
    assert server.wait() == 0


def test_labels_move_between_versions(tmp_path: pathlib.Path, two: pathlib.Path) -> None:
    config = write(tmp_path / "models.config", model("m", two, labels(stable=1, canary=2)))
    with ServerProcess(f"--model_config_file={config}") as server:

        def answer(label: str) -> list[float]:
            return floats(server.predict("m", {"x": X}, version_label=label), "y")

        server.wait_for_line("version 1: available")
        server.wait_for_line("version 2: available")
        assert (answer("stable"), answer("canary")) == (HALF_PLUS_TWO, TRIPLED)
        reload(server, model("m", two, labels(stable=2)))
        assert answer("stable") == TRIPLED
        with pytest.raises(grpc.RpcError) as error:
            answer("canary")
        assert error.value.code() == grpc.StatusCode.INVALID_ARGUMENT
        assert error.value.details() == "Unrecognized servable version label: canary"


def test_a_new_label_may_wait_for_its_version_when_that_is_allowed(
    tmp_path: pathlib.Path, half_plus_two: pathlib.Path, two: pathlib.Path
) -> None:
    config = write(tmp_path / "models.config", model("m", two))
    flag = "--allow_version_labels_for_unavailable_models"
    with ServerProcess(f"--model_config_file={config}", flag) as server:
        server.wait_for_line("version 2: available")
        reload(server, model("m", two, labels(next=3)))
        with pytest.raises(grpc.RpcError) as error:
            server.predict("m", {"x": X}, version_label="next")
        assert error.value.code() == grpc.StatusCode.NOT_FOUND
        publish(half_plus_two, two, 3)
        server.wait_for_line("version 3: available")
        assert floats(server.predict("m", {"x": X}, version_label="next"), "y") == HALF_PLUS_TWO


def test_the_configuration_file_is_followed(
    tmp_path: pathlib.Path, half_plus_two: pathlib.Path, two: pathlib.Path
) -> None:
    publish(half_plus_two, tmp_path / "a", 1)
    config = write(tmp_path / "models.config", model("a", tmp_path / "a"))
    flag = "--model_config_file_poll_wait_seconds=1"
    with ServerProcess(f"--model_config_file={config}", flag) as server:
        server.wait_for_line("model a version 1: available")
        write(config, model("b", two))
        server.wait_for_line("model a version 1: unloaded")
        server.wait_for_line("model b version 2: available")
        assert floats(server.predict("b", {"x": X}), "y") == TRIPLED

        config.write_text("model_config_list {")
        server.wait_for_line("Failed to read ModelServerConfig file: Invalid protobuf file")
        write(config, model("b", two, labels(next=3)))
        server.wait_for_line("PollFilesystemAndReloadConfig failed to ReloadConfig: Request to ass")
        # Tried again until the version is there; its policy comes with it.
        publish(half_plus_two, two, 3)
        server.wait_for_line("model b version 3: available")
        server.wait_for_line("model b version 1: available")
        assert floats(server.predict("b", {"x": X}, version_label="next"), "y") == HALF_PLUS_TWO


def test_other_platforms_come_from_the_platform_file(
    tmp_path: pathlib.Path, two: pathlib.Path
) -> None:
    platforms = tmp_path / "platforms.config"
    platforms.write_text(
        'platform_configs { key: "tensorflow_again" value { source_adapter_config { '
        "[type.googleapis.com/tensorflow.serving.SavedModelBundleSourceAdapterConfig] { } } } }"
    )
    config = write(
        tmp_path / "models.config",
        model("m", two),
        f'config {{ name: "n" base_path: "{two}" model_platform: "tensorflow_again" }}',
    )
    with ServerProcess(
        f"--model_config_file={config}", f"--platform_config_file={platforms}"
    ) as server:
        server.wait_for_line("Ready: every model has an available version")
        for name in ("m", "n"):
            assert floats(server.predict(name, {"x": X}), "y") == TRIPLED
