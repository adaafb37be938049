# SPDX-License-Identifier: Apache-2.0
"""Print `folder;version` of the installed TensorFlow wheel, for CMake.

Looks the package up without importing it: an import takes seconds and starts threads.
"""

import importlib.metadata
import importlib.util
import pathlib
import sys


def main() -> int:
    spec = importlib.util.find_spec("tensorflow")
    if spec is None or spec.origin is None:
        print(
            f"TensorFlow is not installed for {sys.executable}; install it with: "
            "pip install 'tensorflow~=2.21.0'",
            file=sys.stderr,
        )
        return 1
    folder = pathlib.Path(spec.origin).parent
    if not (folder / "libtensorflow_cc.so.2").exists():
        print(
            f"{folder} has no libtensorflow_cc.so.2; a wheel for Linux is needed", file=sys.stderr
        )
        return 1
    for name in ("tensorflow", "tensorflow-cpu"):
        try:
            print(f"{folder};{importlib.metadata.version(name)}")
            return 0
        except importlib.metadata.PackageNotFoundError:
            continue
    print(f"{folder} belongs to no installed distribution", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
