# SPDX-License-Identifier: Apache-2.0
"""Projects of strangers, built against the installed wheel, never against the source tree."""

import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
# With --import-mode=importlib no test folder is on the path.
sys.path[:0] = [
    str(pathlib.Path(__file__).parent),
    str(ROOT / "tests/integration"),
    str(ROOT / "tests"),
]

from strangers import run  # noqa: E402


@pytest.fixture(scope="session")
def cmake_dir() -> pathlib.Path:
    """Where the installed wheel says that its CMake package is."""
    told = subprocess.run(
        [sys.executable, "-m", "tfserving_remote", "--cmakedir"],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )
    assert told.returncode == 0, f"{told.stderr}; run: ./dev build"
    return pathlib.Path(told.stdout.strip())


@pytest.fixture(scope="session")
def custom_server(
    cmake_dir: pathlib.Path, tmp_path_factory: pytest.TempPathFactory
) -> pathlib.Path:
    """examples/custom_server, built where nothing of this repository is near."""
    folder = tmp_path_factory.mktemp("stranger")
    shutil.copytree(ROOT / "examples/custom_server", folder / "custom_server")
    run(
        *("cmake", "-G", "Ninja", "-S", str(folder / "custom_server"), "-B", str(folder / "build")),
        *(f"-Dtfserving_remote_DIR={cmake_dir}", "-DCMAKE_BUILD_TYPE=Debug"),
        "-DCMAKE_CXX_FLAGS_DEBUG=-O1 -Wall -Wextra -Werror -Wno-unused-parameter",
        folder=folder,
    )
    run("cmake", "--build", str(folder / "build"), folder=folder)
    return folder / "build/custom_model_server"
