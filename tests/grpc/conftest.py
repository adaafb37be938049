# SPDX-License-Identifier: Apache-2.0
"""Servers that the transport tests share."""

import pathlib
import sys
from collections.abc import Callable, Iterator

import pytest

# With --import-mode=importlib no test folder is on the path.
sys.path[:0] = [
    str(pathlib.Path(__file__).parent),
    str(pathlib.Path(__file__).parents[1] / "integration"),
]

from echo_process import EchoServer, echo_server_binary  # noqa: E402

StartServer = Callable[..., EchoServer]


@pytest.fixture(scope="session")
def binary() -> pathlib.Path:
    """The echo server that the C++ build made; without it the test is skipped."""
    path = echo_server_binary()
    if not path.exists():
        pytest.skip(f"{path} is missing: build it with `ninja -C build/dev grpc_echo_server`")
    return path


@pytest.fixture
def start(binary: pathlib.Path) -> Iterator[StartServer]:
    """Starts an echo server with the given flags; all of them stop with the test."""
    servers: list[EchoServer] = []

    def start_one(**flags: object) -> EchoServer:
        servers.append(EchoServer(binary, flags))
        return servers[-1]

    yield start_one
    for server in servers:
        server.stop()


@pytest.fixture(scope="module")
def server(binary: pathlib.Path) -> Iterator[EchoServer]:
    """An echo server with two I/O threads and otherwise ordinary flags."""
    shared = EchoServer(binary, {"threads": 2})
    yield shared
    assert shared.stop() == 0
