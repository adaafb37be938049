# SPDX-License-Identifier: Apache-2.0
"""Hold source files to ceilings: headers 250 lines, C++ sources 400, Python 400, tests 600."""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).parent.parent
CEILINGS = {".h": 250, ".cc": 400, ".py": 400}
TEST_CEILING = 600


def main() -> int:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    failures = 0
    for name in listed.stdout.splitlines():
        path = ROOT / name
        if path.suffix not in CEILINGS or not path.exists():
            continue
        is_test = path.stem.endswith("_test") or path.stem.startswith("test_")
        ceiling = TEST_CEILING if is_test else CEILINGS[path.suffix]
        lines = len(path.read_text("utf-8").splitlines())
        if lines > ceiling:
            print(f"{name}: {lines} lines, at most {ceiling}; is it still one thing?")
            failures += 1
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
