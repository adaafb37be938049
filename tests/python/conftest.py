# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the Python tests. Everything runs on loopback, on ports that the system chooses."""

import os
import pathlib
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator

import hypothesis
import pytest

# A loaded machine is slow; the suite has its own time limit, and no files are left behind.
hypothesis.settings.register_profile(
    "tests",
    deadline=None,
    database=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("tests")

# With --import-mode=importlib no test folder is on the path; the doubles and the models are.
sys.path[:0] = [str(pathlib.Path(__file__).parent), str(pathlib.Path(__file__).parents[1])]

from gcs_double import GcsDouble  # noqa: E402
from serving_double import ServingDouble  # noqa: E402


@pytest.fixture
def server() -> Iterator[ServingDouble]:
    """A gRPC server that answers as TensorFlow Serving does; see serving_double.py."""
    with ServingDouble() as double:
        yield double


@pytest.fixture(scope="session")
def half_plus_two(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A small SavedModel. Read it only."""
    import models

    folder: pathlib.Path = models.half_plus_two(tmp_path_factory.mktemp("models") / "half_plus_two")
    return folder


@pytest.fixture(scope="session")
def two_chunks(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A SavedModel of 20 MB, so that its variables take several chunks. Read it only."""
    import models

    folder: pathlib.Path = models.big(tmp_path_factory.mktemp("models") / "big", 20_000_000)
    return folder


@pytest.fixture(scope="session")
def moto_url() -> Iterator[str]:
    """The endpoint of an S3 that moto runs."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="session")
def gcs_url() -> Iterator[str]:
    """The endpoint of a Google Cloud Storage double; see gcs_double.py."""
    with GcsDouble() as double:
        yield double.url


@pytest.fixture(scope="session")
def fake_gcs_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The endpoint of a fake-gcs-server, an implementation that is not ours."""
    root = pathlib.Path(__file__).parents[2]
    binary = shutil.which("fake-gcs-server", path=f"{root}/build/go/bin:{os.environ['PATH']}")
    if binary is None:
        pytest.skip("go install github.com/fsouza/fake-gcs-server@v1.56.1")
    seed = tmp_path_factory.mktemp("seed")
    (seed / "bucket").mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    options = ["-scheme=http", "-host=127.0.0.1", f"-port={port}", "-backend=memory"]
    command = [binary, *options, f"-data={seed}", f"-external-url={url}"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        _wait_for_port(port, process)
        yield url
        process.terminate()


def _wait_for_port(port: int, process: "subprocess.Popen[bytes]") -> None:
    while process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
    pytest.fail("fake-gcs-server ended")


@pytest.fixture
def aws(moto_url: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment in which boto3 talks to moto and reads no file of the user's."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", moto_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATEST")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-of-the-test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "no-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "no-credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture(params=["s3", "gs", "peer", "file"])
def base(request: pytest.FixtureRequest) -> str:
    """An empty base path in each kind of store; "peer" is the official client's friend
    fake-gcs-server.
    """
    make: Callable[[], str] = request.getfixturevalue(f"make_{request.param}_base")
    return make()


@pytest.fixture
def make_file_base(tmp_path: pathlib.Path) -> Callable[[], str]:
    return (tmp_path / "store").as_uri


@pytest.fixture
def make_s3_base(aws: None, request: pytest.FixtureRequest) -> Callable[[], str]:
    def make() -> str:
        import boto3

        boto3.client("s3").create_bucket(Bucket="bucket")
        return f"s3://bucket/{abs(hash(request.node.nodeid))}/model"

    return make


@pytest.fixture
def make_gs_base(
    gcs_url: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], str]:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", gcs_url)
    return lambda: f"gs://bucket/{abs(hash(request.node.nodeid))}/model"


@pytest.fixture
def make_peer_base(
    fake_gcs_url: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], str]:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", fake_gcs_url)
    return lambda: f"gs://bucket/{abs(hash(request.node.nodeid))}/model"
