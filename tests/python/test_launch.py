# SPDX-License-Identifier: Apache-2.0
"""The console script `tensorflow_model_server`, with a shell script in the server's place."""

import pathlib
import shutil
import subprocess
import sys

import pytest
import tensorflow as tf
import tfserving_remote
from tfserving_remote._launch import find_problem, installed_tensorflow


@pytest.fixture
def package(tmp_path: pathlib.Path) -> pathlib.Path:
    """A copy of the package, with a "server" that prints its arguments."""
    source = pathlib.Path(tfserving_remote.__file__).parent
    copy = tmp_path / "tfserving_remote"
    (copy / "bin").mkdir(parents=True)
    for name in ("__init__.py", "_launch.py"):
        shutil.copy(source / name, copy)
    (copy / "_built_for.txt").write_text(f"{tf.__version__}\n")
    binary = copy / "bin" / "tensorflow_model_server"
    binary.write_text('#!/bin/sh\nprintf "<%s>" "$@"\nexit 7\n')
    binary.chmod(0o755)
    return copy


def _launch(package: pathlib.Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    modules = "('grpc', 'numpy', 'tensorflow', 'google.protobuf', 'tfserving_remote.errors')"
    code = (
        "import os, sys; from tfserving_remote import _launch; real = os.execv\n"
        f"heavy = lambda: [m for m in {modules} if m in sys.modules]\n"
        "os.execv = lambda *a: sys.exit(f'imported {heavy()}') if heavy() else real(*a)\n"
        "_launch.main()"
    )
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={"PYTHONPATH": str(package.parent)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_arguments_and_exit_code_pass_through(package: pathlib.Path) -> None:
    result = _launch(package, "--port=1", "a b", "")
    assert (result.returncode, result.stdout) == (7, "<--port=1><a b><>"), result.stderr


def test_another_tensorflow_is_refused(package: pathlib.Path) -> None:
    (package / "_built_for.txt").write_text("1.99.3\n")
    result = _launch(package)
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert "pip install 'tensorflow~=1.99.0'" in result.stderr


def test_an_installation_without_a_server_says_so(package: pathlib.Path) -> None:
    (package / "bin" / "tensorflow_model_server").unlink()
    assert "cannot be run: No such file" in _launch(package).stderr
    (package / "_built_for.txt").unlink()
    result = _launch(package)
    assert result.returncode == 1
    assert "pip install 'tfserving-remote[server]'" in result.stderr


def test_the_minor_version_decides() -> None:
    assert find_problem("2.21.0", "2.21.4") is None
    assert find_problem("2.21.0", "2.21.0rc1") is None
    assert "built for TensorFlow 2.21" in (find_problem("2.21.0", "2.22.0") or "")
    assert "is missing: pip install 'tensorflow~=2.21.0'" in (find_problem("2.21.0", None) or "")
    assert installed_tensorflow() == tf.__version__
