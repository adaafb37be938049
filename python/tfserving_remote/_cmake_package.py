# SPDX-License-Identifier: Apache-2.0
"""Where `find_package(tfserving_remote CONFIG)` looks; standard library only."""

import pathlib

from tfserving_remote.errors import MissingDependency

_FOLDER = pathlib.Path(__file__).parent / "cmake"


def cmake_dir(folder: pathlib.Path = _FOLDER) -> pathlib.Path:
    """The folder with the CMake package, absolute: `-Dtfserving_remote_DIR=...`.

    Raises MissingDependency where this installation has no server, and so no C++ package.
    """
    if not (folder / "tfserving_remote-config.cmake").is_file():
        raise MissingDependency(
            "this installation of tfserving-remote has no C++ package; install a wheel that has it:"
            " pip install 'tfserving-remote[server]'"
        )
    return folder.resolve()
