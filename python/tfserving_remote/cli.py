# SPDX-License-Identifier: Apache-2.0
"""The command `tfserving-remote`: publish, sign and list versions, ask a server."""

import argparse
import dataclasses
import json
import os
import pathlib
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tfserving_remote.errors import InvalidInput, ServingError

if TYPE_CHECKING:
    from tfserving_remote.listing import VersionInfo
    from tfserving_remote.signatures import Signature


# Never on the command line, where everybody on the machine reads it.
_PASSWORD = "TFSERVING_REMOTE_KEY_PASSWORD"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns the exit code: 0, 1 after an error, 2 for wrong usage."""
    parsed = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], None] = parsed.run
    try:
        run(parsed)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 1
    except (ServingError, OSError) as error:
        if parsed.debug:
            raise
        print(f"tfserving-remote: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tfserving-remote", description="Publish TensorFlow models and ask their servers."
    )
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--debug", action="store_true", help="show the traceback of an error")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[argparse.Namespace], None], text: str) -> Any:
        added = commands.add_parser(name, parents=[common], help=text, description=text)
        added.set_defaults(run=run)
        return added

    _add_publish(command("publish", _publish, "Publish a SavedModel as a new version."))
    _add_keygen(command("keygen", _keygen, "Make a key pair for signing versions."))
    _add_sign(command("sign", _sign, "Sign a version that is published already."))
    listing = command("list", _list, "List the versions in a store, newest first.")
    listing.add_argument("url", help="s3://bucket/prefix, gs://bucket/prefix or a folder")
    listing.add_argument("--json", action="store_true", help="as JSON")
    status = command("status", _status, "Show the versions of a model on a server.")
    _add_server(status)
    status.add_argument("--json", action="store_true", help="as JSON")
    _add_predict(
        command("predict", _predict, "Run a model on a server; prints the outputs as JSON.")
    )
    return parser


def _add_publish(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("export_dir", type=pathlib.Path, help="folder with saved_model.pb")
    parser.add_argument("url", help="s3://bucket/prefix, gs://bucket/prefix or a folder")
    parser.add_argument("--version", type=int, help="version number; by default the next one")
    parser.add_argument(
        "--archive", choices=["tar", "tar.gz", "tar.zst"], help="one object instead of a folder"
    )
    parser.add_argument(
        "--metadata", action="append", default=[], metavar="NAME=TEXT", help="may be repeated"
    )
    parser.add_argument(
        "--preprocessing",
        nargs=3,
        metavar=("NAME", "VERSION", "DIGEST"),
        help="what prepares the inputs; the digest is sha256: and 64 hex digits",
    )
    parser.add_argument(
        "--sign-key",
        type=pathlib.Path,
        metavar="FILE",
        help=f"sign the version with this private key; {_PASSWORD} holds its password",
    )
    parser.add_argument("--quiet", action="store_true", help="no progress")


def _add_keygen(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("key", type=pathlib.Path, help="new file; the public key goes to KEY.pub")
    parser.add_argument("--curve", choices=["P-256", "P-384", "P-521"], default="P-256")
    parser.add_argument(
        "--encrypt", action="store_true", help=f"with the password in the variable {_PASSWORD}"
    )


def _add_sign(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("url", help="s3://bucket/prefix, gs://bucket/prefix or a folder")
    parser.add_argument(
        "--key",
        type=pathlib.Path,
        required=True,
        metavar="FILE",
        help=f"private key; {_PASSWORD} holds its password",
    )
    parser.add_argument("--version", type=int, help="version number; by default the newest one")
    parser.add_argument(
        "--export-dir",
        type=pathlib.Path,
        metavar="DIR",
        help="sign only if the version consists of the files in this folder",
    )
    parser.add_argument("--replace", action="store_true", help="another signature that is there")


def _add_server(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("address", metavar="HOST:PORT", help="the server's gRPC address")
    parser.add_argument("model", help="the model's name")
    parser.add_argument("--tls", action="store_true", help="connect with TLS")
    parser.add_argument("--timeout", type=float, default=60.0, help="seconds; default 60")


def _add_predict(parser: argparse.ArgumentParser) -> None:
    _add_server(parser)
    parser.add_argument(
        "--inputs", required=True, metavar="JSON|@FILE", help='{"x": [[1.0]]}; @- is standard input'
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--version", type=int)
    which.add_argument("--label")
    parser.add_argument("--signature", default="serving_default")


# --- publish and list -----------------------------------------------------------------------------


def _publish(arguments: argparse.Namespace) -> None:
    from tfserving_remote._progress import ProgressBar, human_bytes
    from tfserving_remote.manifest import Preprocessing
    from tfserving_remote.publishing import publish

    bar = None if arguments.quiet else ProgressBar(sys.stderr)
    given = arguments.preprocessing
    try:
        published = publish(
            arguments.export_dir,
            arguments.url,
            version=arguments.version,
            archive=arguments.archive,
            progress=bar,
            preprocessing=Preprocessing(*given) if given else None,
            metadata=_pairs(arguments.metadata),
            sign_key=arguments.sign_key,
            sign_key_password=_password() if arguments.sign_key else None,
        )
    finally:
        if bar is not None:
            bar.close()
    manifest = published.manifest
    print(
        f"published version {published.version} to {published.url}:"
        f" {len(manifest.files)} files, {human_bytes(manifest.total_size)}"
        + (f", signed with key {published.key[:12]}" if published.key else "")
    )


def _password() -> str | None:
    return os.environ.get(_PASSWORD) or None


def _keygen(arguments: argparse.Namespace) -> None:
    from tfserving_remote.signing import keygen

    password = _password() if arguments.encrypt else None
    if arguments.encrypt and password is None:
        raise InvalidInput(f"--encrypt takes the password from {_PASSWORD}, which is not set")
    public = keygen(arguments.key, curve=arguments.curve, password=password)
    print(f"private key: {arguments.key}, for publish --sign-key and sign --key; keep it secret")
    print(f"public key: {public}, for servers: --remote_trusted_keys={public}")


def _sign(arguments: argparse.Namespace) -> None:
    from tfserving_remote.signing import sign

    signed = sign(
        arguments.url,
        arguments.key,
        version=arguments.version,
        export_dir=arguments.export_dir,
        password=_password(),
        replace=arguments.replace,
    )
    print(f"signed version {signed.version} with key {signed.key[:12]}: {signed.url}")


def _pairs(given: Sequence[str]) -> dict[str, str]:
    result = {}
    for pair in given:
        name, separator, value = pair.partition("=")
        if not separator or not name:
            raise InvalidInput(f"--metadata {pair!r} is not NAME=TEXT")
        result[name] = value
    return result


def _list(arguments: argparse.Namespace) -> None:
    from tfserving_remote.listing import list_versions

    versions = list_versions(arguments.url)
    if arguments.json:
        print(json.dumps([_version_json(info) for info in versions], indent=2))
    elif not versions:
        print(f"no versions in {arguments.url}", file=sys.stderr)
    else:
        header = ["VERSION", "SIZE", "FILES", "CREATED", "FORM", "STATE"]
        _print_table([header, *map(_version_row, versions)])


def _version_json(info: "VersionInfo") -> dict[str, Any]:
    created = info.created_at.strftime("%Y-%m-%dT%H:%M:%SZ") if info.created_at else None
    return {**dataclasses.asdict(info), "created_at": created, "complete": info.complete}


def _version_row(info: "VersionInfo") -> list[str]:
    from tfserving_remote._progress import human_bytes

    state = "complete" if info.complete else f"incomplete: {info.problem}"
    if info.complete and not info.has_manifest:
        state = "complete, no manifest"
    return [
        info.name,
        human_bytes(info.size),
        "-" if info.files is None else str(info.files),
        info.created_at.strftime("%Y-%m-%d %H:%M:%S") if info.created_at else "-",
        info.archive or "folder",
        state,
    ]


def _print_table(rows: Sequence[Sequence[str]]) -> None:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())


# --- status and predict ---------------------------------------------------------------------------


def _status(arguments: argparse.Namespace) -> None:
    from tfserving_remote.client import Client

    with Client(arguments.address, tls=arguments.tls, timeout=arguments.timeout) as client:
        versions = client.status(arguments.model)
    if arguments.json:
        print(json.dumps([dataclasses.asdict(version) for version in versions], indent=2))
        return
    rows = [["VERSION", "STATE", "ERROR"]]
    for entry in versions:
        error = "" if entry.error_code == "OK" else f"{entry.error_code}: {entry.error_message}"
        rows.append([str(entry.version), entry.state, " ".join(error.split())])
    _print_table(rows)


def _predict(arguments: argparse.Namespace) -> None:
    from tfserving_remote.client import Client

    inputs = _read_inputs(arguments.inputs)
    which = {"version": arguments.version, "label": arguments.label}
    with Client(arguments.address, tls=arguments.tls, timeout=arguments.timeout) as client:
        known = client.metadata(arguments.model, **which)
        signature = known.signatures.get(arguments.signature)
        answer = client.predict(
            arguments.model,
            _typed(inputs, signature) if signature else inputs,
            signature=arguments.signature,
            **which,
        )
    outputs = {name: _plain(value.tolist()) for name, value in answer.items()}
    print(json.dumps({"model": answer.model, "version": answer.version, "outputs": outputs}))


def _read_inputs(given: str) -> dict[str, Any]:
    text = given
    if given == "@-":
        text = sys.stdin.read()
    elif given.startswith("@"):
        text = pathlib.Path(given[1:]).read_text(encoding="utf-8")
    try:
        inputs = json.loads(text)
    except ValueError as error:
        raise InvalidInput(f"--inputs is no JSON: {error}") from None
    if not isinstance(inputs, dict):
        raise InvalidInput('--inputs is an object of input names and values, such as {"x": [1.0]}')
    return inputs


def _typed(inputs: Mapping[str, Any], signature: "Signature") -> dict[str, Any]:
    """JSON's numbers with the dtypes that the signature asks for; strings stay as they are."""
    import numpy as np

    from tfserving_remote._tensors import numpy_dtype

    result = {}
    for name, value in inputs.items():
        spec = signature.inputs.get(name)
        if spec is None:
            known = ", ".join(signature.inputs) or "none"
            raise InvalidInput(f"input {name!r} is none of the signature's inputs: {known}")
        result[name] = value
        if spec.dtype != "DT_STRING":
            try:
                result[name] = np.array(value, dtype=numpy_dtype(spec.dtype))
            except (ValueError, TypeError, OverflowError) as error:
                raise InvalidInput(f"input {name!r} is no {spec}: {error}") from None
    return result


def _plain(value: Any) -> Any:
    """Values as JSON has them: bytes that are text as text, others as {"b64": …} like
    the REST API.
    """
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, complex):
        return [value.real, value.imag]
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            import base64

            return {"b64": base64.b64encode(value).decode()}
    return value


if __name__ == "__main__":
    sys.exit(main())
