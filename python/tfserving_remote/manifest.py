# SPDX-License-Identifier: Apache-2.0
"""The manifest of a version, as docs/manifest.md specifies it: values, JSON, checks. Pure."""

import dataclasses
import datetime
import itertools
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from tfserving_remote.errors import InvalidInput
from tfserving_remote.signatures import Signature, TensorSpec

SCHEMA_VERSION = 1
CHUNK_SIZE = 8 << 20
MAX_VERSION = (1 << 63) - 1
MAX_BYTES = 256 << 20
_MIN_CHUNK, _MAX_CHUNK = 1 << 16, 1 << 30
_MAX_PATH_BYTES = 1024
_MANIFEST_SUFFIX = ".manifest.json"
_SIGNATURE_SUFFIX = ".manifest.sig"
ARCHIVES = ("tar", "tar.gz", "tar.zst")

_SHA256 = re.compile(r"[0-9a-f]{64}")
_CRC32C = re.compile(r"[0-9a-f]{8}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_DIGITS = re.compile(r"[0-9]+")


@dataclasses.dataclass(frozen=True)
class Chunk:
    """Digests of one chunk, in hex."""

    crc32c: str
    sha256: str


@dataclasses.dataclass(frozen=True)
class FileEntry:
    """A file of the version, or the archive itself. `path` is relative to the version;
    an archive's is its name.
    """

    path: str
    size: int
    sha256: str
    chunks: tuple[Chunk, ...]


@dataclasses.dataclass(frozen=True)
class Preprocessing:
    """What prepares a model's inputs; `digest` is "sha256:" and 64 hex digits."""

    name: str
    version: str
    digest: str

    def __post_init__(self) -> None:
        if not _DIGEST.fullmatch(self.digest):
            raise InvalidInput(
                f"preprocessing digest {self.digest!r} is not sha256: and 64 lower-case hex digits"
            )


@dataclasses.dataclass(frozen=True)
class Manifest:
    """What a version consists of. Sizes are bytes; `files` are sorted by the UTF-8 bytes
    of their paths.
    """

    version: int
    created_at: datetime.datetime
    files: tuple[FileEntry, ...]
    tensorflow_version: str | None = None
    chunk_size: int = CHUNK_SIZE
    archive: FileEntry | None = None
    signatures: Mapping[str, Signature] = dataclasses.field(default_factory=dict)
    preprocessing: Preprocessing | None = None
    metadata: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def total_size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    def to_json(self) -> bytes:
        """The manifest's bytes; the same for equal manifests."""
        document: dict[str, Any] = {
            "schema_version": SCHEMA_VERSION,
            "version": self.version,
            "created_at": self.created_at.astimezone(datetime.timezone.utc).strftime(
                "%Y-%m-%dT%H:%M:%SZ"
            ),
            "tensorflow_version": self.tensorflow_version,
            "chunk_size": self.chunk_size,
            "total_size": self.total_size,
        }
        if self.archive is not None:
            document["archive"] = _file_to_json("name", self.archive)
        document["files"] = [_file_to_json("path", file) for file in self.files]
        document["signatures"] = {
            name: signature.to_json() for name, signature in sorted(self.signatures.items())
        }
        if self.preprocessing is not None:
            document["preprocessing"] = dataclasses.asdict(self.preprocessing)
        document["metadata"] = dict(sorted(self.metadata.items()))
        text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
        return text.encode() + b"\n"

    @classmethod
    def from_json(cls, data: bytes) -> "Manifest":
        """Read and check a manifest. Raises InvalidInput, saying which member is wrong."""
        document = _Reader(_parse(data), "manifest")
        schema = document.integer("schema_version")
        if schema != SCHEMA_VERSION:
            raise InvalidInput(
                f"manifest: schema_version is {schema}; this release reads {SCHEMA_VERSION}"
            )
        chunk_size = document.integer("chunk_size", _MIN_CHUNK, _MAX_CHUNK)
        files = tuple(_read_file(entry, "path", chunk_size) for entry in document.list("files"))
        result = cls(
            version=document.integer("version"),
            created_at=_read_time(document.text("created_at", _TIME)),
            files=files,
            tensorflow_version=document.optional_text("tensorflow_version"),
            chunk_size=chunk_size,
            archive=_read_archive(document, chunk_size),
            signatures=_read_signatures(document.object("signatures")),
            preprocessing=_read_preprocessing(document),
            metadata=document.object("metadata").texts(),
        )
        _check_order(files)
        if document.integer("total_size") != result.total_size:
            raise InvalidInput("manifest: total_size is not the sum of the files' sizes")
        return result


def manifest_name(version_name: str) -> str:
    """`<name>.manifest.json`."""
    return version_name + _MANIFEST_SUFFIX


def parse_manifest_name(name: str) -> str | None:
    """The version's name in a manifest's name; None for other names."""
    return _stem(name, _MANIFEST_SUFFIX)


def signature_name(version_name: str) -> str:
    """`<name>.manifest.sig`."""
    return version_name + _SIGNATURE_SUFFIX


def parse_signature_name(name: str) -> str | None:
    """The version's name in a signature's name; None for other names."""
    return _stem(name, _SIGNATURE_SUFFIX)


def _stem(name: str, suffix: str) -> str | None:
    stem = name.removesuffix(suffix)
    return stem if stem != name and parse_version(stem) is not None else None


def parse_version(name: str) -> int | None:
    """The number of a version's name: ASCII digits, leading zeros allowed, below 2^63.
    None for other names.
    """
    if not _DIGITS.fullmatch(name) or len(name) > 255 or int(name) > MAX_VERSION:
        return None
    return int(name)


def check_path(path: str) -> str:
    """`path`, when it is one that a manifest may hold. Raises InvalidInput."""
    parts = path.split("/")
    safe = all(part not in ("", ".", "..") for part in parts)
    plain = not any(ord(c) < 0x20 or ord(c) == 0x7F or c == "\\" for c in path)
    try:
        short = len(path.encode()) <= _MAX_PATH_BYTES
    except UnicodeEncodeError:
        raise InvalidInput(f"file name {path!r} is not valid UTF-8") from None
    if not (safe and plain and short):
        raise InvalidInput(
            f"file name {path!r} cannot stand in a manifest: relative names without '..', backslash"
            f" and control characters, of at most {_MAX_PATH_BYTES} bytes can"
        )
    return path


def sort_key(file: FileEntry) -> bytes:
    """What `files` are sorted by."""
    return file.path.encode()


# --- reading --------------------------------------------------------------------------------------


class _Reader:
    """A JSON object whose members are read with checks; `where` names it in messages."""

    def __init__(self, value: Any, where: str) -> None:
        if not isinstance(value, dict):
            raise InvalidInput(f"{where} is not a JSON object")
        self._members: dict[str, Any] = value
        self.where = where

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def _get(self, name: str) -> Any:
        try:
            return self._members[name]
        except KeyError:
            raise InvalidInput(f"{self.where}: {name} is missing") from None

    def integer(self, name: str, low: int = 0, high: int = MAX_VERSION) -> int:
        value = self._get(name)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise InvalidInput(f"{self.where}: {name} is no integer from {low} to {high}")
        return value

    def text(self, name: str, form: re.Pattern[str] | None = None) -> str:
        value = self._get(name)
        if not isinstance(value, str) or (form and not form.fullmatch(value)):
            like = f" of the form {form.pattern}" if form else ""
            raise InvalidInput(f"{self.where}: {name} is no text{like}")
        return value

    def optional_text(self, name: str) -> str | None:
        return None if self._get(name) is None else self.text(name)

    def list(self, name: str) -> "Sequence[_Reader]":
        value = self._get(name)
        if not isinstance(value, list):
            raise InvalidInput(f"{self.where}: {name} is no list")
        return [_Reader(item, f"{self.where}: {name}[{i}]") for i, item in enumerate(value)]

    def object(self, name: str) -> "_Reader":
        return _Reader(self._get(name), f"{self.where}: {name}")

    def objects(self) -> "Mapping[str, _Reader]":
        return {name: self.object(name) for name in self._members}

    def texts(self) -> Mapping[str, str]:
        return {name: self.text(name) for name in self._members}

    def shape(self) -> tuple[int, ...] | None:
        value = self._get("shape")
        if value is None:
            return None
        if not isinstance(value, list) or not all(type(size) is int for size in value):
            raise InvalidInput(f"{self.where}: shape is neither null nor a list of integers")
        return tuple(value)


def _parse(data: bytes) -> Any:
    if len(data) > MAX_BYTES:
        raise InvalidInput(f"manifest: {len(data)} bytes, of at most {MAX_BYTES}")
    try:
        return json.loads(data.decode(), object_pairs_hook=_no_member_twice, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"manifest: no JSON: {error}") from None


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _no_member_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a member stands twice in one object")
    return result


def _read_time(text: str) -> datetime.datetime:
    try:
        return datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(
            tzinfo=datetime.timezone.utc
        )
    except ValueError as error:
        raise InvalidInput(f"manifest: created_at: {error}") from None


def _file_to_json(name: str, file: FileEntry) -> dict[str, Any]:
    return {
        name: file.path,
        "size": file.size,
        "sha256": file.sha256,
        "chunks": [dataclasses.asdict(chunk) for chunk in file.chunks],
    }


def _read_file(entry: _Reader, name: str, chunk_size: int) -> FileEntry:
    path = check_path(entry.text(name))
    chunks = tuple(
        Chunk(chunk.text("crc32c", _CRC32C), chunk.text("sha256", _SHA256))
        for chunk in entry.list("chunks")
    )
    size = entry.integer("size")
    if len(chunks) != -(-size // chunk_size):
        raise InvalidInput(
            f"{entry.where}: {size} bytes are {-(-size // chunk_size)} chunks, not {len(chunks)}"
        )
    return FileEntry(path, size, entry.text("sha256", _SHA256), chunks)


def _read_archive(document: _Reader, chunk_size: int) -> FileEntry | None:
    if "archive" not in document:
        return None
    archive = _read_file(document.object("archive"), "name", chunk_size)
    if "/" in archive.path:
        raise InvalidInput(f"manifest: archive: name {archive.path!r} has a '/'")
    return archive


def _read_signatures(signatures: _Reader) -> dict[str, Signature]:
    return {
        name: Signature(
            entry.text("method_name"),
            _read_specs(entry.object("inputs")),
            _read_specs(entry.object("outputs")),
        )
        for name, entry in signatures.objects().items()
    }


def _read_specs(specs: _Reader) -> dict[str, TensorSpec]:
    return {
        name: TensorSpec(spec.text("dtype"), spec.shape()) for name, spec in specs.objects().items()
    }


def _read_preprocessing(document: _Reader) -> Preprocessing | None:
    if "preprocessing" not in document:
        return None
    entry = document.object("preprocessing")
    return Preprocessing(entry.text("name"), entry.text("version"), entry.text("digest", _DIGEST))


def _check_order(files: Sequence[FileEntry]) -> None:
    keys = [sort_key(file) for file in files]
    for before, after in itertools.pairwise(keys):
        if before >= after:
            raise InvalidInput(
                f"manifest: files are not sorted, or {after.decode()!r} stands twice"
            )
