# SPDX-License-Identifier: Apache-2.0
"""The main job, on real input, without an account: `./dev demo [--keep]`.

An embedded S3 server holds a model that suggests articles of Python's own documentation. The
server streams it out of the bucket, a client without TensorFlow asks it, version 2 is published
while requests run, and both versions answer side by side.
"""

import argparse
import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator

import boto3
from tfserving_remote import Client, ModelNotFound, ServingError, publish

HERE = pathlib.Path(__file__).parent
MODEL = "docs_search"
QUESTIONS = (
    "how do I loop over a list",
    "what happens when an exception is raised",
    "define a class with methods",
    "how are floating point numbers written",
)


def say(text: str) -> None:
    print(f"\n\033[1m{text}\033[0m", flush=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def child(command: list[str], log: pathlib.Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(60)


def wait_for_store(client: object, process: subprocess.Popen[bytes], log: pathlib.Path) -> None:
    """boto3 tries again by itself; a store that has ended is told at once."""
    for _ in range(100):
        if process.poll() is not None:
            raise SystemExit(f"the S3 server ended:\n{log.read_text('utf-8', 'replace')}")
        with contextlib.suppress(Exception):
            client.list_buckets()  # type: ignore[attr-defined]
            return
        time.sleep(0.1)
    raise SystemExit("the S3 server does not answer")


def train(version: int, folder: pathlib.Path) -> pathlib.Path:
    """In a process of its own: this one stays free of TensorFlow."""
    export = folder / f"export-{version}"
    begin = time.monotonic()
    command = [sys.executable, str(HERE / "train.py"), str(export), "--version", str(version)]
    quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    trained = subprocess.run(command, check=False, env=quiet, capture_output=True, text=True)
    if trained.returncode != 0:
        raise SystemExit(trained.stderr)
    print(f"  version {version} trained in {time.monotonic() - begin:.1f} s")
    return export


def publish_version(export: pathlib.Path, url: str) -> None:
    published = publish(export, url)
    print(f"  version {published.version} published to {url}")


def ask(client: Client, question: str, version: int | None = None) -> str:
    answer = client.predict(MODEL, {"question": [question]}, version=version)
    articles = [name.decode() for name in answer["articles"][0]]
    return f"v{answer.version}: {', '.join(articles)}"


class Load:
    """Requests that never pause, from a thread, while versions change."""

    def __init__(self, address: str) -> None:
        self.answered = 0
        self.failed = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(address,))

    def _run(self, address: str) -> None:
        with Client(address) as client:
            while not self._stop.is_set():
                try:
                    client.predict(MODEL, {"question": [QUESTIONS[self.answered % len(QUESTIONS)]]})
                    self.answered += 1
                except ServingError as error:
                    print(f"  request failed: {error}")
                    self.failed += 1

    def __enter__(self) -> "Load":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


def swap_under_load(client: Client, address: str, folder: pathlib.Path, url: str) -> None:
    say("Publishing version 2 while requests run")
    with Load(address) as load:
        publish_version(train(2, folder), url)
        while not any(s.version == 2 and s.state == "AVAILABLE" for s in client.status(MODEL)):
            time.sleep(0.1)
        print("  version 2 is AVAILABLE")
    print(f"  {load.answered} requests answered meanwhile, {load.failed} failed")
    if load.failed:
        raise SystemExit("requests failed during the swap")


def show_server_log(log: pathlib.Path) -> None:
    for line in log.read_text("utf-8", "replace").splitlines():
        if "B/s" in line or "AVAILABLE" in line:
            print(f"  {line}")


def tour(folder: pathlib.Path, endpoint: str, address: str, server_log: pathlib.Path) -> None:
    url = f"s3://models/{MODEL}"
    with Client(address) as client:
        client.wait_until_ready(MODEL, timeout=120)
        say("Asking, with a client that has no TensorFlow")
        assert "tensorflow" not in sys.modules
        for question in QUESTIONS:
            print(f"  {question}?\n    {ask(client, question)}")
        swap_under_load(client, address, folder, url)
        say("Both versions side by side")
        for question in QUESTIONS:
            print(f"  {question}?")
            for version in (1, 2):
                print(f"    {ask(client, question, version)}")
        say("A version that does not exist")
        try:
            ask(client, QUESTIONS[0], 7)
        except ModelNotFound as error:
            print(f"  {type(error).__name__}: {error}")
        else:
            raise SystemExit("version 7 answered")
    say("What the server said")
    show_server_log(server_log)
    say("Go on yourself (./dev demo --keep leaves it running)")
    print(
        f"  export AWS_ENDPOINT_URL_S3={endpoint} AWS_ACCESS_KEY_ID=demo "
        "AWS_SECRET_ACCESS_KEY=demo AWS_REGION=us-east-1"
    )
    print(f"  .venv/bin/tfserving-remote list {url}")
    print(f"  .venv/bin/tfserving-remote status {address} {MODEL}")
    print(
        f"  .venv/bin/tfserving-remote predict {address} {MODEL} "
        '--inputs \'{"question": ["how do I sort"]}\''
    )
    print(f"  .venv/bin/tfserving-remote publish EXPORT_DIR {url} --archive tar.zst")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--keep", action="store_true", help="leave store and server running until Ctrl-C"
    )
    arguments = parser.parse_args()
    store_port, port = free_port(), free_port()
    endpoint = f"http://127.0.0.1:{store_port}"
    os.environ.update(
        AWS_ENDPOINT_URL_S3=endpoint,
        AWS_ACCESS_KEY_ID="demo",
        AWS_SECRET_ACCESS_KEY="demo",
        AWS_REGION="us-east-1",
        AWS_DEFAULT_REGION="us-east-1",
    )
    server = pathlib.Path(sys.executable).parent / "tensorflow_model_server"
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(tempfile.mkdtemp(prefix="docs-search-"))
        stack.callback(shutil.rmtree, folder)
        say(f"Starting an S3 server at {endpoint}, training and publishing version 1")
        store_log = folder / "store.log"
        store = stack.enter_context(
            child(
                [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(store_port)],
                store_log,
            )
        )
        s3 = boto3.client("s3")
        wait_for_store(s3, store, store_log)
        s3.create_bucket(Bucket="models")
        publish_version(train(1, folder), f"s3://models/{MODEL}")
        command = [
            str(server),
            f"--port={port}",
            f"--model_name={MODEL}",
            f"--model_base_path=s3://models/{MODEL}",
            "--model_version_policy=latest:2",
        ]
        say("$ " + " ".join(["tensorflow_model_server", *command[1:]]))
        stack.enter_context(child(command, folder / "server.log"))
        tour(folder, endpoint, f"127.0.0.1:{port}", folder / "server.log")
        if arguments.keep:
            say("Running until Ctrl-C")
            with contextlib.suppress(KeyboardInterrupt):
                threading.Event().wait()


if __name__ == "__main__":
    main()
