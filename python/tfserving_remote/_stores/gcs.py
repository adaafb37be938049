# SPDX-License-Identifier: Apache-2.0
"""Versions in Google Cloud Storage. Credentials are google-auth's own;
STORAGE_EMULATOR_HOST goes without.
"""

import contextlib
import threading
import uuid
from collections.abc import Iterator
from typing import Any

from tfserving_remote._digests import DigestingReader
from tfserving_remote._stores import Count, Listing, ObjectInfo, is_committed
from tfserving_remote.errors import (
    InvalidInput,
    MissingDependency,
    NotFound,
    PermissionDenied,
    Unavailable,
    VersionExists,
)
from tfserving_remote.manifest import CHUNK_SIZE

try:
    import google.api_core.exceptions as api_errors
    import google.auth.exceptions as auth_errors
    import requests
    from google.cloud import storage
except ImportError:
    raise MissingDependency(
        "Google Cloud Storage needs google-cloud-storage; install it with:"
        " pip install 'tfserving-remote[gcs]'"
    ) from None

_OWNER = "tfserving-remote-publish"
_FAILURES = (api_errors.GoogleAPIError, auth_errors.GoogleAuthError, requests.RequestException)


@contextlib.contextmanager
def _translated(doing: str) -> Iterator[None]:
    try:
        yield
    except api_errors.PreconditionFailed:
        raise VersionExists(f"{doing}: it exists already, or another publish writes it") from None
    except (api_errors.Forbidden, api_errors.Unauthorized) as error:
        raise PermissionDenied(f"{doing}: {error.message}") from None
    except auth_errors.DefaultCredentialsError:
        raise PermissionDenied(
            f"{doing}: no Google credentials; run `gcloud auth application-default login` or set"
            " GOOGLE_APPLICATION_CREDENTIALS"
        ) from None
    except api_errors.NotFound as error:
        raise NotFound(f"{doing}: {error.message}") from None
    except _FAILURES as error:
        raise Unavailable(f"{doing}: {error}") from error


class GcsStore:
    """A bucket and a prefix; see Store."""

    def __init__(self, bucket: str, prefix: str) -> None:
        self._name = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        with _translated(f"open {self.url}"):
            self._client: Any = storage.Client()
        self._bucket: Any = self._client.bucket(bucket)

    @property
    def url(self) -> str:
        return f"gs://{self._name}/{self._prefix}".rstrip("/")

    def list_children(self) -> Listing:
        objects, folders = [], []
        with _translated(f"list {self.url}"):
            pages = self._client.list_blobs(self._bucket, prefix=self._prefix, delimiter="/")
            for page in pages.pages:
                objects += self._infos(page, self._prefix)
                folders += [p.removeprefix(self._prefix).rstrip("/") for p in page.prefixes]
        return Listing(objects, folders)

    def list_below(self, folder: str) -> list[ObjectInfo]:
        prefix = f"{self._prefix}{folder}/"
        with _translated(f"list gs://{self._name}/{prefix}"):
            return self._infos(self._client.list_blobs(self._bucket, prefix=prefix), prefix)

    @staticmethod
    def _infos(blobs: Any, prefix: str) -> list[ObjectInfo]:
        return [
            ObjectInfo(blob.name.removeprefix(prefix), int(blob.size))
            for blob in blobs
            if not blob.name.endswith("/")  # Markers that consoles leave for folders.
        ]

    def read(self, key: str, limit: int) -> bytes | None:
        with _translated(f"read {self.url}/{key}"):
            try:
                blob = self._bucket.get_blob(self._prefix + key)
                if blob is None:
                    return None
                if blob.size > limit:
                    raise InvalidInput(f"{self.url}/{key} is larger than {limit} bytes")
                data: bytes = blob.download_as_bytes()
            except api_errors.NotFound as error:
                if "bucket" in str(error).lower():
                    raise
                return None
        return data

    def replace(self, key: str, data: bytes) -> None:
        with _translated(f"write {self.url}/{key}"):
            blob = self._bucket.blob(self._prefix + key)
            blob.upload_from_string(data, "application/json", checksum="crc32c")

    def begin(self, name: str) -> "GcsTransaction":
        return GcsTransaction(self, self._bucket, self._prefix)


class _CountingReader:
    """Passes reads on and counts what the upload has taken, which never goes back."""

    def __init__(self, source: DigestingReader, count: Count) -> None:
        self._source = source
        self._count = count
        self._counted = 0

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(size)
        end = self._source.tell()
        if end > self._counted:
            self._count(end - self._counted)
            self._counted = end
        return data

    def tell(self) -> int:
        return self._source.tell()

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._source.seek(offset, whence)


class GcsTransaction:
    """Objects created with if_generation_match=0; see Transaction."""

    def __init__(self, store: GcsStore, bucket: Any, prefix: str) -> None:
        self._store = store
        self._bucket = bucket
        self._prefix = prefix
        self._owner = uuid.uuid4().hex
        self._mutex = threading.Lock()
        # Guarded by _mutex: key and generation, so that only what we wrote is ever deleted.
        self._created: list[tuple[str, int | None]] = []

    def put(self, key: str, source: DigestingReader, count: Count) -> None:
        blob = self._bucket.blob(self._prefix + key, chunk_size=CHUNK_SIZE)
        blob.metadata = {_OWNER: self._owner}
        with _translated(f"write {self._store.url}/{key}"):
            try:
                blob.upload_from_file(
                    _CountingReader(source, count),
                    size=source.size,
                    if_generation_match=0,
                    checksum="crc32c",
                )
            except api_errors.PreconditionFailed:
                if not self._is_ours(key):
                    raise
        with self._mutex:
            self._created.append((key, blob.generation))

    def _is_ours(self, key: str) -> bool:
        """Whether an object that is in the way is what an earlier attempt of ours wrote."""
        with contextlib.suppress(*_FAILURES):
            blob = self._bucket.get_blob(self._prefix + key)
            return bool(blob and (blob.metadata or {}).get(_OWNER) == self._owner)
        return False

    def commit(self, key: str, data: bytes) -> None:
        blob = self._bucket.blob(self._prefix + key)
        blob.metadata = {_OWNER: self._owner}
        try:
            with _translated(f"commit {self._store.url}/{key}"):
                blob.upload_from_string(
                    data, "application/json", if_generation_match=0, checksum="crc32c"
                )
        except (Unavailable, VersionExists):
            # Until it is known, nothing is ours to remove: better a version too many than half of
            # one.
            with self._mutex:
                created, self._created = self._created, []
            if not is_committed(self._store, key, data):
                with self._mutex:
                    self._created = created
                raise

    def rollback(self) -> None:
        with self._mutex:
            keys, self._created = self._created, []
        for key, generation in keys:
            with contextlib.suppress(*_FAILURES):
                blob = self._bucket.blob(self._prefix + key)
                blob.delete(if_generation_match=generation)
