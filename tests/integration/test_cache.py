# SPDX-License-Identifier: Apache-2.0
"""Chunks that stay on disk: restarts, versions that share them, kills, and folders that fail."""

import pathlib
import re
import subprocess
import threading

import numpy as np
import pytest
from fault_proxy import Answer, FaultProxy
from model_server import ModelServer, server_command, serving
from stores import S3Store
from tfserving_remote import publish

DATA = r"GET /[^/]+/m/.*variables\.data"


@pytest.fixture
def flags(s3: S3Store, tmp_path: pathlib.Path) -> tuple[str, ...]:
    return (
        "--model_name=m",
        f"--model_base_path={s3.url('m')}",
        f"--remote_cache_dir={tmp_path}/cache",
    )


def chunks(tmp_path: pathlib.Path) -> set[str]:
    folder = tmp_path / "cache/tfserving-remote-chunks/chunks"
    return {path.name for path in folder.glob("*")}


def answer(server: ModelServer) -> float:
    with server.client() as client:
        return float(client.predict("m", {"x": np.zeros(1, np.float32)})["y"].sum())


def wait_kept(server: ModelServer, tmp_path: pathlib.Path, bytes_of_model: int) -> None:
    """Until every chunk has been proved, in the background."""
    folder = tmp_path / "cache/tfserving-remote-chunks/chunks"
    server.wait_until(
        lambda: sum(path.stat().st_size for path in folder.glob("*")) >= bytes_of_model,
        "the chunks",
    )


def size_of(folder: pathlib.Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_a_restart_and_a_second_server_fetch_only_manifests(
    proxy: FaultProxy,
    through: dict[str, str],
    s3: S3Store,
    flags: tuple[str, ...],
    models: pathlib.Path,
    tmp_path: pathlib.Path,
) -> None:
    publish(models / "medium", s3.url("m"))
    with serving(*flags, environment=through) as server:
        server.wait_available("m", 1)
        expected = answer(server)
        assert "from the cache" not in server.wait_for_line("loaded m version 1")
        wait_kept(server, tmp_path, size_of(models / "medium"))
        before = len(proxy.requests)
        with serving(*flags, environment=through) as second:
            second.wait_available("m", 1)
            assert answer(second) == expected
    with serving(*flags, environment=through) as server:
        server.wait_available("m", 1)
        assert answer(server) == expected
        line = server.wait_for_line("loaded m version 1")
        assert re.search(r", 0 requests, 2\d\.\d MB from the cache, verified", line), line
    content = [request for request in proxy.requests[before:] if "/m/1/" in request]
    assert content == []
    assert any("1.manifest.json" in request for request in proxy.requests[before:])


def test_kill_9_in_the_middle_of_a_load_costs_nothing_but_time(
    proxy: FaultProxy,
    through: dict[str, str],
    s3: S3Store,
    flags: tuple[str, ...],
    models: pathlib.Path,
    tmp_path: pathlib.Path,
) -> None:
    publish(models / "medium", s3.url("m"))
    gate = threading.Event()
    seen = threading.Semaphore(1)  # answers of the data that come through

    def hold_back(held: Answer) -> Answer:
        if not seen.acquire(blocking=False):
            gate.wait(60)
        return held

    proxy.add(DATA, hold_back)
    server = ModelServer(*flags, environment=through)
    server.wait_until(lambda: bool(chunks(tmp_path)), "a chunk in the cache")
    incoming = tmp_path / "cache/tfserving-remote-chunks/incoming"
    killed = {path.name for path in incoming.iterdir()}
    server.popen.kill()
    server.stop()
    gate.set()
    proxy.clear()
    assert killed == {path.name for path in incoming.iterdir()}, "a kill leaves its folder"
    with serving(*flags, environment=through) as healed:
        healed.wait_available("m", 1)
        assert "MB from the cache" in healed.wait_for_line("loaded m version 1")
        assert killed.isdisjoint(path.name for path in incoming.iterdir())
    assert list(incoming.iterdir()) == []


def test_a_damaged_chunk_is_fetched_again(
    proxy: FaultProxy,
    through: dict[str, str],
    s3: S3Store,
    flags: tuple[str, ...],
    models: pathlib.Path,
    tmp_path: pathlib.Path,
) -> None:
    publish(models / "medium", s3.url("m"))
    with serving(*flags, environment=through) as server:
        server.wait_available("m", 1)
        expected = answer(server)
        wait_kept(server, tmp_path, size_of(models / "medium"))
    folder = tmp_path / "cache/tfserving-remote-chunks/chunks"
    largest = max(folder.iterdir(), key=lambda path: path.stat().st_size)
    damaged = bytearray(largest.read_bytes())
    damaged[1000] ^= 1
    largest.write_bytes(damaged)
    with serving(*flags, environment=through) as server:
        server.wait_available("m", 1)
        assert answer(server) == expected
        server.wait_for_line("removed the damaged chunk " + largest.name)
        assert ", 1 requests, " in server.wait_for_line("loaded m version 1")


def test_without_a_folder_to_write_to_it_serves_and_says_so_once(
    s3: S3Store, models: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key, value in s3.environment.items():
        monkeypatch.setenv(key, value)
    publish(models / "scaled_1", s3.url("m"))
    (tmp_path / "file").write_text("no folder")
    cache = f"--remote_cache_dir={tmp_path}/file/cache"
    where = ("--model_name=m", f"--model_base_path={s3.url('m')}")
    with serving(*where, cache, store=s3) as server:
        server.wait_available("m", 1)
        publish(models / "scaled_2", s3.url("m"))
        server.wait_available("m", 2)
        assert sum("going on without new chunks" in line for line in server.lines) == 1


def test_flags_that_cannot_work_are_named(tmp_path: pathlib.Path) -> None:
    for flag in ("--remote_cache_dir=s3://bucket/cache", "--remote_cache_max_bytes=0"):
        ended = subprocess.run(
            [server_command(), "--model_name=m", f"--model_base_path={tmp_path}", flag],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ended.returncode != 0
        assert flag.split("=")[0] in ended.stdout + ended.stderr
