# SPDX-License-Identifier: Apache-2.0
"""The console script `tensorflow_model_server`: checks that TensorFlow fits and becomes the server.

The binary uses the libraries of the installed TensorFlow wheel. Without them, or with another minor
version's, it would fail in the dynamic linker with a message that helps nobody. Standard library
only, so that the check costs milliseconds.
"""

import importlib.metadata
import importlib.util
import os
import pathlib
import sys
from typing import NoReturn

_HERE = pathlib.Path(__file__).parent
_DISTRIBUTIONS = ("tensorflow", "tensorflow-cpu", "tensorflow-rocm", "tf-nightly")


def installed_tensorflow() -> str | None:
    """The version of the installed TensorFlow, "2.21.0", found without importing it;
    None without one.
    """
    if importlib.util.find_spec("tensorflow") is None:
        return None
    for name in _DISTRIBUTIONS:
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return None


def _minor(version: str) -> list[str]:
    return version.split(".")[:2]


def find_problem(built_for: str, installed: str | None) -> str | None:
    """One sentence that says what to install when the server cannot run with the
    `installed` TensorFlow, else None.
    """
    wanted = ".".join(_minor(built_for))
    install = f"pip install 'tensorflow~={wanted}.0'"
    if installed is None:
        return f"tensorflow_model_server needs TensorFlow {wanted}, which is missing: {install}"
    if _minor(installed) != _minor(built_for):
        return (
            f"tensorflow_model_server was built for TensorFlow {wanted} and cannot run with"
            f" {installed}: {install}"
        )
    return None


def _fail(message: str) -> NoReturn:
    print(message, file=sys.stderr)
    sys.exit(1)


def main() -> NoReturn:
    """Replace this process by the server, with the same arguments. Exits with 1 when it cannot."""
    binary = _HERE / "bin" / "tensorflow_model_server"
    try:
        built_for = (_HERE / "_built_for.txt").read_text().strip()
    except FileNotFoundError:
        _fail(
            "this installation of tfserving-remote has no server; install a wheel that has it:"
            " pip install 'tfserving-remote[server]'"
        )
    problem = find_problem(built_for, installed_tensorflow())
    if problem is not None:
        _fail(problem)
    # The server asks this Python for credentials (tfserving_remote.credentials).
    os.environ.setdefault("TFSR_PYTHON", sys.executable)
    try:
        os.execv(binary, [str(binary), *sys.argv[1:]])
    except OSError as error:
        _fail(f"{binary} cannot be run: {error.strerror}")


if __name__ == "__main__":
    main()
