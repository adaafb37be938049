# SPDX-License-Identifier: Apache-2.0
"""Signing versions, so that servers with `--remote_trusted_keys` serve them.

`<name>.manifest.sig` beside the manifest is an OpenSSF model signature, made with a key by the
package model-signing: whoever has that package checks the version's files with it. What it signs
also names the manifest's own digest, by which servers check every chunk; docs/manifest.md says why.
"""

import dataclasses
import functools
import hashlib
import io
import os
import pathlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from tfserving_remote import _archives
from tfserving_remote._stores import Store, open_store
from tfserving_remote.errors import InvalidInput, MissingDependency, NotFound, VersionExists
from tfserving_remote.manifest import (
    MAX_BYTES,
    FileEntry,
    Manifest,
    manifest_name,
    parse_manifest_name,
    parse_version,
    signature_name,
)

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer
    from cryptography.hazmat.primitives.asymmetric import ec

__all__ = ["SignedVersion", "Signer", "keygen", "sign"]

CURVES = ("P-256", "P-384", "P-521")
# Our member of the predicate. Verifiers of version 1.0 pass over what they do not know.
EXTENSION = "tfserving_remote"
_BLOCK = 1 << 20


@dataclasses.dataclass(frozen=True)
class SignedVersion:
    """A version that now has a signature. `key` is the key's id: the SHA-256 of its public PEM."""

    url: str
    version: int
    key: str


def _missing() -> MissingDependency:
    return MissingDependency(
        "signing needs model-signing; install it with: pip install 'tfserving-remote[sign]'"
    )


@functools.cache
def _curves() -> "dict[str, type[ec.EllipticCurve]]":
    try:
        from cryptography.hazmat.primitives.asymmetric import ec
    except ImportError:
        raise _missing() from None
    return {"P-256": ec.SECP256R1, "P-384": ec.SECP384R1, "P-521": ec.SECP521R1}


def keygen(
    path: str | os.PathLike[str], *, curve: str = "P-256", password: str | None = None
) -> pathlib.Path:
    """Make a key pair: the private key in `path`, readable by its owner alone, and the public key,
    which servers get, in `<path>.pub`. Returns the path of the latter.

    `curve` is "P-256", "P-384" or "P-521"; `password` encrypts the private key. Raises
    InvalidInput, and FileExistsError where a file is there already: keys are never overwritten.
    """
    curves = _curves()
    if curve not in curves:
        raise InvalidInput(f"curve {curve!r} is none of {', '.join(CURVES)}")
    if password == "":
        raise InvalidInput("the password is empty; give None for a key without one")
    from cryptography.hazmat.primitives import serialization as formats
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(curves[curve]())
    secret = key.private_bytes(
        formats.Encoding.PEM,
        formats.PrivateFormat.PKCS8,
        formats.BestAvailableEncryption(password.encode()) if password else formats.NoEncryption(),
    )
    private = pathlib.Path(path)
    public = private.with_name(private.name + ".pub")
    if public.exists():
        raise FileExistsError(f"{public} is there already; keys are never overwritten")
    _create(private, secret, 0o600)
    _create(public, _public_pem(key), 0o644)
    return public


def _create(path: pathlib.Path, data: bytes, mode: int) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        raise FileExistsError(f"{path} is there already; keys are never overwritten") from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)


def _public_pem(key: "ec.EllipticCurvePrivateKey") -> bytes:
    from cryptography.hazmat.primitives import serialization as formats

    return key.public_key().public_bytes(
        formats.Encoding.PEM, formats.PublicFormat.SubjectPublicKeyInfo
    )


