# SPDX-License-Identifier: Apache-2.0
"""Make the signed version of manifest/testdata, which ties the C++ verifier to what Python signs.

Usage: make_signed_version.py [FOLDER]

For each curve a version with a manifest, the signature by model-signing and the public key; the
private keys are thrown away. The plain files lie there too, so that model-signing's own verifier
can be asked: tests/python/test_signing.py does.
"""

import datetime
import hashlib
import pathlib
import shutil
import sys
import tempfile

from tfserving_remote import keygen, sign
from tfserving_remote._digests import digest_chunk
from tfserving_remote.manifest import FileEntry, Manifest, manifest_name, sort_key

# Names in whose order bytes and path parts disagree, and one that is not ASCII.
FILES = {
    "assets/vocabulary-ü.txt": b"a\nb\n",
    "assets.extra/notes": b"",
    "saved_model.pb": b"graph",
    "variables/variables.data-00000-of-00001": b"weights" * 20_000,
    "variables/variables.index": b"index",
}
CURVES = {1: "P-256", 2: "P-384", 3: "P-521"}
CHUNK_SIZE = 1 << 16


def _entry(path: str, data: bytes) -> FileEntry:
    chunks = (data[i : i + CHUNK_SIZE] for i in range(0, len(data), CHUNK_SIZE))
    digest = hashlib.sha256(data).hexdigest()
    return FileEntry(path, len(data), digest, tuple(digest_chunk(chunk) for chunk in chunks))


def main(folder: pathlib.Path) -> None:
    """Replace what is in `folder`."""
    shutil.rmtree(folder, ignore_errors=True)
    for path, data in FILES.items():
        file = folder / "files" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    entries = tuple(sorted((_entry(path, data) for path, data in FILES.items()), key=sort_key))
    created = datetime.datetime(2026, 1, 31, 12, tzinfo=datetime.timezone.utc)
    for version, curve in CURVES.items():
        manifest = Manifest(version, created, entries, chunk_size=CHUNK_SIZE)
        (folder / manifest_name(str(version))).write_bytes(manifest.to_json())
        with tempfile.TemporaryDirectory() as scratch:
            public = keygen(pathlib.Path(scratch) / "key", curve=curve)
            sign(folder, pathlib.Path(scratch) / "key", version=version)
            shutil.copyfile(public, folder / f"{version}.pub")


if __name__ == "__main__":
    here = pathlib.Path(__file__).parent
    main(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else here.parent / "manifest" / "testdata")
