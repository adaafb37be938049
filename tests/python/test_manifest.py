# SPDX-License-Identifier: Apache-2.0
"""The manifest's JSON: what is written is read, and nothing else."""

import copy
import datetime
import json
import pathlib
import re
from collections.abc import Callable
from typing import Any

import hypothesis
import hypothesis.strategies as st
import pytest
from tfserving_remote import InvalidInput, Manifest, Preprocessing, Signature, TensorSpec
from tfserving_remote import manifest as module
from tfserving_remote.manifest import Chunk, FileEntry, check_path, parse_version

_HEX = st.text("0123456789abcdef", min_size=64, max_size=64)
_PATHS = st.lists(
    st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="/\\"), min_size=1)
    .filter(lambda part: part not in (".", ".."))
    .filter(lambda part: len(part.encode()) < 200),
    min_size=1,
    max_size=4,
).map("/".join)


@st.composite
def _entries(draw: st.DrawFn, path: str, chunk_size: int) -> FileEntry:
    size = draw(st.integers(0, 3 * chunk_size))
    chunks = tuple(Chunk(draw(_HEX)[:8], draw(_HEX)) for _ in range(-(-size // chunk_size)))
    return FileEntry(path, size, draw(_HEX), chunks)


@st.composite
def _manifests(draw: st.DrawFn) -> Manifest:
    chunk_size = draw(st.integers(1 << 16, 1 << 30))
    paths = sorted(draw(st.sets(_PATHS, max_size=4)), key=str.encode)
    specs = st.dictionaries(
        st.text(max_size=5),
        st.builds(TensorSpec, st.just("DT_INT8"), st.none() | st.tuples(st.integers(-1, 9))),
        max_size=2,
    )
    return Manifest(
        version=draw(st.integers(0, (1 << 63) - 1)),
        created_at=datetime.datetime(2026, 11, 23, 3, tzinfo=datetime.timezone.utc),
        files=tuple(draw(_entries(path, chunk_size)) for path in paths),
        tensorflow_version=draw(st.none() | st.text(max_size=9)),
        chunk_size=chunk_size,
        archive=draw(st.none() | _entries("3.tar", chunk_size)),
        signatures=draw(
            st.dictionaries(
                st.text(max_size=5), st.builds(Signature, st.text(max_size=5), specs, specs)
            )
        ),
        preprocessing=draw(st.none() | st.just(Preprocessing("p", "1", "sha256:" + "0" * 64))),
        metadata=draw(st.dictionaries(st.text(max_size=5), st.text(max_size=5))),
    )


@hypothesis.given(_manifests())
def test_what_is_written_is_read(manifest: Manifest) -> None:
    assert Manifest.from_json(manifest.to_json()) == manifest


def _example() -> dict[str, Any]:
    page = pathlib.Path(__file__).parents[2] / "docs" / "manifest.md"
    text = page.read_text(encoding="utf-8").split("```json\n")[1].split("```")[0]
    text = text.replace("<64 hex>", "ab" * 32).replace("<8 hex>", "0" * 8)
    document: dict[str, Any] = json.loads(text)
    return document


def test_the_specifications_example_is_a_manifest() -> None:
    manifest = Manifest.from_json(json.dumps(_example()).encode())
    assert json.loads(manifest.to_json()) == _example()


def _set(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        *parents, last = path.split(".")
        at: Any = document
        for part in parents:
            at = at[int(part) if part.isdecimal() else part]
        if value is None:
            del at[last]
        else:
            at[last] = value

    return change


_CHUNK = {"crc32c": "0" * 8, "sha256": "ab" * 32}


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (_set("schema_version", 2), "schema_version is 2; this release reads 1"),
        (_set("schema_version", None), "schema_version is missing"),
        (_set("version", -1), "version is no integer"),
        (_set("version", 1 << 63), "version is no integer"),
        (_set("version", True), "version is no integer"),
        (_set("version", 3.0), "version is no integer"),
        (_set("version", "3"), "version is no integer"),
        (_set("created_at", "2026-11-23T03:00:00+00:00"), "created_at is no text of the form"),
        (_set("created_at", "2026-13-23T03:00:00Z"), "created_at"),
        (_set("tensorflow_version", 2), "tensorflow_version is no text"),
        (_set("chunk_size", 0), "chunk_size is no integer from 65536"),
        (_set("total_size", 6), "total_size is not the sum"),
        (_set("archive.name", "a/3.tar"), "has a '/'"),
        (_set("archive.chunks", []), "7 bytes are 1 chunks, not 0"),
        (_set("files", {}), "files is no list"),
        (_set("files", [1]), "files[0] is not a JSON object"),
        (_set("files.0.path", "../x"), "file name '../x' cannot stand"),
        (_set("files.0.size", 0), "0 bytes are 0 chunks, not 1"),
        (_set("files.0.sha256", "AB" * 32), "sha256 is no text of the form"),
        (_set("files.0.chunks", [{**_CHUNK, "crc32c": "1"}]), "crc32c is no text of the form"),
        (_set("files.0.chunks", [_CHUNK, _CHUNK]), "5 bytes are 1 chunks, not 2"),
        (_set("signatures", []), "signatures is not a JSON object"),
        (_set("signatures.serving_default.inputs.x.shape", [1.5]), "shape is neither"),
        (_set("signatures.serving_default.inputs.x.shape", None), "shape is missing"),
        (_set("preprocessing.digest", "md5:1"), "digest is no text of the form"),
        (_set("metadata", None), "metadata is missing"),
        (_set("metadata", {"a": 1}), "metadata: a is no text"),
    ],
)
def test_what_is_wrong_is_named(change: Callable[[dict[str, Any]], None], what: str) -> None:
    document = copy.deepcopy(_example())
    change(document)
    with pytest.raises(InvalidInput, match=re.escape(what)):
        Manifest.from_json(json.dumps(document).encode())


def test_files_are_sorted_and_stand_once() -> None:
    document = _example()
    entry = document["files"][0]
    for paths in (["b", "a"], ["a", "a"]):
        document["files"] = [{**entry, "path": path} for path in paths]
        document["total_size"] = 10
        with pytest.raises(InvalidInput, match="not sorted, or 'a' stands twice"):
            Manifest.from_json(json.dumps(document).encode())


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"{", b"\xff", b'{"a":1,"a":2}', b'{"version":NaN}', b"[" * 100_000, b'"x"'],
)
def test_what_is_no_manifest_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidInput, match="manifest"):
        Manifest.from_json(data)


