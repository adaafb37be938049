# SPDX-License-Identifier: Apache-2.0
"""Serve fake-gcs-server on a free port until standard input ends; first prints HOST:PORT.

Install it: go install github.com/fsouza/fake-gcs-server@v1.56.1
TFSR_FAKE_GCS_SERVER may name the binary.
"""

import os
import shutil
import socket
import subprocess
import sys
import time


def free_port() -> int:
    """A port that was free a moment ago: fake-gcs-server cannot tell which one it chose itself."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def start(binary: str) -> tuple[subprocess.Popen[bytes], int]:
    """The server and its port; tries another port when somebody else was faster."""
    for _ in range(5):
        port = free_port()
        where = ["-scheme", "http", "-host", "127.0.0.1", "-port", str(port)]
        server = subprocess.Popen(
            [binary, "-backend", "memory", *where],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while server.poll() is None:
            if accepts(port):
                return server, port
            time.sleep(0.05)
    raise SystemExit("fake-gcs-server does not start")


def main() -> None:
    binary = os.environ.get("TFSR_FAKE_GCS_SERVER") or shutil.which("fake-gcs-server")
    if binary is None:
        raise SystemExit("fake-gcs-server is not installed")
    server, port = start(binary)
    print(f"127.0.0.1:{port}", flush=True)
    sys.stdin.read()
    server.kill()
    server.wait()


if __name__ == "__main__":
    main()
