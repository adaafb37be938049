# SPDX-License-Identifier: Apache-2.0
"""1.2 GB in 8 variables, streamed out of S3."""

import pathlib
import re
import subprocess
import sys

import numpy as np
import pytest
from model_server import serving
from stores import S3Store, go_tool, versitygw_server
from tfserving_remote import publish

BYTES = 1_200_000_000
VARIABLES = 8
MAKER = pathlib.Path(__file__).parents[1] / "models.py"


def test_streams_a_big_model(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    binary = go_tool("versitygw")
    if binary is None:
        pytest.skip("versitygw is missing; install Go, then: ./dev test")
    export = tmp_path / "export"
    subprocess.run(
        [
            sys.executable,
            str(MAKER),
            "big",
            str(export),
            "--bytes",
            str(BYTES),
            "--variables",
            str(VARIABLES),
        ],
        check=True,
    )
    with versitygw_server(binary, tmp_path / "store") as endpoint:
        store = S3Store(endpoint, "big-bucket")
        store.make_bucket()
        for key, value in store.environment.items():
            monkeypatch.setenv(key, value)
        publish(export, store.url("big"))
        with serving(
            "--model_name=big", f"--model_base_path={store.url('big')}", store=store
        ) as server:
            server.wait_available("big", 1, timeout=240)
            line = server.wait_for_line("loaded big version 1")
            assert re.search(r"1200\.\d MB in [\d.]+ s, \d+ MB/s", line), line
            with server.client() as client:
                y = client.predict("big", {"x": np.zeros(1, np.float32)})["y"]
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); import models\n"
        "print(models.big_sum(*map(int, sys.argv[2:])))"
    )
    expected = subprocess.run(
        [sys.executable, "-c", script, str(MAKER.parent), str(BYTES), str(VARIABLES)],
        check=True,
        capture_output=True,
        text=True,
    )
    np.testing.assert_allclose(y, [float(expected.stdout)], rtol=1e-4)
