# SPDX-License-Identifier: Apache-2.0
"""The echo server as a process, and typed handles on its methods."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
from collections.abc import Mapping, Sequence

import grpc

UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
Metadata = tuple[tuple[str, str | bytes], ...]


def echo_server_binary() -> pathlib.Path:
    """Where the build folder named by TFSR_BUILD_DIR (default: build/dev) has the echo server."""
    root = pathlib.Path(__file__).parents[2]
    return root / os.environ.get("TFSR_BUILD_DIR", "build/dev") / "bin/grpc_echo_server"


class EchoServer:
    """A running echo server; flags are those of grpc_echo_main.cc."""

    def __init__(self, binary: pathlib.Path, flags: Mapping[str, object]) -> None:
        arguments = [f"--{name}={value}" for name, value in flags.items()]
        self.process = subprocess.Popen(
            [binary, *arguments], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert self.process.stdout is not None
        word, _, port = self.process.stdout.readline().partition(" ")
        assert word == "port", "the server did not start"
        self.port = int(port)
        self.address = f"localhost:{self.port}"

    def begin_drain(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def stop(self) -> int:
        """Drains the server; its exit status is 0 when no call had to be cut off."""
        if self.process.poll() is None:
            self.begin_drain()
        return self.process.wait()

    def resident_bytes(self) -> int:
        """Memory of the process that is in RAM at present."""
        pages = int(pathlib.Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")


class Echo:
    """The methods of the echo service as calls on bytes."""

    def __init__(self, channel: grpc.Channel) -> None:
        self.channel = channel

    def call(
        self,
        method: str,
        request: bytes = b"",
        *,
        timeout: float | None = 60,
        metadata: Metadata | None = None,
        compression: grpc.Compression | None = None,
    ) -> bytes:
        """Runs a unary method."""
        unary: grpc.UnaryUnaryMultiCallable[bytes, bytes]
        unary = self.channel.unary_unary(f"/echo.Echo/{method}")
        return unary(request, timeout=timeout, metadata=metadata, compression=compression)

    def begin(self, method: str, request: bytes = b"") -> grpc._CallFuture[bytes]:
        """Starts a unary method and returns at once."""
        unary: grpc.UnaryUnaryMultiCallable[bytes, bytes]
        unary = self.channel.unary_unary(f"/echo.Echo/{method}")
        return unary.future(request)

    def stream(self, count: int, size: int) -> grpc._CallIterator[bytes]:
        """`count` messages of `size` bytes."""
        stream: grpc.UnaryStreamMultiCallable[bytes, bytes]
        stream = self.channel.unary_stream("/echo.Echo/Stream")
        return stream(b"%d %d" % (count, size))

    def error(self, method: str, request: bytes = b"", **options: object) -> grpc.RpcError:
        """Runs a unary method that must fail."""
        try:
            self.call(method, request, **options)  # type: ignore[arg-type]
        except grpc.RpcError as error:
            return error
        raise AssertionError(f"{method} succeeded")


def connect(target: str, options: Sequence[tuple[str, object]] = ()) -> grpc.Channel:
    """A plain-text channel without message limits, not shared with other tests."""
    own = ("grpc.use_local_subchannel_pool", 1)
    return grpc.insecure_channel(target, [*UNLIMITED, own, *options])
