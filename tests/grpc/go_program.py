# SPDX-License-Identifier: Apache-2.0
"""The program of tests/grpc/go_client: Go's official gRPC client."""

import pathlib
import shutil
import subprocess

import pytest


def build_go_client(folder: pathlib.Path) -> pathlib.Path:
    """Build it into `folder`; skips the test where that cannot be."""
    go = shutil.which("go")
    if go is None:
        pytest.skip("Go is missing: install the Debian package golang-go or https://go.dev/dl")
    program = folder / "go_client"
    built = subprocess.run(
        [go, "build", "-o", program, "."],
        cwd=pathlib.Path(__file__).parent / "go_client",
        capture_output=True,
        text=True,
        check=False,
    )
    if built.returncode != 0:
        pytest.skip(f"the Go client cannot be built here: {built.stderr.strip()[-300:]}")
    return program
