# SPDX-License-Identifier: Apache-2.0
"""Stores and models that the integration tests share."""

import itertools
import pathlib
import subprocess
import sys
from collections.abc import Iterator

import pytest
from fault_proxy import FaultProxy, fault_proxy
from stores import (
    FolderStore,
    GcsStore,
    S3Store,
    Store,
    fake_gcs_server,
    go_tool,
    moto_server,
    versitygw_server,
)

MAKER = pathlib.Path(__file__).parents[1] / "models.py"


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Folders with SavedModels: half_plus_two, shout, slow, scaled_N (y = N * x)."""
    folder = tmp_path_factory.mktemp("models")
    script = (
        "import pathlib, sys; sys.path.insert(0, sys.argv[1]); import models\n"
        "root = pathlib.Path(sys.argv[2])\n"
        "models.half_plus_two(root / 'half_plus_two'); models.shout(root / 'shout')\n"
        "models.slow(root / 'slow')\n"
        "[models.scaled(root / f'scaled_{n}', n) for n in (1, 2, 3, 4)]\n"
        "models.big(root / 'medium', 24 << 20, 3)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(MAKER.parent), str(folder)], check=True)
    return folder


@pytest.fixture(scope="session")
def moto() -> Iterator[str]:
    with moto_server() as endpoint:
        yield endpoint


@pytest.fixture(scope="session")
def versitygw(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    binary = go_tool("versitygw")
    if binary is None:
        pytest.skip("versitygw is missing; install Go, then: ./dev test")
    with versitygw_server(binary, tmp_path_factory.mktemp("versitygw")) as endpoint:
        yield endpoint


@pytest.fixture(scope="session")
def fake_gcs() -> Iterator[str]:
    binary = go_tool("fake-gcs-server")
    if binary is None:
        pytest.skip("fake-gcs-server is missing; install Go, then: ./dev test")
    with fake_gcs_server(binary) as endpoint:
        yield endpoint


_bucket_names = (f"bucket-{number}" for number in itertools.count(1))


def _open(kind: str, request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> Store:
    if kind == "folder":
        return FolderStore(tmp_path / "store")
    if kind == "fake-gcs":
        gcs = GcsStore(request.getfixturevalue("fake_gcs"), next(_bucket_names))
        gcs.make_bucket()
        return gcs
    s3 = S3Store(request.getfixturevalue(kind), next(_bucket_names))
    s3.make_bucket()
    return s3


@pytest.fixture(params=["moto", "versitygw", "fake-gcs", "folder"])
def store(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> Store:
    """Every kind of store in turn, with an empty bucket."""
    return _open(request.param, request, tmp_path)


@pytest.fixture
def s3(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> S3Store:
    """moto with an empty bucket."""
    opened = _open("moto", request, tmp_path)
    assert isinstance(opened, S3Store)
    return opened


@pytest.fixture
def proxy(moto: str, s3: S3Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultProxy]:
    """The server sees the store through the proxy; this process sees it directly."""
    for key, value in s3.environment.items():
        monkeypatch.setenv(key, value)
    with fault_proxy(moto) as opened:
        yield opened


@pytest.fixture
def through(proxy: FaultProxy, s3: S3Store) -> dict[str, str]:
    return {**s3.environment, "AWS_ENDPOINT_URL_S3": proxy.endpoint}
