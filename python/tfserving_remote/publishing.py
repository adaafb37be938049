# SPDX-License-Identifier: Apache-2.0
"""Publishing versions.

A version's files go up first, in parallel, each created only where nothing is, then its signature
if it is signed; its manifest goes last, and with it the version exists. Nothing is ever
overwritten. A publish that fails takes away what it put.
"""

import dataclasses
import datetime
import io
import os
import pathlib
import tempfile
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from typing import BinaryIO, TypeVar

from tfserving_remote import _archives, signatures
from tfserving_remote._digests import DigestingReader
from tfserving_remote._stores import Listing, Store, Transaction, open_store
from tfserving_remote.errors import InvalidInput, VersionExists
from tfserving_remote.listing import split_name
from tfserving_remote.manifest import (
    ARCHIVES,
    MAX_VERSION,
    FileEntry,
    Manifest,
    Preprocessing,
    check_path,
    manifest_name,
    parse_manifest_name,
    parse_signature_name,
    parse_version,
    signature_name,
    sort_key,
)
from tfserving_remote.signing import Signer

__all__ = [
    "Progress",
    "PublishedVersion",
    "publish",
]

T = TypeVar("T")

_FILES_AT_ONCE = 4
_PROGRESS_INTERVAL_S = 0.1
_NEXT_VERSION_ATTEMPTS = 5


@dataclasses.dataclass(frozen=True)
class Progress:
    """How far a publish has come: `phase` is "pack" or "upload", `done` and `total` are bytes."""

    phase: str
    done: int
    total: int


@dataclasses.dataclass(frozen=True)
class PublishedVersion:
    """A version that now exists. `key` is the id of the key that signed it; None without one."""

    url: str
    version: int
    manifest: Manifest
    key: str | None = None


@dataclasses.dataclass(frozen=True)
class _LocalFile:
    """A file to publish; `name` is its path in the version."""

    name: str
    path: pathlib.Path
    size: int


class _Counter:
    """Bytes done, counted by many threads and reported by one."""

    def __init__(self, phase: str, total: int, report: Callable[[Progress], None] | None) -> None:
        self._mutex = threading.Lock()
        self._done = 0  # Guarded by _mutex.
        self._phase = phase
        self._total = total
        self._report = report

    def add(self, count: int) -> None:
        with self._mutex:
            self._done += count

    def report(self) -> None:
        with self._mutex:
            done = self._done
        if self._report is not None:
            self._report(Progress(self._phase, done, self._total))


def publish(
    export_dir: str | os.PathLike[str],
    url: str | os.PathLike[str],
    *,
    version: int | None = None,
    archive: str | None = None,
    progress: Callable[[Progress], None] | None = None,
    preprocessing: Preprocessing | None = None,
    metadata: Mapping[str, str] | None = None,
    sign_key: str | os.PathLike[str] | None = None,
    sign_key_password: str | None = None,
) -> PublishedVersion:
    """Publish the SavedModel in `export_dir` as a version below `url`.

    `url` is "s3://bucket/prefix", "gs://bucket/prefix", "file:///folder" or a path. `version` is
    the next free number unless given. `archive` "tar", "tar.gz" or "tar.zst" stores one object
    instead of a folder. `progress` is called in this thread. `sign_key` is a file with a private
    key (`keygen` makes one) that signs the version, before anybody sees it. Raises InvalidInput,
    VersionExists, NotFound (no such bucket), PermissionDenied, Unavailable.
    """
    if archive is not None and archive not in ARCHIVES:
        raise InvalidInput(f"archive {archive!r} is none of {', '.join(ARCHIVES)}")
    if version is not None and not 0 <= version <= MAX_VERSION:
        raise InvalidInput(f"version {version} is no version number")
    files = _scan(pathlib.Path(export_dir))
    described = signatures.read_saved_model(files["saved_model.pb"].path)
    signer = None if sign_key is None else Signer(sign_key, sign_key_password)
    store = open_store(url)

    def once(number: int) -> PublishedVersion:
        draft = Manifest(
            version=number,
            created_at=datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0),
            files=(),
            tensorflow_version=described.tensorflow_version,
            signatures=described.signatures,
            preprocessing=preprocessing,
            metadata=_check_metadata(metadata or {}),
        )
        manifest = _Publish(store, list(files.values()), archive, progress, signer).run(draft)
        return PublishedVersion(store.url, number, manifest, signer.id if signer else None)

    if version is not None:
        _check_free(store, version)
        return once(version)
    return _publish_next(store, once)


def _publish_next(store: Store, once: Callable[[int], PublishedVersion]) -> PublishedVersion:
    """Publish under the next free number, and under the one after it when somebody else
    is faster.
    """
    for _ in range(_NEXT_VERSION_ATTEMPTS - 1):
        try:
            return once(_next_version(store))
        except VersionExists:
            continue
    return once(_next_version(store))


def _check_metadata(metadata: Mapping[str, str]) -> dict[str, str]:
    for name, value in metadata.items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise InvalidInput(f"metadata {name!r} is not text by name")
    return dict(metadata)


def _scan(folder: pathlib.Path) -> dict[str, _LocalFile]:
    """The files of an export by their names in the version, sorted. Raises InvalidInput
    for what cannot be published.
    """
    root = folder.resolve()
    if not root.is_dir():
        raise InvalidInput(f"{folder} is no folder")
    if not (root / "saved_model.pb").is_file():
        raise InvalidInput(f"{folder} is no SavedModel: there is no saved_model.pb in it")
    names = sorted(
        (
            (pathlib.Path(parent) / name).relative_to(root).as_posix()
            for parent, folders, files in os.walk(root)
            for name in [*files, *(f for f in folders if (pathlib.Path(parent) / f).is_symlink())]
        ),
        key=os.fsencode,
    )
    return {check_path(name): _local_file(root, name) for name in names}


