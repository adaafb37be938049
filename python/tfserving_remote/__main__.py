# SPDX-License-Identifier: Apache-2.0
"""`python -m tfserving_remote` is `tfserving-remote`."""

import sys

from tfserving_remote.cli import main

if __name__ == "__main__":
    sys.exit(main())
