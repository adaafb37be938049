# SPDX-License-Identifier: Apache-2.0
"""Versions in a folder."""

import contextlib
import os
import pathlib
import shutil
import uuid
from collections.abc import Iterator

from tfserving_remote._digests import DigestingReader
from tfserving_remote._stores import Count, Listing, ObjectInfo
from tfserving_remote.errors import InvalidInput, PermissionDenied, Unavailable, VersionExists
from tfserving_remote.manifest import CHUNK_SIZE


@contextlib.contextmanager
def _translated(doing: str) -> Iterator[None]:
    try:
        yield
    except FileExistsError as error:
        raise VersionExists(f"{doing}: {error.filename2 or error.filename} exists") from None
    except PermissionError as error:
        raise PermissionDenied(f"{doing}: {error}") from None
    except OSError as error:
        raise Unavailable(f"{doing}: {error}") from error


class LocalStore:
    """A folder; see Store."""

    def __init__(self, root: pathlib.Path) -> None:
        self._root = root

    @property
    def url(self) -> str:
        return str(self._root)

    def list_children(self) -> Listing:
        objects, folders = [], []
        with _translated(f"list {self._root}"):
            if not self._root.exists():
                return Listing([], [])
            for entry in self._root.iterdir():
                if entry.is_dir():
                    folders.append(entry.name)
                else:
                    objects.append(ObjectInfo(entry.name, entry.stat().st_size))
        return Listing(objects, folders)

    def list_below(self, folder: str) -> list[ObjectInfo]:
        root = self._root / folder
        with _translated(f"list {root}"):
            return [
                ObjectInfo(path.relative_to(root).as_posix(), path.stat().st_size)
                for path in root.rglob("*")
                if path.is_file()
            ]

    def read(self, key: str, limit: int) -> bytes | None:
        path = self._root / key
        try:
            with path.open("rb") as file:
                data = file.read(limit + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Unavailable(f"read {path}: {error}") from error
        if len(data) > limit:
            raise InvalidInput(f"{path} is larger than {limit} bytes")
        return data

    def replace(self, key: str, data: bytes) -> None:
        path = self._root / key
        draft = self._root / f".{key}.{uuid.uuid4().hex}.publishing"
        with _translated(f"write {path}"):
            self._root.mkdir(parents=True, exist_ok=True)
            try:
                _write_new(draft, data)
                draft.replace(path)
            finally:
                draft.unlink(missing_ok=True)
            _sync_folder(self._root)

    def begin(self, name: str) -> "LocalTransaction":
        return LocalTransaction(self._root, name)


class LocalTransaction:
    """Writes beside the version and moves it into place; see Transaction."""

    def __init__(self, root: pathlib.Path, name: str) -> None:
        self._root = root
        self._name = name
        self._staging = root / f".{name}.{uuid.uuid4().hex}.publishing"
        # What stands in its place already, to take away again.
        self._placed: list[pathlib.Path] = []

    def put(self, key: str, source: DigestingReader, count: Count) -> None:
        path = self._staging / key
        with _translated(f"write {self._root / key}"):
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as file:
                while data := source.read(CHUNK_SIZE):
                    file.write(data)
                    count(len(data))
                file.flush()
                os.fsync(file.fileno())

    def commit(self, key: str, data: bytes) -> None:
        with _translated(f"commit {self._root / key}"):
            self._staging.mkdir(parents=True, exist_ok=True)
            for entry in list(self._staging.iterdir()):
                self._place(entry)
            manifest = self._staging / key
            _write_new(manifest, data)
            _sync_folder(self._root)
            self._place(manifest)
            _sync_folder(self._root)
        self._placed.clear()
        shutil.rmtree(self._staging, ignore_errors=True)

    def _place(self, entry: pathlib.Path) -> None:
        """Move `entry` below the root, where its name must be free."""
        target = self._root / entry.name
        if entry.is_dir():
            _sync_folders(entry)
            # A rename replaces an empty folder; mkdir says who was first, and rename then replaces
            # our own.
            target.mkdir()
            self._placed.append(target)
            entry.rename(target)
        else:
            os.link(entry, target)
            self._placed.append(target)

    def rollback(self) -> None:
        for path in reversed(self._placed):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        shutil.rmtree(self._staging, ignore_errors=True)


def _write_new(path: pathlib.Path, data: bytes) -> None:
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_folders(root: pathlib.Path) -> None:
    """Make the names in a folder and those below it outlast a crash."""
    _sync_folder(root)
    for path in root.rglob("*"):
        if path.is_dir():
            _sync_folder(path)


def _sync_folder(path: pathlib.Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