def _local_file(root: pathlib.Path, name: str) -> _LocalFile:
    path = root / name
    real = path.resolve()
    if not real.is_relative_to(root):
        raise InvalidInput(f"{path} is a link out of the folder; a version holds its files itself")
    if not real.is_file():
        raise InvalidInput(f"{path} is no file, nor a link to one; a version holds files alone")
    return _LocalFile(name, real, real.stat().st_size)


def _numbers(listing: Listing) -> Iterable[tuple[int, str]]:
    """Every entry that belongs to a version, with its number."""
    names = [*listing.folders, *(info.key for info in listing.objects)]
    for name in names:
        stem = parse_manifest_name(name) or parse_signature_name(name) or split_name(name)[0]
        number = parse_version(stem)
        if number is not None:
            yield number, name


def _check_free(store: Store, version: int) -> None:
    taken = sorted(name for number, name in _numbers(store.list_children()) if number == version)
    if taken:
        raise VersionExists(
            f"version {version} is in {store.url} already: {', '.join(taken)}; versions are never"
            " overwritten, publish the next one"
        )


def _next_version(store: Store) -> int:
    number = max((number for number, _ in _numbers(store.list_children())), default=0) + 1
    if number > MAX_VERSION:
        raise InvalidInput(f"{store.url} has no version number left")
    return number


class _Publish:
    """One attempt to publish files under one number."""

    def __init__(
        self,
        store: Store,
        files: list[_LocalFile],
        archive: str | None,
        report: Callable[[Progress], None] | None,
        signer: Signer | None,
    ) -> None:
        self._store = store
        self._files = files
        self._archive = archive
        self._report = report
        self._signer = signer

    def run(self, draft: Manifest) -> Manifest:
        name = str(draft.version)
        transaction = self._store.begin(name)
        hashers = ThreadPoolExecutor(os.cpu_count() or 1, "tfserving-remote-digest")
        try:
            if self._archive is None:
                manifest = self._put_folder(transaction, hashers, draft)
            else:
                manifest = self._put_archive(transaction, hashers, draft)
            data = manifest.to_json()
            if self._signer is not None:
                signature = self._signer.sign(manifest, data, name)
                source = _reader(io.BytesIO(signature), len(signature), "signature", hashers)
                transaction.put(signature_name(name), source, lambda _: None)
            transaction.commit(manifest_name(name), data)
        except BaseException:
            transaction.rollback()
            raise
        finally:
            hashers.shutdown()
        return manifest

    def _put_folder(
        self, transaction: Transaction, hashers: ThreadPoolExecutor, draft: Manifest
    ) -> Manifest:
        counter = _Counter("upload", sum(file.size for file in self._files), self._report)

        def put(file: _LocalFile) -> FileEntry:
            with file.path.open("rb", buffering=0) as opened:
                source = _reader(opened, file.size, str(file.path), hashers)
                transaction.put(f"{draft.version}/{file.name}", source, counter.add)
                return source.finish(file.name)

        with ThreadPoolExecutor(_FILES_AT_ONCE, "tfserving-remote-publish") as pool:
            # Large files first, so that none is left alone at the end.
            ordered = sorted(self._files, key=lambda file: -file.size)
            entries = _gather([pool.submit(put, file) for file in ordered], counter)
        return dataclasses.replace(draft, files=tuple(sorted(entries, key=sort_key)))

    def _put_archive(
        self, transaction: Transaction, hashers: ThreadPoolExecutor, draft: Manifest
    ) -> Manifest:
        name = f"{draft.version}.{self._archive}"
        with tempfile.TemporaryFile(prefix="tfserving-remote-") as packed:
            entries = self._pack(packed, hashers)
            size = packed.tell()
            packed.seek(0)
            counter = _Counter("upload", size, self._report)
            source = _reader(packed, size, name, hashers)
            with ThreadPoolExecutor(1, "tfserving-remote-publish") as pool:
                upload = pool.submit(transaction.put, name, source, counter.add)
                _gather([upload], counter)
            archive = source.finish(name)
        return dataclasses.replace(draft, files=tuple(entries), archive=archive)

    def _pack(self, packed: BinaryIO, hashers: ThreadPoolExecutor) -> list[FileEntry]:
        counter = _Counter("pack", sum(file.size for file in self._files), self._report)
        entries = []
        with _archives.create(self._archive or "", packed) as writer:
            for file in self._files:  # Sorted: the order is part of the archive's bytes.
                with file.path.open("rb") as opened:
                    source = _reader(opened, file.size, str(file.path), hashers)
                    writer.add(file.name, file.size, source)
                    entries.append(source.finish(file.name))
                counter.add(file.size)
                counter.report()
        return entries


def _reader(file: BinaryIO, size: int, name: str, hashers: ThreadPoolExecutor) -> DigestingReader:
    return DigestingReader(file, size, name, hashers.submit)


def _gather(futures: list[Future[T]], counter: _Counter) -> list[T]:
    """The results, while progress is reported. The first failure stops what has not begun."""
    waiting = set(futures)
    try:
        while waiting:
            done, waiting = wait(waiting, _PROGRESS_INTERVAL_S, FIRST_EXCEPTION)
            for future in done:
                future.result()
            counter.report()
    except BaseException:
        for future in waiting:
            future.cancel()
        raise
    return [future.result() for future in futures]
