# SPDX-License-Identifier: Apache-2.0
"""A program that uses TensorFlow Serving's interfaces alone: what it registers and the types that
it defines are found by the installed library.
"""

import pathlib
import subprocess

import pytest
from strangers import run

SOURCE = pathlib.Path(__file__).parent / "embedder"


@pytest.fixture(scope="module")
def embedder(cmake_dir: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    build = tmp_path_factory.mktemp("embedder") / "build"
    run(
        *("cmake", "-G", "Ninja", "-S", str(SOURCE), "-B", str(build)),
        *(f"-Dtfserving_remote_DIR={cmake_dir}", "-DCMAKE_BUILD_TYPE=Debug"),
        folder=SOURCE,
    )
    run("cmake", "--build", str(build), folder=SOURCE)
    return build / "embedder"


def test_registered_platforms_and_own_types_cross_the_library(
    embedder: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    for version, name in ((1, "moon"), (3, "world")):
        (tmp_path / str(version)).mkdir()
        (tmp_path / str(version) / "name.txt").write_text(name, "utf-8")
    ended = subprocess.run(
        [str(embedder), str(tmp_path), "hello"], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == "hello, world (version 3)\n"


def test_a_version_that_cannot_be_loaded_ends_with_its_reason(
    embedder: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    (tmp_path / "1").mkdir()
    ended = subprocess.run(
        [str(embedder), str(tmp_path), "hello"], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert "1/name.txt" in ended.stderr
