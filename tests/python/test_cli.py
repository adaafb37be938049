# SPDX-License-Identifier: Apache-2.0
"""The command `tfserving-remote`."""

import io
import json
import pathlib
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest
from serving_double import END, ServingDouble, Version
from tfserving_remote import Progress, _wire, read_manifest
from tfserving_remote._progress import ProgressBar
from tfserving_remote.cli import main

_DIGEST = "sha256:" + "0" * 64


def test_publish_and_list(
    tmp_path: pathlib.Path, half_plus_two: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = str(tmp_path / "store")
    command = ["publish", str(half_plus_two), store, "--metadata", "commit=1f=0c"]
    assert main([*command, "--preprocessing", "tok", "4", _DIGEST]) == 0
    out, err = capsys.readouterr()
    assert out.startswith(f"published version 1 to {store}: 4 files, ")
    assert err.startswith("upload  100% ")
    assert read_manifest(store, 1).metadata == {"commit": "1f=0c"}
    assert main([*command, "--archive", "tar.zst", "--quiet"]) == 0
    assert capsys.readouterr().err == ""
    assert main(["list", store]) == 0
    header, second, first = capsys.readouterr().out.splitlines()
    assert header.split() == ["VERSION", "SIZE", "FILES", "CREATED", "FORM", "STATE"]
    assert second.split()[0] == "2"
    assert second.split()[-2:] == ["tar.zst", "complete"]
    assert first.split()[-2:] == ["folder", "complete"]
    assert main(["list", store, "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [(v["version"], v["complete"], v["files"]) for v in listed] == [
        (2, True, 4),
        (1, True, 4),
    ]


def test_errors_are_one_sentence(
    tmp_path: pathlib.Path, half_plus_two: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments in (
        ["publish", str(tmp_path), str(tmp_path / "store")],
        ["publish", str(half_plus_two), "http://x/y"],
        ["publish", str(half_plus_two), str(tmp_path / "store"), "--metadata", "x"],
        ["publish", str(half_plus_two), str(tmp_path), "--preprocessing", "a", "b", "c"],
        ["status", "127.0.0.1:1", "m"],
        ["predict", "127.0.0.1:1", "m", "--inputs", "{"],
        ["predict", "127.0.0.1:1", "m", "--inputs", "[]"],
        ["predict", "127.0.0.1:1", "m", "--inputs", "@/no/such/file"],
    ):
        assert main(arguments) == 1
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("tfserving-remote: ")
        assert err.count("\n") == 1
        assert "Traceback" not in err


def test_debug_shows_the_traceback(tmp_path: pathlib.Path) -> None:
    command = [sys.executable, "-m", "tfserving_remote", "publish", "--debug", str(tmp_path), "x"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "Traceback" in result.stderr


def test_status_is_a_table(server: ServingDouble, capsys: pytest.CaptureFixture[str]) -> None:
    server.models["echo"][2] = Version(lambda i: i, END, 5, "gone\nfor good")
    assert main(["status", server.address, "echo"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        ["VERSION", "STATE", "ERROR"],
        ["3", "AVAILABLE"],
        ["2", "END", "NOT_FOUND:", "gone", "for", "good"],
        ["1", "AVAILABLE"],
    ]
    assert main(["status", server.address, "echo", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[1]["error_message"] == "gone\nfor good"
    assert main(["status", server.address, "nothing"]) == 1


def test_predict_sends_what_the_signature_wants(
    server: ServingDouble, capsys: pytest.CaptureFixture[str], tmp_path: pathlib.Path
) -> None:
    assert main(["predict", server.address, "echo", "--inputs", '{"x": [1, 2]}']) == 0
    assert json.loads(capsys.readouterr().out) == {
        "model": "echo",
        "version": 3,
        "outputs": {"x": [1.0, 2.0]},
    }
    assert server.requests[-1].inputs["x"].dtype == 1
    given = tmp_path / "inputs.json"
    given.write_text('{"x": [0.5]}')
    assert (
        main(["predict", server.address, "echo", "--label", "stable", "--inputs", f"@{given}"]) == 0
    )
    assert json.loads(capsys.readouterr().out)["version"] == 1
    for inputs, what in (
        ('{"z": 1}', "none of the signature's inputs: x"),
        ('{"x": "a"}', "no float"),
    ):
        assert main(["predict", server.address, "echo", "--inputs", inputs]) == 1
        assert what in capsys.readouterr().err
    arguments = ["--inputs", '{"x": 1}', "--signature", "other"]
    assert main(["predict", server.address, "echo", *arguments]) == 1
    assert "its signatures are serving_default" in capsys.readouterr().err


def test_predict_prints_bytes_that_are_no_text(
    server: ServingDouble, capsys: pytest.CaptureFixture[str]
) -> None:
    def strings(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        proto = _wire.message("tensorflow.TensorProto")(dtype=7, string_val=[b"a", b"\xff"])
        proto.tensor_shape.dim.add(size=2)
        return {"s": proto}

    server.models["strings"] = {1: Version(strings)}
    assert main(["predict", server.address, "strings", "--inputs", "{}"]) == 0
    assert json.loads(capsys.readouterr().out)["outputs"] == {"s": ["a", {"b64": "/w=="}]}


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_on_a_terminal_is_one_line_a_phase() -> None:
    out, times = _Terminal(), iter([0.0, 1.0, 2.0, 3.0])
    bar = ProgressBar(out, clock=lambda: next(times))
    bar(Progress("pack", 0, 0))
    bar(Progress("upload", 0, 4 << 20))
    bar(Progress("upload", 1 << 20, 4 << 20))
    bar(Progress("upload", 4 << 20, 4 << 20))
    bar.close()
    lines = out.getvalue().split("\n")
    assert lines[-1] == ""
    assert " 25% 1.0 MiB of 4.0 MiB  1.0 MiB/s  0:03 left" in lines[1]
    assert lines[1].endswith("100% 4.0 MiB of 4.0 MiB  2.0 MiB/s")
    assert len(lines) == 3


def test_progress_elsewhere_is_a_line_now_and_then() -> None:
    out, times = io.StringIO(), iter([0.0, 1.0, 6.0, 7.0, 8.0])
    bar = ProgressBar(out, clock=lambda: next(times))
    for done in (0, 10, 50, 60, 100):
        bar(Progress("upload", done, 100))
    bar.close()
    assert [line.split()[1] for line in out.getvalue().splitlines()] == ["50%", "100%"]
