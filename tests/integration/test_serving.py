# SPDX-License-Identifier: Apache-2.0
"""The main job: versions published to a store are served, swapped and withdrawn."""

import pathlib
import threading
from collections import Counter

import numpy as np
import pytest
import tfserving_remote
from model_server import ModelServer, serving
from stores import FolderStore, S3Store, Store, copy_folder
from tfserving_remote import publish

X = np.array([[1.0], [2.0]], np.float32)


@pytest.fixture(autouse=True)
def reach_store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """`publish` runs in this process: give it the way to the store."""
    for name in ("store", "s3"):
        if name in request.fixturenames:
            for key, value in request.getfixturevalue(name).environment.items():
                monkeypatch.setenv(key, value)


def factor_served(server: ModelServer, model: str = "m", version: int | None = None) -> float:
    with server.client() as client:
        return float(client.predict(model, {"x": X}, version=version)["y"][0, 0])


@pytest.mark.parametrize("archive", [None, "tar", "tar.gz", "tar.zst"])
def test_serves_a_published_version(
    store: Store, models: pathlib.Path, archive: str | None
) -> None:
    publish(models / "scaled_2", store.url("m"), archive=archive)
    with serving("--model_name=m", f"--model_base_path={store.url('m')}", store=store) as server:
        server.wait_available("m", 1)
        with server.client() as client:
            result = client.predict("m", {"x": X})
            np.testing.assert_allclose(result["y"], 2 * X)
            assert result.version == 1
            assert (
                client.metadata("m").signatures["serving_default"].inputs["x"].dtype == "DT_FLOAT"
            )


def test_swaps_versions_under_load_without_a_failed_request(
    store: Store, models: pathlib.Path
) -> None:
    publish(models / "scaled_1", store.url("m"))
    answers: Counter[float] = Counter()
    failures: list[Exception] = []
    stop = threading.Event()

    def ask() -> None:
        with server.client() as client:
            while not stop.is_set():
                try:
                    answers[float(client.predict("m", {"x": X})["y"][0, 0])] += 1
                except tfserving_remote.ServingError as error:
                    failures.append(error)

    with serving("--model_name=m", f"--model_base_path={store.url('m')}", store=store) as server:
        server.wait_available("m", 1)
        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        for version in (2, 3):
            publish(models / f"scaled_{version}", store.url("m"))
            server.wait_until(
                lambda v=version: answers[float(v)] > 20, f"answers of version {version}"
            )  # type: ignore[misc]
            server.wait_until(
                lambda v=version: server.states("m").get(v - 1) == "END", "the old one to end"
            )  # type: ignore[misc]
        stop.set()
        for thread in threads:
            thread.join()
    assert not failures
    assert set(answers) == {1.0, 2.0, 3.0}


def test_a_version_being_copied_is_never_loaded_half(store: Store, models: pathlib.Path) -> None:
    """Copied without a manifest, file by file, graph first."""
    copy_folder(store, models / "scaled_1", "m/1")
    with serving("--model_name=m", f"--model_base_path={store.url('m')}", store=store) as server:
        server.wait_available("m", 1)
        folder = models / "scaled_3"
        files = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
        last = next(name for name in files if "data-00000" in name)
        for name in files:
            if name != last:
                store.put(f"m/2/{name}", (folder / name).read_bytes())
        server.wait_for_line("not complete: variables/variables.data-00000-of-")
        assert 2 not in server.states("m")
        assert factor_served(server) == 1.0
        store.put(f"m/2/{last}", (folder / last).read_bytes())
        server.wait_available("m", 2)
        assert factor_served(server) == 3.0
        assert not any("END" in state for v, state in server.states("m").items() if v == 2)


def test_a_version_that_disappears_is_unloaded(store: Store, models: pathlib.Path) -> None:
    for number in (1, 2):
        publish(models / f"scaled_{number}", store.url("m"))
    flags = ("--model_name=m", f"--model_base_path={store.url('m')}", "--model_version_policy=all")
    with serving(*flags, store=store) as server:
        server.wait_available("m", 1)
        server.wait_available("m", 2)
        store.delete("m/2.manifest.json")
        for key in store.keys("m/2/"):
            store.delete(key)
        server.wait_until(lambda: server.states("m")[2] == "END", "version 2 to end")
        assert factor_served(server) == 1.0
        with (
            server.client() as client,
            pytest.raises(tfserving_remote.ModelNotFound, match=r"\b1\b"),
        ):
            client.predict("m", {"x": X}, version=2)


