# SPDX-License-Identifier: Apache-2.0
"""Real object stores on loopback, one class each, with the same few verbs."""

import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any, Protocol

import boto3
import botocore.config

REGION = "us-east-1"
ACCESS_KEY = "AKIAIOSFODNN7EXAMPLE"
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def go_tool(name: str) -> str | None:
    """A Go program that `./dev test` installed, or one on PATH."""
    own = pathlib.Path(__file__).parents[2] / "build/go/bin"
    return shutil.which(name, path=f"{own}{os.pathsep}{os.environ.get('PATH', '')}")


class Store(Protocol):
    """Where a test puts objects; `environment` is what servers and tools need to reach it."""

    environment: dict[str, str]

    def url(self, prefix: str) -> str: ...
    def put(self, key: str, content: bytes) -> None: ...
    def get(self, key: str) -> bytes: ...
    def delete(self, key: str) -> None: ...
    def keys(self, prefix: str) -> list[str]: ...


def copy_folder(store: Store, folder: pathlib.Path, prefix: str) -> None:
    """Upload a folder as `aws s3 cp --recursive` would: without a manifest."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            store.put(f"{prefix}/{path.relative_to(folder).as_posix()}", path.read_bytes())


class FolderStore:
    def __init__(self, root: pathlib.Path) -> None:
        self.root = root
        self.environment: dict[str, str] = {}

    def url(self, prefix: str) -> str:
        return str(self.root / prefix)

    def put(self, key: str, content: bytes) -> None:
        path = self.root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def get(self, key: str) -> bytes:
        return (self.root / key).read_bytes()

    def delete(self, key: str) -> None:
        path = self.root / key
        path.unlink()
        while path.parent != self.root and not any(path.parent.iterdir()):
            path = path.parent
            path.rmdir()

    def keys(self, prefix: str) -> list[str]:
        base = self.root / prefix
        return sorted(p.relative_to(self.root).as_posix() for p in base.rglob("*") if p.is_file())


class S3Store:
    def __init__(
        self, endpoint: str, bucket: str, access: str = ACCESS_KEY, secret: str = SECRET_KEY
    ) -> None:
        self.endpoint = endpoint
        self.bucket = bucket
        self.environment = {
            "AWS_ACCESS_KEY_ID": access,
            "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL_S3": endpoint,
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        self.client: Any = boto3.client(
            "s3",
            endpoint_url=endpoint,
            aws_access_key_id=access,
            aws_secret_access_key=secret,
            region_name=REGION,
            config=botocore.config.Config(s3={"addressing_style": "path"}, max_pool_connections=32),
        )

    def make_bucket(self) -> None:
        self.client.create_bucket(Bucket=self.bucket)

    def url(self, prefix: str) -> str:
        return f"s3://{self.bucket}/{prefix}"

    def put(self, key: str, content: bytes) -> None:
        self.client.put_object(Bucket=self.bucket, Key=key, Body=content)

    def get(self, key: str) -> bytes:
        content: bytes = self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        return content

    def delete(self, key: str) -> None:
        self.client.delete_object(Bucket=self.bucket, Key=key)

    def keys(self, prefix: str) -> list[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=prefix
        )
        return [item["Key"] for page in pages for item in page.get("Contents", [])]


class GcsStore:
    def __init__(self, endpoint: str, bucket: str) -> None:
        from google.auth.credentials import AnonymousCredentials
        from google.cloud import storage

        self.endpoint = endpoint
        self.bucket_name = bucket
        self.environment = {"STORAGE_EMULATOR_HOST": endpoint, "GOOGLE_CLOUD_PROJECT": "test"}
        self.client = storage.Client(
            project="test",
            credentials=AnonymousCredentials(),
            client_options={"api_endpoint": endpoint},
        )
        self.bucket: Any = self.client.bucket(bucket)

    def make_bucket(self) -> None:
        self.client.create_bucket(self.bucket_name)

    def url(self, prefix: str) -> str:
        return f"gs://{self.bucket_name}/{prefix}"

    def put(self, key: str, content: bytes) -> None:
        self.bucket.blob(key).upload_from_string(content, content_type="application/octet-stream")

    def get(self, key: str) -> bytes:
        content: bytes = self.bucket.blob(key).download_as_bytes()
        return content

    def delete(self, key: str) -> None:
        self.bucket.blob(key).delete()

    def keys(self, prefix: str) -> list[str]:
        return [blob.name for blob in self.client.list_blobs(self.bucket_name, prefix=prefix)]


class Process:
    """A child process whose output is kept and can be waited for line by line."""

    def __init__(self, command: list[str], environment: dict[str, str] | None = None) -> None:
        self.lines: list[str] = []
        self.condition = threading.Condition()
        self.ended = False
        self._asked_to_stop = False
        self.popen = subprocess.Popen(
            command,
            env={**os.environ, **(environment or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.popen.stdout is not None
        for line in self.popen.stdout:
            with self.condition:
                self.lines.append(line.rstrip("\n"))
                self.condition.notify_all()
        with self.condition:
            self.ended = True
            self.condition.notify_all()

    def wait_for_line(self, part: str, timeout: float = 60.0, since: int = 0) -> str:
        """The first line after `since` lines with `part`; fails when the process ends."""

        def found() -> str | None:
            return next((line for line in self.lines[since:] if part in line), None)

        with self.condition:
            self.condition.wait_for(lambda: found() is not None or self.ended, timeout)
            line = found()
        assert line is not None, f"no line with {part!r} in:\n" + "\n".join(self.lines[-60:])
        return line

    def stop(self) -> int:
        """SIGTERM once, and the exit code."""
        if self.popen.poll() is None:
            if not self._asked_to_stop:
                self._asked_to_stop = True
                self.popen.terminate()
            try:
                self.popen.wait(30)
            except subprocess.TimeoutExpired:
                self.popen.kill()
        self._reader.join(10)
        return self.popen.wait()


@contextlib.contextmanager
def moto_server() -> Iterator[str]:
    port = free_port()
    process = Process([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)])
    try:
        process.wait_for_line("Running on")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.stop()


@contextlib.contextmanager
def versitygw_server(binary: str, root: pathlib.Path) -> Iterator[str]:
    """versitygw over a folder: an S3 server that really checks signatures."""
    port = free_port()
    root.mkdir(parents=True, exist_ok=True)
    process = Process(
        [
            binary,
            "--access",
            ACCESS_KEY,
            "--secret",
            SECRET_KEY,
            "--port",
            f"127.0.0.1:{port}",
            "posix",
            str(root),
        ]
    )
    try:
        wait_for_port(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.stop()


@contextlib.contextmanager
def fake_gcs_server(binary: str) -> Iterator[str]:
    port = free_port()
    process = Process(
        [
            binary,
            "-scheme",
            "http",
            "-host",
            "127.0.0.1",
            "-port",
            str(port),
            "-backend",
            "memory",
            "-public-host",
            f"127.0.0.1:{port}",
        ]
    )
    try:
        wait_for_port(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.stop()


def wait_for_port(port: int, process: Process) -> None:
    """Until the port takes connections, retried whenever the kernel refuses one."""
    deadline = threading.Event()
    for _ in range(600):
        if process.popen.poll() is not None:
            raise AssertionError("the store ended:\n" + "\n".join(process.lines))
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        deadline.wait(0.05)
    raise AssertionError("the store does not listen:\n" + "\n".join(process.lines))
