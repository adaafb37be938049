# SPDX-License-Identifier: Apache-2.0
"""Serve gcp-storage-emulator on a free port until standard input ends; the first line printed is HOST:PORT."""

import sys

from gcp_storage_emulator.server import create_server  # type: ignore[import-untyped]


def main() -> None:
    server = create_server("127.0.0.1", 0, in_memory=True, default_bucket="wire")
    server.start()
    host, port = server._api._httpd.server_address  # the only place where port 0 becomes a number
    print(f"{host}:{port}", flush=True)
    sys.stdin.read()
    server.stop()


if __name__ == "__main__":
    main()
