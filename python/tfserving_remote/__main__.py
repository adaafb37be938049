# SPDX-License-Identifier: Apache-2.0
"""`python -m tfserving_remote` is `tfserving-remote`; with --cmakedir it prints the folder of the
CMake package instead.
"""

import sys

from tfserving_remote import _cmake_package, cli
from tfserving_remote.errors import MissingDependency


def main() -> int:
    if sys.argv[1:] != ["--cmakedir"]:
        return cli.main()
    try:
        print(_cmake_package.cmake_dir())
    except MissingDependency as error:
        print(f"tfserving_remote: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
