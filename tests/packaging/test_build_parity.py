# SPDX-License-Identifier: Apache-2.0
"""tools/check_build_parity.py finds what differs, and finds nothing in this checkout."""

import dataclasses
import importlib.util
import pathlib
import subprocess
import sys
from types import ModuleType

import pytest

ROOT = pathlib.Path(__file__).parents[2]
TOOL = ROOT / "tools/check_build_parity.py"


@pytest.fixture(scope="module")
def parity() -> ModuleType:
    spec = importlib.util.spec_from_file_location("check_build_parity", TOOL)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module


def test_both_builds_name_the_same() -> None:
    checked = subprocess.run(
        [sys.executable, str(TOOL)], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_a_file_or_dependency_of_one_side_is_told(parity: ModuleType) -> None:
    rooms = parity.plugin_rooms((ROOT / "cpp/README.md").read_text("utf-8"))
    assert {"base", "stream", "plugin"} <= {*rooms}
    assert "inference" not in rooms
    cmake = parity.read_cmake("source", rooms)
    assert "cpp/tfserving_remote/source/version_tracker.cc" in cmake.sources
    build, _ = parity.read_build((ROOT / "BUILD").read_text("utf-8"))["source"]
    assert [*parity.compare(cmake, build)] == []
    fewer = dataclasses.replace(
        build, sources=frozenset([*build.sources][1:]), rooms=build.rooms - {"stream"}
    )
    complaints = [*parity.compare(cmake, fewer)]
    assert len(complaints) == 2
    assert any("room stream is in CMakeLists.txt and not in BUILD" in line for line in complaints)


def test_build_files_are_read_as_bazel_reads_them(parity: ModuleType) -> None:
    rules = parity.read_build(
        'load("x", "cc_library")\n'
        'cc_library(\n    name = "a",  # a comment\n    srcs = ["a.cc"],\n    hdrs = ["a.h"],\n'
        '    deps = [":b", ":m_cc_proto", "@pugixml", "//tensorflow_serving/core:source"],\n)\n'
    )
    library, labels = rules["a"]
    assert library.sources == {"a.cc"}
    assert library.rooms == {"b"}
    assert library.others == {"pugixml", "serving_core"}
    assert [*parity.unknown_upstream(labels)] == []


@pytest.mark.parametrize(
    "label",
    ["//tensorflow_serving/core:loader_of_ours", "//elsewhere:loader", "//tensorflow_serving:x"],
)
def test_labels_that_upstream_does_not_offer_are_told(parity: ModuleType, label: str) -> None:
    assert len([*parity.unknown_upstream([label])]) == 1
