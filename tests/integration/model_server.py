# SPDX-License-Identifier: Apache-2.0
"""The real tensorflow_model_server as a child process."""

import contextlib
import os
import pathlib
import shutil
import sys
from collections.abc import Callable, Iterator

import tfserving_remote
from stores import Process, Store, free_port
from tfserving_remote.errors import ModelNotFound


def server_command() -> str:
    """TFSR_SERVER, or the command that the wheel installed beside this Python."""
    beside_python = pathlib.Path(sys.executable).parent / "tensorflow_model_server"
    command = os.environ.get("TFSR_SERVER") or shutil.which(str(beside_python))
    assert command is not None, "tensorflow_model_server is not installed; run: ./dev build"
    return command


class ModelServer(Process):
    def __init__(self, *flags: str, environment: dict[str, str] | None = None) -> None:
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        quiet = {"TF_CPP_MIN_LOG_LEVEL": "1", "TFSR_PYTHON": sys.executable}
        super().__init__(
            [server_command(), f"--port={self.port}", *flags], {**quiet, **(environment or {})}
        )
        self.wait_for_line("Running gRPC ModelServer")

    def client(self) -> tfserving_remote.Client:
        return tfserving_remote.Client(self.address)

    def states(self, model: str) -> dict[int, str]:
        """Version to state name, as GetModelStatus tells."""
        with self.client() as client:
            try:
                return {entry.version: str(entry.state) for entry in client.status(model)}
            except ModelNotFound:
                return {}

    def wait_until(self, done: Callable[[], bool], what: str, timeout: float = 60.0) -> None:
        """Until `done`, asked again after every logged line and twice a second."""
        with self.condition:
            for _ in range(int(timeout * 2)):
                self.condition.release()
                try:
                    finished = done()
                finally:
                    self.condition.acquire()
                if finished:
                    return
                assert not self.ended, f"the server ended while waiting for {what}:\n" + self.tail()
                self.condition.wait(0.5)
        raise AssertionError(f"waited in vain for {what}:\n" + self.tail())

    def wait_available(self, model: str, version: int, timeout: float = 60.0) -> None:
        self.wait_until(
            lambda: self.states(model).get(version) == "AVAILABLE",
            f"version {version} of {model}",
            timeout,
        )

    def tail(self) -> str:
        return "\n".join(self.lines[-60:])

    def resident_bytes(self, field: str = "VmRSS") -> int:
        """Memory of the process; VmHWM is its peak."""
        for line in pathlib.Path(f"/proc/{self.popen.pid}/status").read_text("ascii").splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024
        raise AssertionError(f"no {field}")


@contextlib.contextmanager
def serving(
    *flags: str, store: Store | None = None, environment: dict[str, str] | None = None
) -> Iterator[ModelServer]:
    """A server that reaches `store`; ended at the end, and required to end well."""
    server = ModelServer(
        *flags, environment={**(store.environment if store else {}), **(environment or {})}
    )
    try:
        yield server
    finally:
        code = server.stop()
    assert code == 0, f"the server ended with {code}:\n" + server.tail()