def test_an_empty_listing_unloads_nothing(tmp_path: pathlib.Path, models: pathlib.Path) -> None:
    store = FolderStore(tmp_path / "store")
    publish(models / "scaled_2", store.url("m"))
    with serving("--model_name=m", f"--model_base_path={store.url('m')}") as server:
        server.wait_available("m", 1)
        before = len(server.lines)
        (tmp_path / "store/m").rename(tmp_path / "store/away")
        server.wait_for_line("m", since=before)
        assert factor_served(server) == 2.0
        (tmp_path / "store/away").rename(tmp_path / "store/m")
        publish(models / "scaled_3", store.url("m"))
        server.wait_available("m", 2)


def test_names_that_are_no_versions_and_sibling_prefixes(
    store: Store, models: pathlib.Path
) -> None:
    copy_folder(store, models / "scaled_2", "model/0000007")
    copy_folder(store, models / "scaled_4", "model2/9")
    for name in (
        "model/v8/saved_model.pb",
        "model/1.5/x",
        "model/-3/x",
        "model/tmp/10/saved_model.pb",
        "model/readme",
    ):
        store.put(name, b"not a model")
    store.put("model/0000007/assets/empty.txt", b"")
    with serving(
        "--model_name=m",
        f"--model_base_path={store.url('model')}",
        "--model_version_policy=all",
        store=store,
    ) as server:
        server.wait_available("m", 7)
        assert server.states("m") == {7: "AVAILABLE"}
        assert factor_served(server) == 2.0


def test_1200_versions_in_one_prefix(store: Store, models: pathlib.Path) -> None:
    """More than one page of a listing; the newest is not on the first."""
    files = {
        p.relative_to(models / "scaled_3").as_posix(): p.read_bytes()
        for p in (models / "scaled_3").rglob("*")
        if p.is_file()
    }
    for number in range(1, 1200):
        store.put(f"m/{number}/saved_model.pb", files["saved_model.pb"])
    for name, content in files.items():
        store.put(f"m/1200/{name}", content)
    with serving("--model_name=m", f"--model_base_path={store.url('m')}", store=store) as server:
        server.wait_available("m", 1200, timeout=120)
        assert factor_served(server) == 3.0


def test_two_models_in_two_stores(
    s3: S3Store, models: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    publish(models / "scaled_2", s3.url("a"))
    publish(models / "shout", str(tmp_path / "b"))
    config = tmp_path / "models.config"
    config.write_text(
        f"""model_config_list {{
          config {{ name: "a" base_path: "{s3.url("a")}" model_platform: "tensorflow"
                   version_labels {{ key: "stable" value: 1 }} }}
          config {{ name: "b" base_path: "{tmp_path / "b"}" model_platform: "tensorflow"
                   model_version_policy {{ all {{}} }} }}
        }}""",
        "utf-8",
    )
    with serving(f"--model_config_file={config}", store=s3) as server:
        server.wait_available("a", 1)
        server.wait_available("b", 1)
        with server.client() as client:
            assert client.predict("a", {"x": X}, label="stable")["y"][1, 0] == 4.0
            assert list(client.predict("b", {"text": ["héllo"]})["shout"]) == ["HÉLLO!".encode()]


@pytest.mark.parametrize(
    "policy, served", [("latest:2", {3, 4}), ("all", {1, 2, 3, 4}), ("specific:1,3", {1, 3})]
)
def test_version_policies(s3: S3Store, models: pathlib.Path, policy: str, served: set[int]) -> None:
    for number in (1, 2, 3, 4):
        publish(models / f"scaled_{number}", s3.url("m"))
    with serving(
        "--model_name=m",
        f"--model_base_path={s3.url('m')}",
        f"--model_version_policy={policy}",
        store=s3,
    ) as server:
        for version in served:
            server.wait_available("m", version)
            assert factor_served(server, version=version) == float(version)
        assert set(server.states("m")) == served
