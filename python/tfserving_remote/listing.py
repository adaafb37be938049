# SPDX-License-Identifier: Apache-2.0
"""What is published below a base path, and whether it is complete."""

import dataclasses
import datetime
import os
import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from tfserving_remote._stores import Listing, ObjectInfo, Store, open_store
from tfserving_remote.errors import InvalidInput, NotFound, ServingError
from tfserving_remote.manifest import (
    ARCHIVES,
    MAX_BYTES,
    Manifest,
    manifest_name,
    parse_manifest_name,
    parse_version,
    signature_name,
)

_LISTINGS_AT_ONCE = 8
_INDEX = "variables/variables.index"
_SHARD = re.compile(r"variables/variables\.data-(\d{5})-of-(\d{5})")


@dataclasses.dataclass(frozen=True)
class VersionInfo:
    """A version in a store.

    `name` is the version as it is written there, `archive` "tar", "tar.gz", "tar.zst" or None for a
    folder. `size` is bytes in the store. `files` is None where only the archive knows. `problem`
    says why a version is not complete. `has_signature` says that one is there, not whose.
    """

    version: int
    name: str
    archive: str | None
    size: int
    files: int | None
    created_at: datetime.datetime | None
    has_manifest: bool
    problem: str | None
    has_signature: bool = False

    @property
    def complete(self) -> bool:
        """Whether a server would load it."""
        return self.problem is None


def split_name(name: str) -> tuple[str, str | None]:
    """A name below the base path as the version's name and its kind of archive."""
    for kind in reversed(ARCHIVES):
        if name.endswith(f".{kind}"):
            return name.removesuffix(f".{kind}"), kind
    return name, None


def read_manifest(url: str | os.PathLike[str], version: int) -> Manifest:
    """The manifest of a version. Raises NotFound, InvalidInput for a manifest that is none."""
    store = open_store(url)
    for info in store.list_children().objects:
        name = parse_manifest_name(info.key)
        if name is not None and parse_version(name) == version:
            return _read_manifest(store, name)
    raise NotFound(f"{store.url} has no manifest of version {version}")


def _read_manifest(store: Store, name: str) -> Manifest:
    data = store.read(manifest_name(name), MAX_BYTES)
    if data is None:
        raise NotFound(f"{store.url}/{manifest_name(name)} is not there")
    try:
        manifest = Manifest.from_json(data)
    except InvalidInput as error:
        raise InvalidInput(f"{store.url}/{manifest_name(name)}: {error}") from None
    if manifest.version != parse_version(name):
        raise InvalidInput(
            f"{store.url}/{manifest_name(name)}: it is the manifest of version {manifest.version}"
        )
    return manifest


def list_versions(url: str | os.PathLike[str]) -> list[VersionInfo]:
    """Every version below `url`, newest first, complete or not. Raises NotFound (no such
    bucket), PermissionDenied.
    """
    store = open_store(url)
    listing = store.list_children()
    found = _entries(listing)
    with ThreadPoolExecutor(_LISTINGS_AT_ONCE) as pool:
        infos = list(pool.map(lambda entry: _inspect(store, entry), found))
    by_number: dict[int, list[VersionInfo]] = {}
    for info in infos:
        by_number.setdefault(info.version, []).append(info)
    marked = [_mark_doubles(info, by_number[info.version]) for info in infos]
    return sorted(marked, key=lambda info: (-info.version, info.name, info.archive or ""))


@dataclasses.dataclass(frozen=True)
class _Entry:
    """What stands below the base path for one version, in one packing."""

    name: str
    archive: str | None
    size: int | None
    has_manifest: bool
    has_signature: bool


def _entries(listing: Listing) -> list[_Entry]:
    manifests = {parse_manifest_name(info.key) for info in listing.objects} - {None}
    keys = {info.key for info in listing.objects}

    def entry(name: str, kind: str | None, size: int | None) -> _Entry:
        return _Entry(name, kind, size, name in manifests, signature_name(name) in keys)

    entries = [
        entry(name, None, None) for name in listing.folders if parse_version(name) is not None
    ]
    for info in listing.objects:
        name, kind = split_name(info.key)
        if kind is not None and parse_version(name) is not None:
            entries.append(entry(name, kind, info.size))
    alone = manifests - {entry.name for entry in entries}
    return entries + [entry(name, None, None) for name in alone if name is not None]


def _inspect(store: Store, entry: _Entry) -> VersionInfo:
    manifest, problem = None, None
    if entry.has_manifest:
        try:
            manifest = _read_manifest(store, entry.name)
        except ServingError as error:
            problem = str(error)
    if entry.archive is None:
        objects = store.list_below(entry.name)
        size = sum(info.size for info in objects)
        missing = _missing(objects, manifest)
    else:
        objects = []
        size = entry.size or 0
        missing = _archive_mismatch(f"{entry.name}.{entry.archive}", size, manifest)
    files = len(manifest.files) if manifest else (len(objects) if entry.archive is None else None)
    return VersionInfo(
        version=int(entry.name),
        name=entry.name,
        archive=entry.archive,
        size=size,
        files=files,
        created_at=manifest.created_at if manifest else None,
        has_manifest=entry.has_manifest,
        problem=problem or missing,
        has_signature=entry.has_signature,
    )


def _missing(objects: list[ObjectInfo], manifest: Manifest | None) -> str | None:
    """What a folder lacks: by its manifest, or by what its own names promise."""
    sizes = {info.key: info.size for info in objects}
    if manifest is None:
        return _missing_by_name(sizes)
    if manifest.archive is not None:
        return f"its manifest speaks of {manifest.archive.path}, which is not there"
    for file in manifest.files:
        if file.path not in sizes:
            return f"{file.path} is missing"
        if sizes[file.path] != file.size:
            return f"{file.path} has {sizes[file.path]} bytes, its manifest says {file.size}"
    return None


def _missing_by_name(sizes: Mapping[str, int]) -> str | None:
    shards = [match for match in map(_SHARD.fullmatch, sizes) if match]
    wanted = max((int(match[2]) for match in shards), default=0)
    indexed = _INDEX in sizes
    if "saved_model.pb" not in sizes:
        return "saved_model.pb is missing"
    if shards and not indexed:
        return f"{_INDEX} is missing"
    if indexed and not shards:
        return "every shard of variables is missing"
    if len(shards) < wanted:
        return f"{wanted - len(shards)} of {wanted} shards of variables are missing"
    return None


def _archive_mismatch(name: str, size: int, manifest: Manifest | None) -> str | None:
    if manifest is None:
        return None
    if manifest.archive is None or manifest.archive.path != name:
        return f"its manifest does not speak of {name}"
    if manifest.archive.size != size:
        return f"{name} has {size} bytes, its manifest says {manifest.archive.size}"
    return None


def _mark_doubles(info: VersionInfo, same: list[VersionInfo]) -> VersionInfo:
    """A number that stands twice is no version: nobody can say which one is meant."""
    others = [_title(other) for other in same if other is not info]
    if not others:
        return info
    return dataclasses.replace(info, problem=f"{', '.join(others)} has the same number")


def _title(info: VersionInfo) -> str:
    return info.name if info.archive is None else f"{info.name}.{info.archive}"
