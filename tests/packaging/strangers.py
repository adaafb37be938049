# SPDX-License-Identifier: Apache-2.0
"""Runs the tools that a stranger builds a project with."""

import os
import pathlib
import shutil
import subprocess


def build_environment(folder: pathlib.Path) -> dict[str, str]:
    """ccache, where it is installed, finds again what another folder of the same files made."""
    found = {"CCACHE_BASEDIR": str(folder), "CCACHE_NOHASHDIR": "1"}
    if shutil.which("ccache"):
        found["CMAKE_CXX_COMPILER_LAUNCHER"] = "ccache"
    return {**os.environ, **found}


def run(*command: str, folder: pathlib.Path) -> str:
    ended = subprocess.run(
        command,
        env=build_environment(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout[-12000:]
    return ended.stdout
