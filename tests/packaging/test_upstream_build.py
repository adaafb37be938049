# SPDX-License-Identifier: Apache-2.0
"""The plugin compiles, unmodified, without our serving core: -DSERVING_CORE=upstream.

The checkout is a stand-in; that upstream's headers declare what ours do is held by the contract and
by the tests of serving_core.
"""

import pathlib
import re
import subprocess
import sys

import pytest
from upstream_checkout import ROOT, write_checkout

# Kept between runs: a second one compiles only what changed.
FOLDER = ROOT / "build/upstream"
ROOMS = ("stream", "source", "policy", "plugin")


def configure(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            "cmake",
            "-G",
            "Ninja",
            "-S",
            str(ROOT),
            *options,
            f"-DPython_EXECUTABLE={sys.executable}",
        ],
        capture_output=True,
        text=True,
        check=False,
    )


def run(*command: str) -> str:
    ended = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout[-8000:]
    return ended.stdout


def objects_of(room: str, targets: str) -> list[str]:
    found = re.findall(rf"^(\S+/tfsr_{room}\.dir/\S+\.cc\.o):", targets, re.MULTILINE)
    assert found, f"{room} is not built"
    return found


@pytest.mark.timeout(1200)
def test_plugin_compiles_against_public_headers_alone() -> None:
    """All rooms that see the serving core; check_layering sees to it that those below do not."""
    checkout, build = FOLDER / "checkout", FOLDER / "out"
    write_checkout(checkout)
    configured = configure(
        *("-B", str(build), "-DSERVING_CORE=upstream", f"-DTFS_ROOT={checkout}"),
        *("-DCMAKE_BUILD_TYPE=Debug", "-DCMAKE_CXX_FLAGS_DEBUG=-O0"),
    )
    assert configured.returncode == 0, configured.stdout + configured.stderr
    targets = run("ninja", "-C", str(build), "-t", "targets", "all")
    assert "libtfserving_remote_plugin.a:" in targets
    assert "aspired_versions_manager.cc.o:" not in targets
    # Objects only: archives would wait for the generated messages to be compiled.
    objects = [object for room in ROOMS for object in objects_of(room, targets)]
    run("ninja", "-C", str(build), *objects)
    read = run("ninja", "-C", str(build), "-t", "deps")
    assert "checkout/tensorflow_serving/core/source.h" in read
    assert "cpp/serving_core" not in read


def test_a_wrong_checkout_is_refused_with_a_reason(tmp_path: pathlib.Path) -> None:
    refused = configure(
        *("-B", str(tmp_path / "out"), "-DSERVING_CORE=upstream", f"-DTFS_ROOT={tmp_path}")
    )
    assert refused.returncode != 0
    assert "tensorflow_serving/core/source.h" in refused.stderr
    assert str(tmp_path) in refused.stderr


def test_an_unknown_core_is_refused(tmp_path: pathlib.Path) -> None:
    refused = configure("-B", str(tmp_path / "out"), "-DSERVING_CORE=mine")
    assert refused.returncode != 0
    assert "bundled or upstream" in refused.stderr
