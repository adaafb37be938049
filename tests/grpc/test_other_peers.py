# SPDX-License-Identifier: Apache-2.0
"""The gRPC transport, tried by peers that are not Python: h2spec and Go's official client."""

import os
import pathlib
import re
import shutil
import subprocess
from collections.abc import Callable

import pytest
from certificates import Authority
from echo_process import EchoServer
from go_program import build_go_client

StartServer = Callable[..., EchoServer]
ROOT = pathlib.Path(__file__).parents[2]

# nghttp2 ignores a stream identifier that was skipped, since trailers of a stream that was reset
# may still be under way (nghttp2's own server is judged alike).
TOLERATED = {"Sends stream identifier that is numerically smaller than previous"}


def test_h2spec(server: EchoServer) -> None:
    path = f"{ROOT / 'build/go/bin'}{os.pathsep}{os.environ.get('PATH', '')}"
    h2spec = shutil.which("h2spec", path=path)
    if h2spec is None:
        pytest.skip(
            "h2spec is missing: GOBIN=$PWD/build/go/bin go install "
            "github.com/summerwind/h2spec/cmd/h2spec@v2.2.1+incompatible"
        )
    result = subprocess.run(
        [h2spec, "-h", "127.0.0.1", "-p", str(server.port), "-o", "10", "-P", "/echo.Echo/Unary"],
        capture_output=True,
        text=True,
        check=False,
    )
    failures = set(re.findall(r"^\s*× \d+: (.*?)\s*$", result.stdout, re.MULTILINE))
    assert failures <= TOLERATED, result.stdout
    assert re.search(r"^1\d\d tests, ", result.stdout, re.MULTILINE), result.stdout


@pytest.fixture(scope="session")
def go_client(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    return build_go_client(tmp_path_factory.mktemp("go"))


def test_go_client(go_client: pathlib.Path, server: EchoServer) -> None:
    subprocess.run([go_client, f"-address=127.0.0.1:{server.port}", "-echo"], check=True)


def test_go_client_under_tls(
    go_client: pathlib.Path, start: StartServer, tmp_path: pathlib.Path
) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.issue("localhost")
    server = start(cert=certificate, key=key)
    arguments = [f"-address=localhost:{server.port}", f"-ca={authority.certificate}", "-echo"]
    subprocess.run([go_client, *arguments], check=True)
