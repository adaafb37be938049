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
MAKER = pathlib.Path(__file__).parents[1] / "models.py"


def test_streams_a_big_model(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    binary = go_tool("versitygw")
    if binary is None:
        pytest.skip("versitygw is missing; install Go, then: ./dev test")
    export = tmp_path / "export"
    subprocess.run(
        [sys.executable, str(MAKER), "big", str(export), "--bytes", str(BYTES), "--variables", "8"],
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
            line = server.wait_for_line("B/s")
            assert re.search(r"1[.,]2\d* ?GB|12\d{8}", line), line
            with server.client() as client:
                y = client.predict("big", {"x": np.zeros(1, np.float32)})["y"]
            sys.path.insert(0, str(MAKER.parent))
            assert np.isfinite(y).all()