class Signer:
    """A private key that signs manifests.

    Units:    none.
    Errors:   the constructor raises InvalidInput for a file that is no such key, or another
    password; MissingDependency without the package model-signing.
    Threads:  every method may be called from any thread.
    Lifetime: a plain value; the key stays in memory.
    """

    def __init__(self, key: str | os.PathLike[str], password: str | None = None) -> None:
        """`key` is a PEM file with a private key on P-256, P-384 or P-521, as `keygen` makes."""
        path = pathlib.Path(key)
        self.id = hashlib.sha256(_public_pem(_read_key(path, password))).hexdigest()
        try:
            from model_signing._signing import sign_ec_key
        except ImportError:
            raise _missing() from None
        # The package hands the password on to cryptography, which wants bytes.
        secret: Any = password.encode() if password else None
        self._signer = sign_ec_key.Signer(path, secret)

    def sign(self, manifest: Manifest, manifest_json: bytes, name: str) -> bytes:
        """The signature of the version `name` whose manifest is `manifest_json`."""
        from model_signing._signing import signing

        payload = signing.Payload(_model_signing_manifest(manifest, name))
        digest = hashlib.sha256(manifest_json).hexdigest()
        described = {"name": manifest_name(name), "algorithm": "sha256", "digest": digest}
        payload.statement.pb.predicate.update({EXTENSION: {"manifest": described}})
        signature: Any = self._signer.sign(payload)
        text: str = signature.bundle.to_json()
        return text.encode()


def _read_key(path: pathlib.Path, password: str | None) -> "ec.EllipticCurvePrivateKey":
    curves = _curves().values()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise NotFound(f"key {path} is not there; `tfserving-remote keygen` makes one") from None
    secret = password.encode() if password else None
    # The texts of the errors are left out: they may quote what was read.
    try:
        key = serialization.load_pem_private_key(data, secret)
    except TypeError:
        wrong = "needs no password" if secret else "is encrypted; give its password"
        raise InvalidInput(f"key {path} {wrong}") from None
    except (ValueError, UnsupportedAlgorithm):
        what = ", or the password is wrong" if secret else ""
        raise InvalidInput(f"key {path} holds no private key in PEM{what}") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, tuple(curves)):
        raise InvalidInput(f"key {path} is no elliptic curve key on {', '.join(CURVES)}")
    return key


def _model_signing_manifest(manifest: Manifest, name: str) -> Any:
    """Our manifest as that of model-signing: the same digests, without reading the files again."""
    from model_signing._hashing import hashing
    from model_signing.manifest import Manifest as Signed
    from model_signing.manifest import SerializationType

    arguments = {"method": "files", "hash_type": "sha256", "allow_symlinks": False}
    files = SerializationType.from_args(arguments)
    items = [
        files.new_item(file.path, hashing.Digest("sha256", bytes.fromhex(file.sha256)))
        for file in manifest.files
    ]
    return Signed(name, items, files)


def sign(
    url: str | os.PathLike[str],
    key: str | os.PathLike[str],
    *,
    version: int | None = None,
    export_dir: str | os.PathLike[str] | None = None,
    password: str | None = None,
    replace: bool = False,
) -> SignedVersion:
    """Sign a version that is published below `url`, by default the newest one, with the private key
    in the file `key`.

    What the manifest in the store says is signed as it stands; with `export_dir`, only when the
    files in that folder are those of the manifest, by every digest that servers check by. A
    signature that is there already stays, unless `replace`. Raises NotFound (no manifest, no key),
    InvalidInput, VersionExists, Unavailable.
    """
    signer = Signer(key, password)
    store = open_store(url)
    name = _find(store, version)
    where = f"{store.url}/{manifest_name(name)}"
    data = store.read(manifest_name(name), MAX_BYTES)
    if data is None:
        raise NotFound(f"{where} is not there any more")
    try:
        manifest = Manifest.from_json(data)
    except InvalidInput as error:
        raise InvalidInput(f"{where}: {error}") from None
    if manifest.version != parse_version(name):
        raise InvalidInput(f"{where}: it is the manifest of version {manifest.version}")
    if export_dir is not None:
        _check_folder(manifest, pathlib.Path(export_dir), where)
    _put(store, name, signer.sign(manifest, data, name), replace=replace)
    return SignedVersion(f"{store.url}/{signature_name(name)}", manifest.version, signer.id)


