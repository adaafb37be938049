# SPDX-License-Identifier: Apache-2.0
"""The wheel: what is hidden stays hidden, TLS works beside TensorFlow's own copy, another
TensorFlow is refused.
"""

import functools
import importlib.util
import os
import pathlib
import re
import subprocess
import sys

import pytest
import tfserving_remote

PACKAGE = pathlib.Path(tfserving_remote.__file__).parent
THIRD_PARTY = re.compile(
    r"^(SSL_|SSL$|BIO_|EVP_|X509_|RSA_|SHA256|CRYPTO_|OPENSSL_|ERR_|inflate|deflate|crc32|adler32|ZSTD_|nghttp2_|archive_|"
    r"lzma_|BZ2_|LZ4_|xml|nettle_|_ZN3re2|_ZN4pugi)"
)


def native_files() -> list[pathlib.Path]:
    files = [
        PACKAGE / "libtfserving_remote.so",
        PACKAGE / "bin/tensorflow_model_server",
        *PACKAGE.glob("_native*.so"),
    ]
    assert len(files) == 3
    return files


def dynamic_symbols(file: pathlib.Path, *flags: str) -> list[str]:
    listed = subprocess.run(
        ["nm", "-D", *flags, str(file)], capture_output=True, text=True, check=True
    )
    return [line.split()[-1].split("@")[0] for line in listed.stdout.splitlines()]


@functools.cache
def tensorflow_symbols() -> frozenset[str]:
    """What TensorFlow's framework library offers to everybody in the process."""
    spec = importlib.util.find_spec("tensorflow")
    assert spec is not None and spec.origin is not None
    library = pathlib.Path(spec.origin).parent / "libtensorflow_framework.so.2"
    names = frozenset(dynamic_symbols(library, "--defined-only"))
    assert "SSL_new" in names, "TensorFlow hides its BoringSSL now; this test can be simpler"
    return names


@pytest.mark.parametrize("file", native_files(), ids=lambda file: file.name)
def test_no_third_party_symbol_is_exported_or_bound_across(file: pathlib.Path) -> None:
    """TensorFlow exports its own BoringSSL, zlib and zstd; two copies that meet crash."""
    exported = [name for name in dynamic_symbols(file, "--defined-only") if THIRD_PARTY.match(name)]
    wanted = {name for name in dynamic_symbols(file, "--undefined-only") if THIRD_PARTY.match(name)}
    assert not exported, exported[:20]
    # zstd has weak hooks for tracers, which stay empty as long as nobody defines them.
    assert not wanted - {"ZSTD_trace_decompress_begin", "ZSTD_trace_decompress_end"}, wanted
    assert not wanted & tensorflow_symbols()


@pytest.mark.parametrize("file", native_files(), ids=lambda file: file.name)
def test_libraries_are_found_by_relative_paths(file: pathlib.Path) -> None:
    listed = subprocess.run(
        ["readelf", "-d", str(file)], capture_output=True, text=True, check=True
    ).stdout
    runpath = re.search(r"\((?:RUNPATH|RPATH)\)\s+Library r(?:un)?path: \[(.*)\]", listed)
    assert runpath is not None
    assert all(part.startswith("$ORIGIN") for part in runpath.group(1).split(":"))
    needed = re.findall(r"\(NEEDED\)\s+Shared library: \[(.*)\]", listed)
    assert not [
        name for name in needed if re.match(r"lib(ssl|crypto|z|zstd|nghttp2|archive)\.so", name)
    ]


def test_native_module_agrees_with_the_installed_tensorflow() -> None:
    script = (
        "from tfserving_remote import _native as n\n"
        "assert n.built_for_tensorflow == n.running_tensorflow(), n.running_tensorflow()"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_another_tensorflow_is_refused_with_advice(tmp_path: pathlib.Path) -> None:
    """A distribution of another minor version in front of the real one."""
    info = tmp_path / "tensorflow-2.99.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: tensorflow\nVersion: 2.99.0\n", "utf-8"
    )
    refused = subprocess.run(
        [sys.executable, "-m", "tfserving_remote._launch", "--version"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert refused.returncode == 1
    assert "2.99.0" in refused.stderr
    assert "pip install" in refused.stderr


def test_stubs_match_the_extension() -> None:
    assert importlib.util.find_spec("tfserving_remote._native") is not None
    checked = subprocess.run(
        [
            *(sys.executable, "-m", "mypy.stubtest", "tfserving_remote._native"),
            *("--allowlist", str(pathlib.Path(__file__).parent / "stubtest_allow.txt")),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
