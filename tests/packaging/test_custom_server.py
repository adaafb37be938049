# SPDX-License-Identifier: Apache-2.0
"""A stranger's tensorflow_model_server: lookup tables out of HTTP indexes beside SavedModels."""

import functools
import http.server
import pathlib
import subprocess
import sys
import threading
from collections.abc import Iterator

import grpc
import numpy as np
import pytest
import tensorflow as tf
import tfserving_remote
from model_server import ModelServer, serving
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc
from tfserving_remote.errors import ModelNotFound

CAPITALS = {1: "France\tParis\n", 2: "France\tParis\nNorway\tOslo\n"}


class _Server(http.server.ThreadingHTTPServer):
    polls = 0
    news = threading.Condition()


class _Files(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        super().do_GET()
        if self.path == "/index.txt":
            with self.server.news:
                self.server.polls += 1
                self.server.news.notify_all()

    def log_message(self, format: str, *args: object) -> None:
        pass


class Publisher:
    """Tables and their index as files behind a web server, as anybody would publish them."""

    def __init__(self, folder: pathlib.Path, server: _Server) -> None:
        self.folder = folder
        self.server = server
        self.url = f"http://127.0.0.1:{server.server_address[1]}"
        self.index_url = f"{self.url}/index.txt"
        (folder / "tables").mkdir()

    def put_table(self, version: int, text: str) -> None:
        (self.folder / f"tables/{version}.tsv").write_text(text, "utf-8")

    def list_versions(self, *versions: int) -> None:
        lines = [f"{version} tables/{version}.tsv\n" for version in versions]
        self.put_index("# version, URL\n" + "".join(lines))

    def put_index(self, text: str) -> None:
        written = self.folder / "index.tmp"
        written.write_text(text, "utf-8")
        written.rename(self.folder / "index.txt")  # readers see the old one or the new one

    def wait_until_polled(self) -> None:
        """Until the index as it is now was read, and what follows from that was done: polls of one
        model do not overlap, and one may have been under way.
        """
        with self.server.news:
            wanted = self.server.polls + 3
            assert self.server.news.wait_for(lambda: self.server.polls >= wanted, timeout=60)


@pytest.fixture
def publisher(tmp_path: pathlib.Path) -> Iterator[Publisher]:
    folder = tmp_path / "www"
    folder.mkdir()
    handler = functools.partial(_Files, directory=str(folder))
    with _Server(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        publisher = Publisher(folder, server)
        for version, text in CAPITALS.items():
            publisher.put_table(version, text)
        publisher.list_versions(1)
        yield publisher
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def half_plus_two(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("models") / "half"
    maker = pathlib.Path(__file__).parents[1] / "models.py"
    subprocess.run([sys.executable, str(maker), "half_plus_two", str(folder / "1")], check=True)
    return folder


def write_config(path: pathlib.Path, *models: tuple[str, str, str]) -> pathlib.Path:
    """models.config with (name, base path, platform) each."""
    configs = [
        f'config {{ name: "{name}" base_path: "{base}" model_platform: "{platform}" }}'
        for name, base, platform in models
    ]
    path.write_text(f"model_config_list {{ {' '.join(configs)} }}", "utf-8")
    return path


@pytest.fixture
def server(
    custom_server: pathlib.Path,
    tmp_path: pathlib.Path,
    publisher: Publisher,
    half_plus_two: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[ModelServer]:
    config = write_config(
        tmp_path / "models.config",
        ("capitals", publisher.index_url, "lookup_table"),
        ("half", str(half_plus_two), "tensorflow"),
    )
    monkeypatch.setenv("TFSR_SERVER", str(custom_server))
    with serving(f"--model_config_file={config}") as running:
        running.wait_available("capitals", 1)
        running.wait_available("half", 1)
        yield running


def capital_of(server: ModelServer, country: str, version: int | None = None) -> tuple[str, int]:
    """The answer, and the version that gave it."""
    keys = np.array([country.encode()], dtype=object)
    with server.client() as client:
        answer = client.predict("capitals", {"keys": keys}, version=version)
    return answer["values"][0].decode(), answer.version


def test_tables_and_saved_models_are_served_by_one_process(server: ModelServer) -> None:
    keys = np.array([[b"France", b"Atlantis"]], dtype=object)
    with server.client() as client:
        answer = client.predict("capitals", {"keys": keys})
        assert answer["values"].tolist() == [[b"Paris", b""]]
        assert answer["found"].tolist() == [[True, False]]
        assert answer.version == 1
        half = client.predict("half", {"x": np.array([[4.0]], dtype=np.float32)})
        np.testing.assert_allclose(half["y"], [[4.0]])
        signature = client.metadata("capitals").signatures["serving_default"]
        assert signature.inputs["keys"].dtype == "DT_STRING"
        assert {*signature.outputs} == {"values", "found"}


def test_stock_stubs_are_answered_as_for_any_model(server: ModelServer) -> None:
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "capitals"
    request.inputs["keys"].CopyFrom(tf.make_tensor_proto(["France"]))
    with grpc.insecure_channel(server.address) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        response = stub.Predict(request, 60)
        assert tf.make_ndarray(response.outputs["values"]).tolist() == [b"Paris"]
        assert response.model_spec.name == "capitals"
        assert response.model_spec.version.value == 1
        request.inputs["keys"].CopyFrom(tf.make_tensor_proto([1, 2]))
        with pytest.raises(grpc.RpcError) as refused:
            stub.Predict(request, 60)
        assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
        assert "tensor of strings" in str(refused.value.details())


def test_status_and_health_are_told_for_both_types(server: ModelServer) -> None:
    assert server.states("capitals") == {1: "AVAILABLE"}
    assert server.states("half") == {1: "AVAILABLE"}
    with server.client() as client:
        assert client.health() == "SERVING"
        assert client.health("capitals") == "SERVING"
        assert client.health("half") == "SERVING"
        assert client.health("nothing") == "SERVICE_UNKNOWN"
        with pytest.raises(ModelNotFound):
            client.predict("capitals", {"keys": np.array([b"x"], dtype=object)}, version=7)


def test_a_version_that_appears_in_the_index_replaces_the_old_one(
    server: ModelServer, publisher: Publisher
) -> None:
    publisher.list_versions(1, 2)
    server.wait_available("capitals", 2)
    server.wait_until(lambda: server.states("capitals").get(1) == "END", "version 1 to go")
    assert capital_of(server, "Norway") == ("Oslo", 2)


def test_a_broken_table_leaves_the_old_version_serving_and_says_why(
    server: ModelServer, publisher: Publisher
) -> None:
    publisher.put_table(3, "France\tParis\nNorway, Oslo\n")
    publisher.list_versions(1, 3)
    server.wait_until(lambda: server.states("capitals").get(3) == "END", "version 3 to fail")
    with server.client() as client:
        broken = next(entry for entry in client.status("capitals") if entry.version == 3)
        assert broken.error_code == "INVALID_ARGUMENT"
        assert f"{publisher.url}/tables/3.tsv: line 2 has no tab" in broken.error_message
        assert client.health("capitals") == "SERVING"
    assert server.states("capitals")[1] == "AVAILABLE"
    assert capital_of(server, "France") == ("Paris", 1)
    publisher.put_table(4, CAPITALS[2])
    publisher.list_versions(1, 4)
    server.wait_available("capitals", 4)
    assert capital_of(server, "Norway") == ("Oslo", 4)


def test_an_index_that_breaks_or_empties_takes_nothing_down(
    server: ModelServer, publisher: Publisher
) -> None:
    """The source keeps the last good list, and the policy the last version that serves."""
    publisher.put_index("latest tables/1.tsv\n")
    server.wait_for_line('index.txt line 1: not "VERSION URL"')
    assert capital_of(server, "France") == ("Paris", 1)
    publisher.put_index("# nothing\n")
    publisher.wait_until_polled()
    assert server.states("capitals") == {1: "AVAILABLE"}
    assert capital_of(server, "France") == ("Paris", 1)
    publisher.list_versions(2)
    server.wait_available("capitals", 2)
    server.wait_until(lambda: server.states("capitals").get(1) == "END", "version 1 to go")


def test_a_model_that_the_source_cannot_watch_is_refused(
    custom_server: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    config = write_config(tmp_path / "models.config", ("capitals", "http://", "lookup_table"))
    refused = subprocess.run(
        [str(custom_server), "--port=-1", f"--model_config_file={config}"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert refused.returncode == 255
    assert "model capitals: base_path:" in refused.stdout


def test_the_binary_finds_its_libraries_beside_the_wheel(custom_server: pathlib.Path) -> None:
    listed = subprocess.run(["ldd", str(custom_server)], capture_output=True, text=True, check=True)
    package = pathlib.Path(tfserving_remote.__file__).parent
    assert str(package / "libtfserving_remote.so") in listed.stdout
    assert str(package.parent / "tensorflow/libtensorflow_cc.so.2") in listed.stdout
    assert "not found" not in listed.stdout