def _find(store: Store, version: int | None) -> str:
    """The name of the version to sign."""
    names = [parse_manifest_name(info.key) for info in store.list_children().objects]
    numbers = {name: parse_version(name) for name in names if name is not None}
    wanted = [name for name, number in numbers.items() if version is None or number == version]
    if not wanted:
        which = "any version" if version is None else f"version {version}"
        raise NotFound(f"{store.url} has no manifest of {which}; what is signed is the manifest")
    newest = max(numbers[name] or 0 for name in wanted)
    same = sorted(name for name in wanted if numbers[name] == newest)
    if len(same) > 1:
        raise InvalidInput(f"{store.url} has version {newest} twice: {', '.join(same)}")
    return same[0]


def _put(store: Store, name: str, signature: bytes, *, replace: bool) -> None:
    key = signature_name(name)
    if replace:
        store.replace(key, signature)
        return
    transaction = store.begin(name)
    try:
        transaction.commit(key, signature)
    except VersionExists:
        transaction.rollback()
        raise VersionExists(
            f"{store.url}/{key} is there already; replace=True (--replace) signs the version anew"
        ) from None
    except BaseException:
        transaction.rollback()
        raise


def _check_folder(manifest: Manifest, folder: pathlib.Path, where: str) -> None:
    """Raises InvalidInput unless `folder` holds exactly the manifest's files, and every sha256 by
    which a server checks them is theirs: who wrote the manifest may be somebody else.
    """
    if not folder.is_dir():
        raise InvalidInput(f"{folder} is no folder")
    found = {
        path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()
    }
    listed = {file.path: file for file in manifest.files}
    for name in sorted(found.keys() ^ listed.keys()):
        only = folder if name in found else where
        raise InvalidInput(f"{name} is in {only} only; the version was not made from this folder")
    for name, file in listed.items():
        with found[name].open("rb") as opened:
            digests = _Digests(manifest.chunk_size)
            while block := opened.read(_BLOCK):
                digests.write(block)
        if not digests.are_those_of(file):
            raise InvalidInput(f"{found[name]} is not the file that {where} describes")
    if manifest.archive is not None and manifest.archive.path.endswith(".tar"):
        _check_tar(manifest.archive, manifest, found, where)


def _check_tar(
    archive: FileEntry, manifest: Manifest, found: Mapping[str, pathlib.Path], where: str
) -> None:
    """Raises InvalidInput unless `archive` is what `publish` packs from the files.

    Servers read a tar by ranges, and check them by the archive's chunks alone. What comes out of a
    compressed archive they check by the chunks of the files, so that its own may be any.
    """
    digests = _Digests(manifest.chunk_size)
    with _archives.create("tar", cast(BinaryIO, digests)) as writer:
        for file in manifest.files:
            with found[file.path].open("rb") as opened:
                writer.add(file.path, file.size, opened)
    if not digests.are_those_of(archive):
        raise InvalidInput(
            f"{archive.path} is not the archive that publish packs from these files, as {where} "
            "describes it; publish them anew with a key"
        )


class _Digests(io.RawIOBase):
    """A file of which only the digests are kept: those by which servers check, chunk by chunk, and
    that of the whole.
    """

    def __init__(self, chunk_size: int) -> None:
        super().__init__()
        self._chunk_size = chunk_size
        self._size = 0
        self._whole = hashlib.sha256()
        self._chunk = hashlib.sha256()
        self._chunks: list[str] = []

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._size

    def write(self, data: "ReadableBuffer") -> int:
        """The next bytes."""
        rest = memoryview(data)
        written = len(rest)
        self._whole.update(rest)
        while rest:
            piece = rest[: self._chunk_size - self._size % self._chunk_size]
            self._chunk.update(piece)
            self._size += len(piece)
            rest = rest[len(piece) :]
            if self._size % self._chunk_size == 0:
                self._end_chunk()
        return written

    def _end_chunk(self) -> None:
        self._chunks.append(self._chunk.hexdigest())
        self._chunk = hashlib.sha256()

    def are_those_of(self, file: FileEntry) -> bool:
        """Whether `file` says the same of the bytes so far; nothing may come after them."""
        if self._size % self._chunk_size != 0:
            self._end_chunk()
        return (
            file.size == self._size
            and file.sha256 == self._whole.hexdigest()
            and [chunk.sha256 for chunk in file.chunks] == self._chunks
        )
