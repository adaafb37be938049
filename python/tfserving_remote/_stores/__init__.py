# SPDX-License-Identifier: Apache-2.0
"""The places that versions are published to: S3, Google Cloud Storage, folders.

Only what publishing and listing need; the server reads stores with its own client.
"""

import os
import pathlib
import urllib.parse
from collections.abc import Callable
from typing import NamedTuple, Protocol

from tfserving_remote._digests import DigestingReader
from tfserving_remote.errors import InvalidInput, ServingError, Unavailable

# Told how many more bytes are stored.
Count = Callable[[int], None]


class ObjectInfo(NamedTuple):
    """An object: its key below the place that was listed, and its bytes."""

    key: str
    size: int


class Listing(NamedTuple):
    """What lies directly below a place: objects, and folders without a trailing '/'."""

    objects: list[ObjectInfo]
    folders: list[str]


class Transaction(Protocol):
    """Objects that become a version all at once, with `commit`, or not at all.

    Units:    sizes are bytes; keys are relative to the store.
    Errors:   VersionExists where a key is taken, Unavailable, PermissionDenied, NotFound for a
    missing bucket.
    Threads:  `put` may be called from several threads; `commit` and `rollback` after all of them.
    Lifetime: ends with `commit` or `rollback`.
    """

    def put(self, key: str, source: DigestingReader, count: Count) -> None:
        """Create the object `key` from `source`, which is read once, in order."""

    def commit(self, key: str, data: bytes) -> None:
        """Create the manifest, the commit point. When this raises, the version is not
        there unless the message says so.
        """

    def rollback(self) -> None:
        """Remove what was put. Does its best and never raises a ServingError."""


class Store(Protocol):
    """One base path.

    Units:    sizes are bytes; keys are relative to the base path.
    Errors:   NotFound for a missing bucket, PermissionDenied, Unavailable.
    Threads:  every method may be called from any thread.
    Lifetime: borrows nothing, holds nothing open.
    """

    @property
    def url(self) -> str:
        """The base path as it was given, without a trailing '/'."""

    def list_children(self) -> Listing:
        """Everything directly below the base path, however many pages that takes.
        Nothing there is an empty listing.
        """

    def list_below(self, folder: str) -> list[ObjectInfo]:
        """Every object below a folder at any depth, with keys relative to it."""

    def read(self, key: str, limit: int) -> bytes | None:
        """An object's bytes; None when it is not there. Raises InvalidInput above `limit` bytes."""

    def replace(self, key: str, data: bytes) -> None:
        """Write an object at once, whether or not one is there."""

    def begin(self, name: str) -> Transaction:
        """Start to write the version with this name."""


def is_committed(store: Store, key: str, data: bytes) -> bool:
    """After an error that leaves it open: whether the manifest `key` is there and ours.

    Raises Unavailable when the store does not say; then nothing may be removed.
    """
    try:
        return store.read(key, len(data)) == data
    except InvalidInput:  # Somebody else's, and larger.
        return False
    except ServingError as error:
        raise Unavailable(
            f"commit {store.url}/{key}: the store answers no more ({error}); list the versions"
            " before publishing again, since this one may be there"
        ) from None


def open_store(url: str | os.PathLike[str]) -> Store:
    """The store for "s3://bucket/prefix", "gs://bucket/prefix", "file:///folder" or a
    path. Raises InvalidInput.
    """
    text = os.fspath(url)
    if "://" not in text:
        from tfserving_remote._stores.local import LocalStore

        return LocalStore(pathlib.Path(text).absolute())
    parts = urllib.parse.urlsplit(text)
    if parts.query or parts.fragment or "@" in parts.netloc:
        raise InvalidInput(
            "a store's URL has no user, query or fragment; credentials come from the environment"
        )
    prefix = parts.path.strip("/")
    if parts.scheme == "file" and not parts.netloc:
        from tfserving_remote._stores.local import LocalStore

        return LocalStore(pathlib.Path(urllib.parse.unquote(parts.path)))
    if parts.scheme == "s3" and parts.netloc:
        from tfserving_remote._stores.s3 import S3Store

        return S3Store(parts.netloc, prefix)
    if parts.scheme == "gs" and parts.netloc:
        from tfserving_remote._stores.gcs import GcsStore

        return GcsStore(parts.netloc, prefix)
    raise InvalidInput(
        f"{text!r} is no store: use s3://bucket/prefix, gs://bucket/prefix, file:///folder or a"
        " path"
    )
