# SPDX-License-Identifier: Apache-2.0
"""A server with trusted keys serves what their owners have signed, and nothing else."""

import contextlib
import json
import os
import pathlib
import shutil
import subprocess
from collections.abc import Callable

import numpy as np
import pytest
from model_server import ModelServer, server_command, serving
from stores import Store
from tfserving_remote import ModelNotFound, keygen, publish, sign

X = np.array([[1.0], [2.0]], np.float32)


@pytest.fixture(autouse=True)
def reach_store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """`publish` runs in this process: give it the way to the store."""
    if "store" in request.fixturenames:
        for name, value in request.getfixturevalue("store").environment.items():
            monkeypatch.setenv(name, value)


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A folder with the key pairs owner, second and stranger."""
    folder = tmp_path_factory.mktemp("keys")
    for name, curve in (("owner", "P-256"), ("second", "P-384"), ("stranger", "P-256")):
        keygen(folder / name, curve=curve)
    return folder


def error_of(server: ModelServer, version: int) -> str:
    """What GetModelStatus says of a version that was refused; "" of one that was not (yet)."""
    with server.client() as client, contextlib.suppress(ModelNotFound):
        for entry in client.status("m"):
            if entry.version == version and entry.error_code != "OK":
                return f"{entry.error_code}: {entry.error_message}"
    return ""


def wait_refused(server: ModelServer, version: int, what: str) -> None:
    server.wait_until(lambda: what in error_of(server, version), f"version {version}: {what}")


def factor_served(server: ModelServer) -> float:
    with server.client() as client:
        return float(client.predict("m", {"x": X})["y"][0, 0])


def test_an_unsigned_version_is_refused_until_it_is_signed(
    store: Store, models: pathlib.Path, keys: pathlib.Path
) -> None:
    url = store.url("m")
    publish(models / "scaled_1", url, sign_key=keys / "owner")
    flags = ("--model_name=m", f"--model_base_path={url}")
    with serving(*flags, f"--remote_trusted_keys={keys}/owner.pub", store=store) as server:
        server.wait_available("m", 1)
        publish(models / "scaled_2", url)
        wait_refused(server, 2, "2.manifest.sig: there is no signature, and only versions that")
        assert error_of(server, 2).startswith("FAILED_PRECONDITION")
        assert factor_served(server) == 1.0
        sign(url, keys / "owner", version=2, export_dir=models / "scaled_2")
        server.wait_available("m", 2)
        assert factor_served(server) == 2.0


@pytest.mark.parametrize("archive", [None, "tar", "tar.zst"])
def test_each_of_several_keys_is_trusted(
    tmp_path: pathlib.Path, models: pathlib.Path, keys: pathlib.Path, archive: str | None
) -> None:
    publish(models / "scaled_1", tmp_path / "m", sign_key=keys / "owner", archive=archive)
    publish(models / "scaled_2", tmp_path / "m", sign_key=keys / "second", archive=archive)
    trusted = f"--remote_trusted_keys={keys}/owner.pub,{keys}/second.pub"
    flags = ("--model_name=m", f"--model_base_path={tmp_path}/m", "--model_version_policy=all")
    with serving(*flags, trusted) as server:
        server.wait_available("m", 1)
        server.wait_available("m", 2)
        assert factor_served(server) == 2.0


def _edit_manifest(change: Callable[[dict[str, object]], object]) -> Callable[[pathlib.Path], None]:
    def tamper(store: pathlib.Path) -> None:
        manifest = json.loads((store / "2.manifest.json").read_bytes())
        change(manifest)
        (store / "2.manifest.json").write_text(json.dumps(manifest))

    return tamper


def _flip_weights(store: pathlib.Path) -> None:
    path = next((store / "2/variables").glob("*.data-*"))
    data = bytearray(path.read_bytes())
    data[0] ^= 1
    path.write_bytes(data)


def _republish(store: pathlib.Path) -> None:
    """Other content with a manifest that describes it, under the old signature."""
    other = store.parent / "other"
    publish(next(store.glob("2")), other, version=2, metadata={"by": "a stranger"})
    shutil.copyfile(other / "2.manifest.json", store / "2.manifest.json")


def _take_signature_of_1(store: pathlib.Path) -> None:
    shutil.copyfile(store / "1.manifest.sig", store / "2.manifest.sig")


@pytest.mark.parametrize(
    ("tamper", "error"),
    [
        pytest.param(_flip_weights, "DATA_LOSS: ", id="weights"),
        pytest.param(_republish, "was made for a manifest with the sha256", id="other content"),
        pytest.param(
            _edit_manifest(lambda manifest: manifest.update(metadata={"more": "text"})),
            "was made for a manifest with the sha256",
            id="manifest",
        ),
        pytest.param(_take_signature_of_1, "was made for a manifest", id="signature of 1"),
        pytest.param(
            lambda store: (store / "2.manifest.sig").write_text("signed, honestly"),
            "INVALID_ARGUMENT",
            id="no signature",
        ),
        pytest.param(
            lambda store: (store / "2.manifest.json").unlink(),
            "2.manifest.json: there is no manifest",
            id="no manifest",
        ),
    ],
)
def test_a_version_that_was_tampered_with_is_refused(
    tmp_path: pathlib.Path,
    models: pathlib.Path,
    keys: pathlib.Path,
    tamper: Callable[[pathlib.Path], object],
    error: str,
) -> None:
    store = tmp_path / "m"
    publish(models / "scaled_1", store, sign_key=keys / "owner")
    publish(models / "scaled_2", store, sign_key=keys / "owner")
    tamper(store)
    flags = ("--model_name=m", f"--model_base_path={store}", "--model_version_policy=all")
    with serving(*flags, f"--remote_trusted_keys={keys}/owner.pub") as server:
        server.wait_available("m", 1)
        wait_refused(server, 2, error)
        assert factor_served(server) == 1.0


def test_a_strangers_signature_is_refused_until_the_owner_replaces_it(
    tmp_path: pathlib.Path, models: pathlib.Path, keys: pathlib.Path
) -> None:
    publish(models / "scaled_1", tmp_path / "m", sign_key=keys / "stranger")
    flags = ("--model_name=m", f"--model_base_path={tmp_path}/m")
    with serving(*flags, f"--remote_trusted_keys={keys}/owner.pub") as server:
        wait_refused(server, 1, "1.manifest.sig: was made with another key (")
        assert error_of(server, 1).startswith("DATA_LOSS")
        sign(tmp_path / "m", keys / "owner", replace=True)
        server.wait_available("m", 1)


def test_without_keys_signatures_are_not_looked_at(
    tmp_path: pathlib.Path, models: pathlib.Path, keys: pathlib.Path
) -> None:
    publish(models / "scaled_3", tmp_path / "m", sign_key=keys / "stranger")
    flags = ("--model_name=m", f"--model_base_path={tmp_path}/m", "--remote_verify=SHA256")
    with serving(*flags) as server:
        server.wait_available("m", 1)
        assert factor_served(server) == 3.0


@pytest.mark.parametrize(
    ("flags", "error"),
    [
        (["--remote_trusted_keys={keys}/nothing.pub"], "nothing.pub: No such file"),
        (["--remote_trusted_keys={keys}/owner.pub,"], "trusted keys : No such file"),
        (["--remote_trusted_keys={keys}/owner"], "is a private key; give the server the public"),
        (["--remote_trusted_keys={keys}/owner.pub", "--remote_verify=CRC32C"], "need SHA256"),
        (["--remote_trusted_keys={keys}/owner.pub", "--remote_manifest=ignored"], "are ignored"),
        (["--remote_verify=MD5"], "CRC32C or SHA256"),
    ],
)
def test_wrong_flags_end_the_server_at_once(
    tmp_path: pathlib.Path, keys: pathlib.Path, flags: list[str], error: str
) -> None:
    command = [server_command(), "--port=-1", "--model_name=m", f"--model_base_path={tmp_path}"]
    command += [flag.format(keys=keys) for flag in flags]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "1"}
    ended = subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, env=environment
    )
    assert ended.returncode != 0
    assert "--remote_trusted_keys, --remote_verify: " in ended.stderr + ended.stdout
    assert error in ended.stderr + ended.stdout
