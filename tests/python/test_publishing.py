# SPDX-License-Identifier: Apache-2.0
"""Publishing and listing, the same for S3 (moto), Google Cloud Storage (a double) and folders."""

import concurrent.futures
import datetime
import gzip
import hashlib
import io
import json
import os
import pathlib
import shutil
import tarfile
import tempfile
import threading
from collections.abc import Callable
from typing import Any

import google_crc32c
import pytest
import tensorflow as tf
import zstandard
from tfserving_remote import (
    InvalidInput,
    Manifest,
    NotFound,
    PermissionDenied,
    Preprocessing,
    Progress,
    TensorSpec,
    Unavailable,
    VersionExists,
    list_versions,
    publish,
    publishing,
    read_manifest,
)
from tfserving_remote import _stores as stores

_CHUNK = 8 << 20


def _contents(url: str, folder: str = "") -> dict[str, bytes]:
    """Every object below a base path."""
    store = stores.open_store(url)
    listing = store.list_children()
    keys = [info.key for info in listing.objects]
    for name in listing.folders:
        keys += [f"{name}/{info.key}" for info in store.list_below(name)]
    read = {key: store.read(key, 1 << 30) for key in keys}
    return {key: data for key, data in read.items() if data is not None}


def _files(folder: pathlib.Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def _check_digests(entry: Any, data: bytes) -> None:
    assert entry.size == len(data)
    assert entry.sha256 == hashlib.sha256(data).hexdigest()
    chunks = [data[i : i + _CHUNK] for i in range(0, len(data), _CHUNK)]
    assert [chunk.sha256 for chunk in entry.chunks] == [
        hashlib.sha256(chunk).hexdigest() for chunk in chunks
    ]
    assert [chunk.crc32c for chunk in entry.chunks] == [
        f"{google_crc32c.value(chunk):08x}" for chunk in chunks
    ]


def test_a_published_version_is_its_files_and_a_manifest(
    base: str, two_chunks: pathlib.Path
) -> None:
    seen: list[Progress] = []
    given = Preprocessing("tokenizer", "4", "sha256:" + "a" * 64)
    published = publish(
        two_chunks, base, progress=seen.append, preprocessing=given, metadata={"who": "ü"}
    )
    files = _files(two_chunks)
    found = _contents(base)
    assert found.pop("1.manifest.json") == published.manifest.to_json()
    assert found == {f"1/{name}": data for name, data in files.items()}
    manifest = read_manifest(base, 1)
    assert manifest == published.manifest
    assert [entry.path for entry in manifest.files] == sorted(files)
    for entry in manifest.files:
        _check_digests(entry, files[entry.path])
    assert len(max(manifest.files, key=lambda f: f.size).chunks) == 3
    assert manifest.preprocessing == given
    assert manifest.metadata == {"who": "ü"}
    assert (seen[-1].done, seen[-1].total) == (manifest.total_size, manifest.total_size)


def test_signatures_and_tensorflow_version_are_read_without_tensorflow(
    base: str, half_plus_two: pathlib.Path
) -> None:
    manifest = publish(half_plus_two, base).manifest
    assert manifest.tensorflow_version == tf.__version__
    signature = manifest.signatures["serving_default"]
    assert signature.method_name == "tensorflow/serving/predict"
    assert signature.inputs == {"x": TensorSpec("DT_FLOAT", (-1, 1))}
    assert signature.outputs == {"y": TensorSpec("DT_FLOAT", (-1, 1))}


def test_versions_count_up_and_are_never_overwritten(
    base: str, half_plus_two: pathlib.Path
) -> None:
    assert publish(half_plus_two, base).version == 1
    assert publish(half_plus_two, base, version=7).version == 7
    assert publish(half_plus_two, base).version == 8
    before = _contents(base)
    for archive in (None, "tar"):
        with pytest.raises(VersionExists, match=r"version 7 is in .*: 7, 7\.manifest\.json"):
            publish(half_plus_two, base, version=7, archive=archive)
    assert _contents(base) == before
    assert [(v.version, v.complete, v.has_manifest) for v in list_versions(base)] == [
        (8, True, True),
        (7, True, True),
        (1, True, True),
    ]


@pytest.mark.parametrize("archive", ["tar", "tar.gz", "tar.zst"])
def test_an_archive_is_one_object_that_holds_the_files(
    base: str, two_chunks: pathlib.Path, archive: str
) -> None:
    manifest = publish(two_chunks, base, archive=archive).manifest
    found = _contents(base)
    assert sorted(found) == sorted([f"1.{archive}", "1.manifest.json"])
    packed = found[f"1.{archive}"]
    assert manifest.archive is not None
    assert manifest.archive.path == f"1.{archive}"
    _check_digests(manifest.archive, packed)
    unpack: dict[str, Callable[[bytes], bytes]] = {
        "tar": lambda data: data,
        "tar.gz": gzip.decompress,
        "tar.zst": lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data),
    }
    with tarfile.open(fileobj=io.BytesIO(unpack[archive](packed))) as tar:
        members = {m.name: tar.extractfile(m).read() for m in tar.getmembers()}  # type: ignore[union-attr]
        assert [m.name for m in tar.getmembers()] == sorted(members)
        assert {(m.uid, m.gid, m.mtime, m.mode) for m in tar.getmembers()} == {(0, 0, 0, 0o644)}
    assert members == _files(two_chunks)
    for entry in manifest.files:
        _check_digests(entry, members[entry.path])
    (info,) = list_versions(base)
    assert (info.archive, info.size, info.files, info.complete) == (
        archive,
        len(packed),
        len(members),
        True,
    )


