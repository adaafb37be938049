# SPDX-License-Identifier: Apache-2.0
"""Archives whose bytes depend on the files' names and contents alone, so that the same
model is the same archive.
"""

import contextlib
import gzip
import tarfile
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

from tfserving_remote.errors import InvalidInput, MissingDependency

if TYPE_CHECKING:
    from _typeshed import SupportsRead

# Weights hardly shrink, so the fastest level that shrinks the rest is the best.
_GZIP_LEVEL = 1
_ZSTD_LEVEL = 3


@contextlib.contextmanager
def _compressed(kind: str, out: BinaryIO) -> Iterator[Any]:
    if kind == "tar":
        yield out
    elif kind == "tar.gz":
        with gzip.GzipFile("", "wb", _GZIP_LEVEL, out, mtime=0) as file:
            yield file
    elif kind == "tar.zst":
        with _zstd_writer(out) as file:
            yield file
    else:
        raise InvalidInput(f"archive {kind!r} is none of tar, tar.gz, tar.zst")


def _zstd_writer(out: BinaryIO) -> Any:
    try:
        import zstandard
    except ImportError:
        raise MissingDependency(
            "tar.zst needs zstandard; install it with: pip install 'tfserving-remote[s3]'"
        ) from None
    # The output is the same for any number of threads.
    compressor = zstandard.ZstdCompressor(level=_ZSTD_LEVEL, threads=-1, write_checksum=True)
    return compressor.stream_writer(out, closefd=False)


class ArchiveWriter:
    """Writes files, in the order given, into a tar archive."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar

    def add(self, path: str, size: int, source: "SupportsRead[bytes]") -> None:
        """Add `size` bytes of `source` as the member `path`."""
        member = tarfile.TarInfo(path)
        member.size = size
        member.mode = 0o644
        self._tar.addfile(member, source)


@contextlib.contextmanager
def create(kind: str, out: BinaryIO) -> Iterator[ArchiveWriter]:
    """Write an archive of `kind` ("tar", "tar.gz", "tar.zst") to `out`. Raises
    InvalidInput, MissingDependency.
    """
    with (
        _compressed(kind, out) as file,
        tarfile.TarFile(
            fileobj=file, mode="w", format=tarfile.PAX_FORMAT, copybufsize=1 << 20
        ) as tar,
    ):
        yield ArchiveWriter(tar)
