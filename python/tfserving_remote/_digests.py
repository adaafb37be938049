# SPDX-License-Identifier: Apache-2.0
"""Digests of files, made in the one pass in which the files are read."""

import hashlib
import io
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, BinaryIO

from tfserving_remote.errors import InvalidInput, MissingDependency
from tfserving_remote.manifest import CHUNK_SIZE, Chunk, FileEntry

# Runs a function soon, perhaps in another thread.
Submit = Callable[..., "Future[Any]"]


def _crc32c(data: bytes) -> int:
    try:
        import google_crc32c
    except ImportError:
        raise MissingDependency(
            "publishing needs google-crc32c; install it with: pip install 'tfserving-remote[s3]'"
        ) from None
    value: int = google_crc32c.value(data)
    return value


def digest_chunk(data: bytes) -> Chunk:
    """Digests of one chunk."""
    return Chunk(f"{_crc32c(data):08x}", hashlib.sha256(data).hexdigest())


class Digester:
    """Digests of bytes that come piece by piece. Chunks are hashed by `submit` while the
    next ones come.
    """

    def __init__(self, submit: Submit) -> None:
        self._submit = submit
        self._whole = hashlib.sha256()
        self._chunks: list[Future[Chunk]] = []
        self._pending = bytearray()
        self._size = 0

    def update(self, data: bytes) -> None:
        """The next bytes."""
        self._whole.update(data)
        self._size += len(data)
        if not self._pending and len(data) == CHUNK_SIZE:
            self._chunks.append(self._submit(digest_chunk, data))
            return
        self._pending += data
        while len(self._pending) >= CHUNK_SIZE:
            self._take(CHUNK_SIZE)

    def _take(self, count: int) -> None:
        self._chunks.append(self._submit(digest_chunk, bytes(self._pending[:count])))
        del self._pending[:count]

    def finish(self, path: str) -> FileEntry:
        """The digests of all bytes so far, as the manifest's entry `path`."""
        if self._pending:
            self._take(len(self._pending))
        chunks = tuple(future.result() for future in self._chunks)
        return FileEntry(path, self._size, self._whole.hexdigest(), chunks)


class DigestingReader(io.RawIOBase):
    """A file of known size that is digested while it is read, for whatever takes a binary file.

    Reads may go back (uploads that are taken up again do); bytes are digested once.
    """

    def __init__(self, file: BinaryIO, size: int, name: str, submit: Submit) -> None:
        super().__init__()
        self._file = file
        self._name = name
        self._digester = Digester(submit)
        self._digested = 0
        self.size = size

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """The next `size` bytes, fewer only at the end. Raises InvalidInput for a file
        that shrank or grew.
        """
        at = self._file.tell()
        data = self._file.read(size)
        end = at + len(data)
        wanted = self.size - at if size is None or size < 0 else min(size, self.size - at)
        if len(data) != wanted:
            raise InvalidInput(f"{self._name} changed while it was read")
        if end > self._digested:
            self._digester.update(data[self._digested - at :] if self._digested > at else data)
            self._digested = end
        return data

    def tell(self) -> int:
        return self._file.tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def finish(self, path: str) -> FileEntry:
        """The digests, as the manifest's entry `path`. Raises InvalidInput unless every
        byte was read.
        """
        if self._digested != self.size or self._file.read(1):
            raise InvalidInput(f"{self._name} changed while it was read")
        return self._digester.finish(path)