@pytest.mark.parametrize("archive", ["tar", "tar.gz", "tar.zst"])
def test_the_same_files_make_the_same_archive(
    tmp_path: pathlib.Path,
    two_chunks: pathlib.Path,
    archive: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = publish(two_chunks, tmp_path / "a", archive=archive).manifest
    copy = shutil.copytree(two_chunks, tmp_path / "copy", copy_function=shutil.copyfile)
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    second = publish(copy, tmp_path / "b", archive=archive).manifest
    assert first.archive == second.archive


def test_of_two_publishers_one_wins(base: str, half_plus_two: pathlib.Path) -> None:
    barrier = threading.Barrier(2)

    def one(_: int) -> int | None:
        barrier.wait()
        try:
            return publish(half_plus_two, base, version=5).version
        except VersionExists:
            return None

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        results = list(pool.map(one, range(2)))
    assert results.count(5) <= 1
    complete = [info for info in list_versions(base) if info.complete and info.has_manifest]
    assert len(complete) == results.count(5)
    if results.count(5):
        manifest = read_manifest(base, 5)
        found = _contents(base)
        for entry in manifest.files:
            _check_digests(entry, found[f"5/{entry.path}"])


def test_publishers_without_a_number_get_different_ones(
    base: str, half_plus_two: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(half_plus_two, base)
    numbers = iter([1, 2])
    monkeypatch.setattr(publishing, "_next_version", lambda store: next(numbers))
    assert publish(half_plus_two, base).version == 2


def test_a_failed_publish_leaves_nothing(
    base: str, two_chunks: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = shutil.copytree(two_chunks, tmp_path / "export")
    real = publishing._reader

    def shrinking(file: Any, size: int, name: str, hashers: Any) -> Any:
        return real(file, size + (1 if name.endswith("00001") else 0), name, hashers)

    monkeypatch.setattr(publishing, "_reader", shrinking)
    with pytest.raises(InvalidInput, match="data-00000-of-00001 changed while"):
        publish(export, base)
    assert _contents(base) == {}
    if base.startswith("file:"):
        assert list(pathlib.Path(base.removeprefix("file://")).iterdir()) == []


def test_an_old_manifest_alone_keeps_its_number(base: str, half_plus_two: pathlib.Path) -> None:
    transaction = stores.open_store(base).begin("0003")
    transaction.commit("0003.manifest.json", b"{}")
    with pytest.raises(VersionExists, match=r"0003\.manifest\.json"):
        publish(half_plus_two, base, version=3)
    assert publish(half_plus_two, base).version == 4
    with pytest.raises(InvalidInput, match=r"0003\.manifest\.json.*schema_version is missing"):
        read_manifest(base, 3)
    with pytest.raises(NotFound, match="no manifest of version 9"):
        read_manifest(base, 9)
    info = list_versions(base)[1]
    assert (info.version, info.name, info.complete) == (3, "0003", False)


def test_a_listing_says_what_is_missing(
    tmp_path: pathlib.Path, half_plus_two: pathlib.Path
) -> None:
    base = tmp_path / "store"
    for version in range(1, 9):
        publish(half_plus_two, base, version=version)
    for version in (1, 2, 3, 4, 5):
        (base / f"{version}.manifest.json").unlink()
    (base / "1" / "saved_model.pb").unlink()
    (base / "2" / "variables" / "variables.index").unlink()
    (base / "3" / "variables" / "variables.data-00000-of-00001").unlink()
    (base / "4" / "variables" / "variables.data-00000-of-00001").rename(
        base / "4" / "variables" / "variables.data-00000-of-00003"
    )
    (base / "6" / "fingerprint.pb").unlink()
    (base / "7" / "fingerprint.pb").write_bytes(b"")
    shutil.copytree(base / "5", base / "0005")
    (base / "notes.txt").touch()
    (base / "9").touch()
    problems = {info.name: info.problem for info in list_versions(base)}
    assert problems.pop("7", "").startswith("fingerprint.pb has 0 bytes, its manifest says")  # type: ignore[union-attr]
    assert problems == {
        "8": None,
        "6": "fingerprint.pb is missing",
        "5": "0005 has the same number",
        "0005": "5 has the same number",
        "4": "2 of 3 shards of variables are missing",
        "3": "every shard of variables is missing",
        "2": "variables/variables.index is missing",
        "1": "saved_model.pb is missing",
    }


def test_what_is_no_saved_model_is_refused(tmp_path: pathlib.Path) -> None:
    with pytest.raises(InvalidInput, match="is no folder"):
        publish(tmp_path / "nothing", tmp_path / "store")
    export = tmp_path / "export"
    export.mkdir()
    with pytest.raises(InvalidInput, match=r"there is no saved_model\.pb in it"):
        publish(export, tmp_path / "store")
    for content in (b"", b"no protobuf \xff"):
        (export / "saved_model.pb").write_bytes(content)
        with pytest.raises(InvalidInput, match=r"saved_model\.pb is no SavedModel"):
            publish(export, tmp_path / "store")
    assert not (tmp_path / "store").exists()


def test_links_out_of_the_folder_are_refused(
    tmp_path: pathlib.Path, half_plus_two: pathlib.Path
) -> None:
    export = shutil.copytree(half_plus_two, tmp_path / "export")
    inside = export / "assets"
    inside.mkdir(exist_ok=True)
    (inside / "same").symlink_to(export / "fingerprint.pb")
    manifest = publish(export, tmp_path / "store").manifest
    assert "assets/same" in [entry.path for entry in manifest.files]
    for target in (tmp_path / "secret", tmp_path):
        (tmp_path / "secret").touch()
        (inside / "out").symlink_to(target)
        with pytest.raises(InvalidInput, match=r"assets/out is a link out of the folder"):
            publish(export, tmp_path / "store")
        (inside / "out").unlink()
    (inside / "loop").symlink_to(export / "variables")
    with pytest.raises(InvalidInput, match="loop is no file, nor a link to one"):
        publish(export, tmp_path / "store")


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("http://bucket/x", "is no store"),
        ("s3:///x", "is no store"),
        ("gs://", "is no store"),
        ("file://host/x", "is no store"),
        ("s3://key:secret@bucket/x", "no user"),
        ("s3://bucket/x?versionId=1", "query"),
    ],
)
def test_bad_urls_are_refused(url: str, what: str, half_plus_two: pathlib.Path) -> None:
    with pytest.raises(InvalidInput, match=what) as caught:
        publish(half_plus_two, url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "arguments", [{"archive": "zip"}, {"version": -1}, {"version": 1 << 63}, {"metadata": {"a": 1}}]
)
def test_bad_arguments_are_refused(
    arguments: dict[str, Any], half_plus_two: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    with pytest.raises(InvalidInput):
        publish(half_plus_two, tmp_path / "store", **arguments)


@pytest.mark.parametrize("kind", ["s3", "gs"])
def test_a_missing_bucket_is_not_found(
    kind: str, half_plus_two: pathlib.Path, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue(f"make_{kind}_base")()
    with pytest.raises(NotFound, match=f"{kind}://no-such-bucket"):
        publish(half_plus_two, f"{kind}://no-such-bucket/model")
    with pytest.raises(NotFound):
        list_versions(f"{kind}://no-such-bucket/model")


def test_an_s3_that_is_not_there_is_unavailable(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0)
    with pytest.raises(Unavailable, match="list s3://bucket/model"):
        list_versions("s3://bucket/model")


def test_missing_credentials_say_what_to_set(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(PermissionDenied, match="no AWS credentials; set AWS_PROFILE"):
        list_versions("s3://bucket/model")


def test_an_empty_place_has_no_versions(base: str) -> None:
    assert list_versions(base) == []


def test_temporary_files_of_archives_are_gone(
    tmp_path: pathlib.Path, half_plus_two: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    publish(half_plus_two, tmp_path / "store", archive="tar.zst")
    assert list(scratch.iterdir()) == []


def test_a_lost_answer_to_the_commit_is_no_failure(
    base: str, half_plus_two: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if base.startswith("file:"):
        pytest.skip("a file system does not lose answers")
    kind = type(stores.open_store(base).begin("1"))
    module = __import__(kind.__module__, fromlist=["is_committed"])
    real = module.is_committed
    asked: list[str] = []

    def ask(store: Any, key: str, data: bytes) -> bool:
        asked.append(key)
        return bool(real(store, key, data))

    monkeypatch.setattr(module, "is_committed", ask)
    commit = kind.commit

    def twice(self: Any, key: str, data: bytes) -> None:
        commit(self, key, data)
        # The store took it, the answer was lost, and the second attempt of another process id finds
        # it there.
        self._owner = "lost"
        commit(self, key, data)

    monkeypatch.setattr(kind, "commit", twice)
    assert publish(half_plus_two, base).version == 1
    assert asked == ["1.manifest.json"]
    (info,) = list_versions(base)
    assert info.complete


def test_created_at_is_utc_now(base: str, half_plus_two: pathlib.Path) -> None:
    before = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    publish(half_plus_two, base)
    (info,) = list_versions(base)
    assert info.created_at is not None
    assert before <= info.created_at <= datetime.datetime.now(datetime.timezone.utc)
    text = json.loads(read_manifest(base, 1).to_json())["created_at"]
    assert text == info.created_at.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_manifest_type_is_public() -> None:
    assert Manifest.__module__ == "tfserving_remote.manifest"
