# SPDX-License-Identifier: Apache-2.0
"""Keys and signatures: what we sign, the package model-signing accepts, and nothing else of it."""

import base64
import hashlib
import io
import json
import pathlib
import shutil
import stat
import sys
import tarfile
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from model_signing import hashing, verifying
from tfserving_remote import (
    InvalidInput,
    MissingDependency,
    NotFound,
    VersionExists,
    keygen,
    list_versions,
    publish,
    read_manifest,
    sign,
    signing,
)
from tfserving_remote import _stores as stores
from tfserving_remote.cli import main

_TESTDATA = pathlib.Path(__file__).parents[2] / "cpp/tfserving_remote/manifest/testdata"


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A private key; the public one is beside it. Read it only."""
    path = tmp_path_factory.mktemp("keys") / "key"
    keygen(path)
    return path


def _public(key: pathlib.Path) -> pathlib.Path:
    return key.with_name(key.name + ".pub")


def _verify(folder: pathlib.Path, signature: pathlib.Path, key: pathlib.Path) -> None:
    """As whoever has model-signing and knows nothing of us."""
    verifying.Config().use_elliptic_key_verifier(public_key=_public(key)).verify(folder, signature)


def _statement(signature: bytes) -> Any:
    return json.loads(base64.b64decode(json.loads(signature)["dsseEnvelope"]["payload"]))


def _read(url: str, name: str) -> bytes:
    data = stores.open_store(url).read(name, 1 << 24)
    assert data is not None
    return data


# --- keys -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("curve", ["P-256", "P-384", "P-521"])
@pytest.mark.parametrize("password", [None, "correct horse"])
def test_a_key_of_each_curve_signs(
    tmp_path: pathlib.Path, half_plus_two: pathlib.Path, curve: str, password: str | None
) -> None:
    path = tmp_path / "key"
    assert keygen(path, curve=curve, password=password) == tmp_path / "key.pub"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (b"ENCRYPTED" in path.read_bytes()) == (password is not None)
    assert b"PRIVATE" not in _public(path).read_bytes()
    store = tmp_path / "store"
    published = publish(half_plus_two, store, sign_key=path, sign_key_password=password)
    assert published.key == hashlib.sha256(_public(path).read_bytes()).hexdigest()
    _verify(store / "1", store / "1.manifest.sig", path)


def test_keys_are_never_overwritten(tmp_path: pathlib.Path) -> None:
    keygen(tmp_path / "key")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(FileExistsError, match=r"key.* is there already"):
        keygen(tmp_path / "key")
    (tmp_path / "key").rename(tmp_path / "elsewhere")
    with pytest.raises(FileExistsError, match=r"key\.pub is there already"):
        keygen(tmp_path / "key")
    assert not (tmp_path / "key").exists()
    assert (tmp_path / "key.pub").read_bytes() == before[tmp_path / "key.pub"]


def test_bad_keys_are_refused_before_anything_is_published(
    tmp_path: pathlib.Path, half_plus_two: pathlib.Path
) -> None:
    bad = tmp_path / "bad"
    store = tmp_path / "store"

    def refused(
        error: type[Exception], what: str, data: bytes | None, password: str | None = None
    ) -> None:
        bad.unlink(missing_ok=True)
        if data is not None:
            bad.write_bytes(data)
        with pytest.raises(error, match=what):
            publish(half_plus_two, store, sign_key=bad, sign_key_password=password)
        assert not store.exists()

    keygen(tmp_path / "plain")
    keygen(tmp_path / "locked", password="secret")
    of_rsa = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    refused(NotFound, "bad is not there", None)
    refused(InvalidInput, "holds no private key", b"no key")
    refused(InvalidInput, "holds no private key", (tmp_path / "plain.pub").read_bytes())
    refused(InvalidInput, "is no elliptic curve key", of_rsa)
    refused(InvalidInput, "is encrypted", (tmp_path / "locked").read_bytes())
    refused(InvalidInput, "password is wrong", (tmp_path / "locked").read_bytes(), "guess")
    refused(InvalidInput, "needs no password", (tmp_path / "plain").read_bytes(), "secret")


def test_bad_wishes_are_refused(tmp_path: pathlib.Path) -> None:
    with pytest.raises(InvalidInput, match="curve 'P-192' is none of"):
        keygen(tmp_path / "key", curve="P-192")
    with pytest.raises(InvalidInput, match="password is empty"):
        keygen(tmp_path / "key", password="")
    assert list(tmp_path.iterdir()) == []


# --- what is signed -------------------------------------------------------------------------------


def test_the_signature_covers_every_file_and_the_manifest(
    base: str, half_plus_two: pathlib.Path, key: pathlib.Path
) -> None:
    published = publish(half_plus_two, base, sign_key=key)
    signature, manifest = _read(base, "1.manifest.sig"), _read(base, "1.manifest.json")
    predicate = _statement(signature)["predicate"]
    assert {entry["name"]: entry["digest"] for entry in predicate["resources"]} == {
        file.path: file.sha256 for file in published.manifest.files
    }
    assert predicate["tfserving_remote"]["manifest"] == {
        "name": "1.manifest.json",
        "algorithm": "sha256",
        "digest": hashlib.sha256(manifest).hexdigest(),
    }
    (info,) = list_versions(base)
    assert (info.complete, info.has_signature) == (True, True)


@pytest.mark.parametrize("archive", ["tar", "tar.gz"])
def test_the_signature_of_an_archive_is_that_of_its_files(
    tmp_path: pathlib.Path, half_plus_two: pathlib.Path, key: pathlib.Path, archive: str
) -> None:
    store = tmp_path / "store"
    publish(half_plus_two, store, archive=archive, sign_key=key)
    with tarfile.open(fileobj=io.BytesIO((store / f"1.{archive}").read_bytes())) as tar:
        tar.extractall(tmp_path / "unpacked", filter="data")
    _verify(tmp_path / "unpacked", store / "1.manifest.sig", key)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_the_signatures_that_the_server_is_tested_with_are_model_signings(number: int) -> None:
    """cpp/tfserving_remote/testing/make_signed_version.py makes them."""
    _verify(_TESTDATA / "files", _TESTDATA / f"{number}.manifest.sig", _TESTDATA / str(number))


def test_names_that_git_knows_are_signed_too(
    tmp_path: pathlib.Path, half_plus_two: pathlib.Path, key: pathlib.Path
) -> None:
    export = shutil.copytree(half_plus_two, tmp_path / "export")
    (export / ".gitignore").write_text("*")
    store = tmp_path / "store"
    publish(export, store, sign_key=key)
    config = verifying.Config().use_elliptic_key_verifier(public_key=_public(key))
    config.set_hashing_config(hashing.Config().set_ignored_paths(paths=[], ignore_git_paths=False))
    config.verify(store / "1", store / "1.manifest.sig")
    (store / "1" / ".gitignore").write_text("!")
    with pytest.raises(ValueError, match="mismatch"):
        config.verify(store / "1", store / "1.manifest.sig")


def _flip(path: pathlib.Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def _reword(change: Callable[[Any], None]) -> Callable[[pathlib.Path], None]:
    """Change the statement of a signature, and not the proof."""

    def tamper(store: pathlib.Path) -> None:
        path = store / "1.manifest.sig"
        bundle = json.loads(path.read_bytes())
        statement = _statement(path.read_bytes())
        change(statement)
        bundle["dsseEnvelope"]["payload"] = base64.b64encode(
            json.dumps(statement).encode()
        ).decode()
        path.write_text(json.dumps(bundle))

    return tamper


@pytest.mark.parametrize(
    "tamper",
    [
        pytest.param(lambda store: _flip(store / "1/saved_model.pb"), id="changed"),
        pytest.param(lambda store: (store / "1/saved_model.pb").unlink(), id="removed"),
        pytest.param(lambda store: (store / "1/more").touch(), id="added"),
        pytest.param(
            lambda store: (store / "1/saved_model.pb").rename(store / "1/other.pb"), id="renamed"
        ),
        pytest.param(
            _reword(lambda statement: statement["predicate"]["resources"].pop()), id="resource"
        ),
        pytest.param(
            _reword(lambda statement: statement["predicate"].pop("tfserving_remote")),
            id="no manifest",
        ),
        pytest.param(
            _reword(
                lambda statement: statement["predicate"]["tfserving_remote"]["manifest"].update(
                    digest="0" * 64
                )
            ),
            id="another manifest",
        ),
    ],
)
def test_model_signing_refuses_what_was_tampered_with(
    tmp_path: pathlib.Path,
    half_plus_two: pathlib.Path,
    key: pathlib.Path,
    tamper: Callable[[pathlib.Path], object],
) -> None:
    publish(half_plus_two, tmp_path, sign_key=key)
    _verify(tmp_path / "1", tmp_path / "1.manifest.sig", key)
    tamper(tmp_path)
    with pytest.raises((ValueError, InvalidSignature)):
        _verify(tmp_path / "1", tmp_path / "1.manifest.sig", key)


def test_model_signing_refuses_another_key(
    tmp_path: pathlib.Path, half_plus_two: pathlib.Path, key: pathlib.Path
) -> None:
    keygen(tmp_path / "other")
    publish(half_plus_two, tmp_path / "store", sign_key=key)
    with pytest.raises(ValueError, match="mismatch"):
        _verify(tmp_path / "store/1", tmp_path / "store/1.manifest.sig", tmp_path / "other")


# --- publish and sign -----------------------------------------------------------------------------


def test_a_version_is_signed_before_anybody_sees_it(
    base: str,
    half_plus_two: pathlib.Path,
    key: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kind = type(stores.open_store(base).begin("1"))
    commit, put = kind.commit, kind.put
    order: list[str] = []

    def remember_put(self: Any, name: str, *arguments: Any) -> None:
        put(self, name, *arguments)
        order.append(name)

    def remember_commit(self: Any, name: str, data: bytes) -> None:
        order.append(name)
        commit(self, name, data)

    monkeypatch.setattr(kind, "put", remember_put)
    monkeypatch.setattr(kind, "commit", remember_commit)
    publish(half_plus_two, base, sign_key=key)
    assert order[-2:] == ["1.manifest.sig", "1.manifest.json"]


def test_a_signed_publish_that_fails_leaves_no_signature(
    base: str, half_plus_two: pathlib.Path, key: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = type(stores.open_store(base).begin("1"))

    def fail(self: Any, name: str, data: bytes) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(kind, "commit", fail)
    with pytest.raises(KeyboardInterrupt):
        publish(half_plus_two, base, sign_key=key)
    listing = stores.open_store(base).list_children()
    assert (listing.objects, listing.folders) == ([], [])


def test_a_signature_alone_keeps_its_number(base: str, half_plus_two: pathlib.Path) -> None:
    stores.open_store(base).replace("3.manifest.sig", b"{}")
    with pytest.raises(VersionExists, match=r"3\.manifest\.sig"):
        publish(half_plus_two, base, version=3)
    assert publish(half_plus_two, base).version == 4


def test_sign_takes_the_newest_version_or_the_one_that_is_named(
    base: str, half_plus_two: pathlib.Path, key: pathlib.Path
) -> None:
    for _ in range(3):
        publish(half_plus_two, base)
    signed = sign(base, key)
    assert (signed.version, signed.url) == (3, f"{stores.open_store(base).url}/3.manifest.sig")
    assert sign(base, key, version=1).version == 1
    by_version = {info.version: info.has_signature for info in list_versions(base)}
    assert by_version == {1: True, 2: False, 3: True}
    covered = _statement(_read(base, "3.manifest.sig"))["predicate"]["tfserving_remote"]
    manifest = _read(base, "3.manifest.json")
    assert covered["manifest"]["digest"] == hashlib.sha256(manifest).hexdigest()


def test_a_signature_is_replaced_only_when_told_to(
    base: str, half_plus_two: pathlib.Path, key: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    keygen(tmp_path / "next")
    publish(half_plus_two, base, sign_key=key)
    before = _read(base, "1.manifest.sig")
    with pytest.raises(VersionExists, match=r"1\.manifest\.sig is there already; replace=True"):
        sign(base, tmp_path / "next")
    assert _read(base, "1.manifest.sig") == before
    assert list_versions(base)[0].complete
    sign(base, tmp_path / "next", replace=True)
    hint = json.loads(_read(base, "1.manifest.sig"))["verificationMaterial"]["publicKey"]["hint"]
    assert hint == hashlib.sha256((tmp_path / "next.pub").read_bytes()).hexdigest()
    if base.startswith("file:"):
        names = sorted(path.name for path in (tmp_path / "store").iterdir())
        assert names == ["1", "1.manifest.json", "1.manifest.sig"]


def test_sign_compares_the_version_with_the_export(
    tmp_path: pathlib.Path, half_plus_two: pathlib.Path, key: pathlib.Path
) -> None:
    store = tmp_path / "store"
    publish(half_plus_two, store)

    def refused(what: str, change: Callable[[pathlib.Path], object]) -> None:
        export = shutil.copytree(half_plus_two, tmp_path / "export")
        change(export)
        with pytest.raises(InvalidInput, match=what):
            sign(store, key, export_dir=export)
        shutil.rmtree(export)

    refused("is not the file that", lambda export: _flip(export / "saved_model.pb"))
    refused("more is in .*export only", lambda export: (export / "more").touch())
    refused(
        "fingerprint.pb is in .*1.manifest.json only", lambda e: (e / "fingerprint.pb").unlink()
    )
    with pytest.raises(InvalidInput, match="is no folder"):
        sign(store, key, export_dir=tmp_path / "nothing")
    assert not (store / "1.manifest.sig").exists()
    sign(store, key, export_dir=half_plus_two)
    _verify(store / "1", store / "1.manifest.sig", key)


@pytest.mark.parametrize("archive", [None, "tar", "tar.gz"])
def test_sign_compares_what_servers_check_by(
    tmp_path: pathlib.Path, half_plus_two: pathlib.Path, key: pathlib.Path, archive: str | None
) -> None:
    """Servers never see the digest of a whole file, so chunks of other bytes are not signed."""
    store = tmp_path / "store"
    publish(half_plus_two, store, archive=archive)
    path = store / "1.manifest.json"
    before = path.read_bytes()

    def refused(what: str, change: Callable[[Any], None]) -> None:
        manifest = json.loads(before)
        change(manifest)
        path.write_text(json.dumps(manifest))
        with pytest.raises(InvalidInput, match=what):
            sign(store, key, export_dir=half_plus_two)
        assert not (store / "1.manifest.sig").exists()

    other = {"sha256": "0" * 64}
    refused("is not the file that", lambda m: m["files"][-1]["chunks"][0].update(other))
    if archive == "tar":
        refused("is not the archive that", lambda m: m["archive"]["chunks"][0].update(other))
    path.write_bytes(before)
    assert sign(store, key, export_dir=half_plus_two).version == 1


def test_what_cannot_be_signed_is_named(
    tmp_path: pathlib.Path, half_plus_two: pathlib.Path, key: pathlib.Path
) -> None:
    with pytest.raises(NotFound, match="no manifest of any version"):
        sign(tmp_path, key)
    publish(half_plus_two, tmp_path)
    with pytest.raises(NotFound, match="no manifest of version 7"):
        sign(tmp_path, key, version=7)
    (tmp_path / "2.manifest.json").write_bytes((tmp_path / "1.manifest.json").read_bytes())
    with pytest.raises(InvalidInput, match=r"2\.manifest\.json: it is the manifest of version 1"):
        sign(tmp_path, key)
    (tmp_path / "2.manifest.json").write_text("{}")
    with pytest.raises(InvalidInput, match=r"2\.manifest\.json: .*schema_version is missing"):
        sign(tmp_path, key)
    (tmp_path / "01.manifest.json").write_bytes((tmp_path / "1.manifest.json").read_bytes())
    with pytest.raises(InvalidInput, match="has version 1 twice: 01, 1"):
        sign(tmp_path, key, version=1)


def test_without_the_package_the_error_says_what_to_install(
    tmp_path: pathlib.Path,
    half_plus_two: pathlib.Path,
    key: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "model_signing"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "model_signing", None)
    with pytest.raises(MissingDependency, match=r"pip install 'tfserving-remote\[sign\]'"):
        publish(half_plus_two, tmp_path / "store", sign_key=key)
    assert publish(half_plus_two, tmp_path / "store").version == 1


# --- the command ----------------------------------------------------------------------------------


def test_keygen_publish_and_sign_as_commands(
    tmp_path: pathlib.Path,
    half_plus_two: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("TFSERVING_REMOTE_KEY_PASSWORD", raising=False)
    path, store = tmp_path / "key", tmp_path / "store"
    assert main(["keygen", str(path), "--curve", "P-384"]) == 0
    assert f"--remote_trusted_keys={path}.pub" in capsys.readouterr().out
    command = ["publish", str(half_plus_two), str(store), "--quiet"]
    assert main([*command, "--sign-key", str(path)]) == 0
    shown = signing.Signer(path).id[:12]
    assert capsys.readouterr().out.rstrip().endswith(f"signed with key {shown}")
    _verify(store / "1", store / "1.manifest.sig", path)
    assert main(command) == 0
    capsys.readouterr()
    arguments = ["sign", str(store), "--key", str(path), "--version", "2"]
    assert main([*arguments, "--export-dir", str(half_plus_two)]) == 0
    assert capsys.readouterr().out == (
        f"signed version 2 with key {shown}: {store}/2.manifest.sig\n"
    )
    _verify(store / "2", store / "2.manifest.sig", path)
    assert main(arguments) == 1
    assert "(--replace)" in capsys.readouterr().err
    assert main([*arguments, "--replace"]) == 0
    assert read_manifest(store, 2).version == 2


def test_the_password_comes_from_the_environment(
    tmp_path: pathlib.Path,
    half_plus_two: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = str(tmp_path / "key")
    monkeypatch.delenv("TFSERVING_REMOTE_KEY_PASSWORD", raising=False)
    assert main(["keygen", path, "--encrypt"]) == 1
    assert "TFSERVING_REMOTE_KEY_PASSWORD, which is not set" in capsys.readouterr().err
    monkeypatch.setenv("TFSERVING_REMOTE_KEY_PASSWORD", "correct horse")
    assert main(["keygen", path, "--encrypt"]) == 0
    publishing = ["publish", str(half_plus_two), str(tmp_path / "store"), "--quiet"]
    assert main([*publishing, "--sign-key", path]) == 0
    assert main([*publishing]) == 0
    assert main(["sign", str(tmp_path / "store"), "--key", path]) == 0
    monkeypatch.delenv("TFSERVING_REMOTE_KEY_PASSWORD")
    assert main([*publishing, "--sign-key", path]) == 1
    assert "is encrypted; give its password" in capsys.readouterr().err
