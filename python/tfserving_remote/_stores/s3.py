# SPDX-License-Identifier: Apache-2.0
"""Versions in S3 and what speaks like it. Endpoints, regions and credentials are boto3's
own, from the usual places.
"""

import contextlib
import threading
import uuid
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
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
    import boto3
    import botocore.config
    import botocore.exceptions as botocore_errors
except ImportError:
    raise MissingDependency(
        "S3 needs boto3; install it with: pip install 'tfserving-remote[s3]'"
    ) from None

# S3 takes 10,000 parts of at least 5 MiB.
_MAX_PARTS = 9000
_UPLOADERS = 8
_CONNECTIONS = 32
# Says whose object it is when an answer was lost and the second attempt finds the object there.
_OWNER = "tfserving-remote-publish"
_DENIED = {"AccessDenied", "403", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken"}
_CONFLICT = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}
_MISSING = {"NoSuchKey", "404"}


def _code(error: botocore_errors.ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


@contextlib.contextmanager
def _translated(doing: str) -> Iterator[None]:
    """boto3's errors as ours. Its messages hold no secrets, but URLs; those stay out."""
    try:
        yield
    except botocore_errors.ClientError as error:
        code = _code(error)
        text = f"{doing}: {error.response.get('Error', {}).get('Message', '')} ({code})"
        if code in _CONFLICT:
            raise VersionExists(
                f"{doing}: it exists already, or another publish writes it"
            ) from None
        if code in _DENIED:
            raise PermissionDenied(text) from None
        if code == "NoSuchBucket":
            raise NotFound(text) from None
        raise Unavailable(text) from error
    except (botocore_errors.NoCredentialsError, botocore_errors.PartialCredentialsError):
        raise PermissionDenied(
            f"{doing}: no AWS credentials; set AWS_PROFILE, or AWS_ACCESS_KEY_ID and"
            " AWS_SECRET_ACCESS_KEY"
        ) from None
    except botocore_errors.BotoCoreError as error:
        raise Unavailable(f"{doing}: {error}") from error


class S3Store:
    """A bucket and a prefix; see Store."""

    def __init__(self, bucket: str, prefix: str) -> None:
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        config = botocore.config.Config(
            max_pool_connections=_CONNECTIONS, retries={"max_attempts": 8, "mode": "standard"}
        )
        with _translated(f"open {self.url}"):
            self._client: Any = boto3.session.Session().client("s3", config=config)

    @property
    def url(self) -> str:
        return f"s3://{self._bucket}/{self._prefix}".rstrip("/")

    def list_children(self) -> Listing:
        objects, folders = [], []
        for page in self._pages(self._prefix, Delimiter="/"):
            objects += self._infos(page, self._prefix)
            folders += [
                entry["Prefix"].removeprefix(self._prefix).rstrip("/")
                for entry in page.get("CommonPrefixes", [])
            ]
        return Listing(objects, folders)

    def list_below(self, folder: str) -> list[ObjectInfo]:
        prefix = f"{self._prefix}{folder}/"
        return [info for page in self._pages(prefix) for info in self._infos(page, prefix)]

    def _pages(self, prefix: str, **more: str) -> list[dict[str, Any]]:
        with _translated(f"list s3://{self._bucket}/{prefix}"):
            paginator = self._client.get_paginator("list_objects_v2")
            return list(paginator.paginate(Bucket=self._bucket, Prefix=prefix, **more))

    @staticmethod
    def _infos(page: dict[str, Any], prefix: str) -> list[ObjectInfo]:
        return [
            ObjectInfo(entry["Key"].removeprefix(prefix), entry["Size"])
            for entry in page.get("Contents", [])
            if not entry["Key"].endswith("/")  # Markers that consoles leave for folders.
        ]

    def read(self, key: str, limit: int) -> bytes | None:
        with _translated(f"read {self.url}/{key}"):
            try:
                answer = self._client.get_object(Bucket=self._bucket, Key=self._prefix + key)
            except botocore_errors.ClientError as error:
                if _code(error) in _MISSING:
                    return None
                raise
            data: bytes = answer["Body"].read(limit + 1)
        if len(data) > limit:
            raise InvalidInput(f"{self.url}/{key} is larger than {limit} bytes")
        return data

    def replace(self, key: str, data: bytes) -> None:
        with _translated(f"write {self.url}/{key}"):
            self._client.put_object(Bucket=self._bucket, Key=self._prefix + key, Body=data)

    def begin(self, name: str) -> "S3Transaction":
        return S3Transaction(self, self._client, self._bucket, self._prefix)


class S3Transaction:
    """Objects created with If-None-Match; see Transaction."""

    def __init__(self, store: S3Store, client: Any, bucket: str, prefix: str) -> None:
        self._store = store
        self._client = client
        self._bucket = bucket
        self._prefix = prefix
        self._owner = uuid.uuid4().hex
        self._uploaders = ThreadPoolExecutor(_UPLOADERS, "tfserving-remote-upload")
        self._mutex = threading.Lock()
        self._created: list[str] = []  # Guarded by _mutex.

    def put(self, key: str, source: DigestingReader, count: Count) -> None:
        with _translated(f"write {self._store.url}/{key}"):
            if source.size <= CHUNK_SIZE:
                self._create(key, source.read(source.size))
                count(source.size)
            else:
                self._put_parts(key, source, count)
        with self._mutex:
            self._created.append(key)

    def _where(self, key: str) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": self._prefix + key}

    def _create(self, key: str, data: bytes) -> None:
        try:
            self._client.put_object(
                **self._where(key), Body=data, IfNoneMatch="*", Metadata={_OWNER: self._owner}
            )
        except botocore_errors.ClientError as error:
            if _code(error) not in _CONFLICT or not self._is_ours(key):
                raise

    def _is_ours(self, key: str) -> bool:
        """Whether an object that is in the way is what an earlier attempt of ours wrote."""
        with contextlib.suppress(botocore_errors.ClientError):
            metadata = self._client.head_object(**self._where(key)).get("Metadata", {})
            return bool(metadata.get(_OWNER) == self._owner)
        return False

    def _put_parts(self, key: str, source: DigestingReader, count: Count) -> None:
        where = self._where(key)
        # Announced, so that the store keeps each part's checksum, which is repeated at the end.
        upload = self._client.create_multipart_upload(
            **where, Metadata={_OWNER: self._owner}, ChecksumAlgorithm="CRC32"
        )["UploadId"]
        try:
            parts = self._send_parts(where, upload, source, count)
            self._client.complete_multipart_upload(
                **where, UploadId=upload, MultipartUpload={"Parts": parts}, IfNoneMatch="*"
            )
        except BaseException as error:
            conflict = isinstance(error, botocore_errors.ClientError) and (
                _code(error) in _CONFLICT or _code(error) == "NoSuchUpload"
            )
            if conflict and self._is_ours(key):
                return
            with contextlib.suppress(botocore_errors.ClientError, botocore_errors.BotoCoreError):
                self._client.abort_multipart_upload(**where, UploadId=upload)
            raise

    def _send_parts(
        self, where: dict[str, str], upload: str, source: DigestingReader, count: Count
    ) -> list[dict[str, Any]]:
        """Read parts in order and send up to _UPLOADERS of them at once."""
        chunks_a_part = -(-source.size // (_MAX_PARTS * CHUNK_SIZE))
        waiting: deque[Future[dict[str, Any]]] = deque()
        parts = []
        try:
            number = 1
            while data := source.read(chunks_a_part * CHUNK_SIZE):
                if len(waiting) >= _UPLOADERS:
                    parts.append(waiting.popleft().result())
                waiting.append(
                    self._uploaders.submit(self._send_part, where, upload, number, data, count)
                )
                number += 1
            while waiting:
                parts.append(waiting.popleft().result())
        finally:
            for future in waiting:  # Parts that arrive after an abort would stay for ever.
                future.cancel()
            for future in waiting:
                if not future.cancelled():
                    future.exception()
        return parts

    def _send_part(
        self, where: dict[str, str], upload: str, number: int, data: bytes, count: Count
    ) -> dict[str, Any]:
        answer = self._client.upload_part(**where, UploadId=upload, PartNumber=number, Body=data)
        count(len(data))
        # A part's checksum has to be repeated at the end when one was sent with the part.
        checksums = {name: value for name, value in answer.items() if name.startswith("Checksum")}
        checksums.pop("ChecksumType", None)
        return {"PartNumber": number, "ETag": answer["ETag"], **checksums}

    def commit(self, key: str, data: bytes) -> None:
        try:
            with _translated(f"commit {self._store.url}/{key}"):
                self._create(key, data)
        except (Unavailable, VersionExists):
            # Until it is known, nothing is ours to remove: better a version too many than half of
            # one.
            with self._mutex:
                created, self._created = self._created, []
            if not is_committed(self._store, key, data):
                with self._mutex:
                    self._created = created
                raise
        finally:
            self._uploaders.shutdown()

    def rollback(self) -> None:
        self._uploaders.shutdown()
        with self._mutex:
            keys, self._created = self._created, []
        for key in keys:
            with contextlib.suppress(botocore_errors.ClientError, botocore_errors.BotoCoreError):
                self._client.delete_object(**self._where(key))