def test_a_huge_manifest_is_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", 10)
    with pytest.raises(InvalidInput, match="of at most 10"):
        Manifest.from_json(b" " * 11)


def test_unknown_members_are_ignored() -> None:
    document = {**_example(), "future": {"x": [1]}}
    Manifest.from_json(json.dumps(document).encode())


@pytest.mark.parametrize(
    "path",
    [
        "", "/a", "a/", "a//b", ".", "a/./b", "..", "a/../b", "a\\b", "a\nb", "a\0", "\x7f",
        "\udc80", "x" * 1025,
    ],
)  # fmt: skip
def test_unsafe_paths_are_refused(path: str) -> None:
    with pytest.raises(InvalidInput):
        check_path(path)


@pytest.mark.parametrize("path", ["a", "a/b", "...", "a b", "ü", "x" * 1024, ".hidden", "a:b"])
def test_safe_paths_pass(path: str) -> None:
    assert check_path(path) == path


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("1", 1), ("0", 0), ("0000001", 1), (str((1 << 63) - 1), (1 << 63) - 1),
        (str(1 << 63), None), ("", None), ("+1", None), ("-1", None), (" 1", None), ("1 ", None),
        ("1_0", None), ("²", None), ("٣", None), ("v1", None), ("1\n", None), ("9" * 5000, None),
    ],
)  # fmt: skip
def test_version_names_are_digits(name: str, number: int | None) -> None:
    assert parse_version(name) == number
