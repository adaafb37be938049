# SPDX-License-Identifier: Apache-2.0
"""find_package(tfserving_remote CONFIG): what is installed is whole, relocatable and outspoken."""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest
from strangers import run

PROJECT = """\
cmake_minimum_required(VERSION 3.18)
project(stranger LANGUAGES CXX)
find_package(tfserving_remote 0.1 CONFIG REQUIRED)
message(STATUS "rpath: ${tfserving_remote_RPATH}")
"""
LIBRARIES = """\
add_library(core OBJECT core.cc)
target_link_libraries(core PRIVATE tfserving_remote::serving_core)
add_library(plugin OBJECT plugin.cc)
target_link_libraries(plugin PRIVATE tfserving_remote::plugin)
"""


def find(cmake_dir: pathlib.Path, folder: pathlib.Path, *options: str) -> tuple[int, str]:
    """Configures a project that asks for the package."""
    (folder / "CMakeLists.txt").write_text(PROJECT, "utf-8")
    ended = subprocess.run(
        [
            *("cmake", "-G", "Ninja", "-S", str(folder), "-B", str(folder / "build")),
            *(f"-Dtfserving_remote_DIR={cmake_dir}", *options),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return ended.returncode, " ".join(ended.stdout.split())


@pytest.fixture
def lonely(cmake_dir: pathlib.Path, tmp_path: pathlib.Path) -> pathlib.Path:
    """The CMake package in another site-packages, which has no TensorFlow."""
    copied = tmp_path / "site-packages/tfserving_remote/cmake"
    shutil.copytree(cmake_dir, copied)
    return copied


def test_cmakedir_is_an_absolute_folder_with_the_package(cmake_dir: pathlib.Path) -> None:
    assert cmake_dir.is_absolute()
    assert (cmake_dir / "tfserving_remote-config.cmake").is_file()
    assert (cmake_dir / "tfserving_remote-config-version.cmake").is_file()


def test_no_path_of_the_build_machine_is_in_the_package(cmake_dir: pathlib.Path) -> None:
    root = str(pathlib.Path(__file__).parents[2])
    for path in (*cmake_dir.iterdir(), *(cmake_dir.parent / "include").rglob("*.h")):
        assert root not in path.read_text("utf-8"), path
        assert sys.prefix not in path.read_text("utf-8"), path


def test_every_installed_header_compiles(cmake_dir: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """Nothing that they include was forgotten, and serving_core shows upstream's names alone."""
    include = cmake_dir.parent / "include"

    def all_of(root: pathlib.Path) -> str:
        headers = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.h"))
        assert len(headers) > 50
        return "".join(f'#include "{header}"\n' for header in headers)

    core = all_of(include / "serving_core")
    refusal = (
        '#if __has_include("tfserving_remote/base/clock.h")\n#error "not the core\'s"\n#endif\n'
    )
    (tmp_path / "core.cc").write_text(refusal + core, "utf-8")
    (tmp_path / "plugin.cc").write_text(all_of(include / "plugin"), "utf-8")
    (tmp_path / "CMakeLists.txt").write_text(PROJECT + LIBRARIES, "utf-8")
    build = str(tmp_path / "build")
    run(
        *("cmake", "-G", "Ninja", "-S", str(tmp_path), "-B", build),
        *(f"-Dtfserving_remote_DIR={cmake_dir}", "-DCMAKE_CXX_FLAGS=-Wall -Wextra -Werror"),
        folder=tmp_path,
    )
    run("cmake", "--build", build, folder=tmp_path)


def test_generated_headers_and_their_messages_are_there(cmake_dir: pathlib.Path) -> None:
    include = cmake_dir.parent / "include"
    core, plugin = include / "serving_core/tensorflow_serving", include / "plugin/tfserving_remote"
    for header in ("apis/predict.pb.h", "config/model_server_config.pb.h", "core/loader.h"):
        assert (core / header).is_file()
    assert (core / "resources/resources.proto").is_file()
    assert (plugin / "server/custom_server.h").is_file()
    assert not [*include.rglob("*_test*.h"), *include.rglob("test_util")]


def test_tensorflow_beside_the_package_is_taken(
    cmake_dir: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    code, output = find(cmake_dir, tmp_path, "-DCMAKE_DISABLE_FIND_PACKAGE_Python=ON")
    assert code == 0, output
    assert f"rpath: {cmake_dir.parent};{cmake_dir.parent.parent / 'tensorflow'}" in output


def test_else_the_one_of_the_python_that_is_found(
    lonely: pathlib.Path, tmp_path: pathlib.Path, cmake_dir: pathlib.Path
) -> None:
    code, output = find(lonely, tmp_path, f"-DPython_EXECUTABLE={sys.executable}")
    assert code == 0, output
    assert f"rpath: {lonely.parent};{cmake_dir.parent.parent / 'tensorflow'}" in output


def test_a_missing_tensorflow_is_told(lonely: pathlib.Path, tmp_path: pathlib.Path) -> None:
    code, output = find(lonely, tmp_path, "-DCMAKE_DISABLE_FIND_PACKAGE_Python=ON")
    assert code != 0
    assert "needs TensorFlow 2." in output
    assert "which is missing" in output
    assert "pip install" in output


def test_another_minor_version_is_refused(lonely: pathlib.Path, tmp_path: pathlib.Path) -> None:
    other = tmp_path / "site-packages/tensorflow"
    other.mkdir()
    (other / "libtensorflow_cc.so.2").touch()
    (tmp_path / "site-packages/tensorflow-2.99.1.dist-info").mkdir()
    code, output = find(lonely, tmp_path)
    assert code != 0
    assert "cannot be used with 2.99.1" in output
    assert "pip install" in output


def test_a_wrong_tensorflow_dir_is_told(cmake_dir: pathlib.Path, tmp_path: pathlib.Path) -> None:
    code, output = find(cmake_dir, tmp_path, f"-DTENSORFLOW_DIR={tmp_path}")
    assert code != 0
    assert f"TENSORFLOW_DIR is {tmp_path}" in output


def test_without_a_cmake_package_cmakedir_says_what_to_install(tmp_path: pathlib.Path) -> None:
    """The Python files alone, as a wheel without a server would have them."""
    source = pathlib.Path(__file__).parents[2] / "python/tfserving_remote"
    shutil.copytree(source, tmp_path / "tfserving_remote")
    told = subprocess.run(
        [sys.executable, "-m", "tfserving_remote", "--cmakedir"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )
    assert told.returncode == 1
    assert "pip install 'tfserving-remote[server]'" in told.stderr
