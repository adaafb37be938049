# SPDX-License-Identifier: Apache-2.0
"""Hold cpp/serving_core/README.md to its word: the ledger names every header, and no other.

A name in backticks may leave out the folder of the name before it, and may hold `{a,b}` or `*`.
"""

import fnmatch
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).parent.parent / "cpp/serving_core"
TEST_HELPER = re.compile(r"(_test_support|/test_util/.*|/test_models)\.h$")


def expand(name: str) -> list[str]:
    match = re.search(r"\{([^}]*)\}", name)
    if match is None:
        return [name]
    return [
        expanded
        for part in match.group(1).split(",")
        for expanded in expand(name[: match.start()] + part + name[match.end() :])
    ]


def ledger_names(readme: str) -> list[str]:
    table = readme.split("## Ledger", 1)[1].split("\n## ", 1)[0]
    names: list[str] = []
    for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE):
        folder = ""
        for name in re.findall(r"`([^`]+)`", row):
            if "/" in name:
                folder = name.rsplit("/", 1)[0]
            names += expand(name if "/" in name else f"{folder}/{name}")
    return names


def main() -> int:
    readme = (ROOT / "README.md").read_text("utf-8")
    names = ledger_names(readme)
    base = ROOT / "tensorflow_serving"
    headers = [path.relative_to(base).as_posix() for path in sorted(base.rglob("*.h"))]
    failures = [
        f"{header}: not in the ledger of cpp/serving_core/README.md"
        for header in headers
        if not TEST_HELPER.search(header)
        and not any(fnmatch.fnmatchcase(header, name) for name in names)
    ]
    later = re.findall(r"^\| `([^`]+)` \| later \|", readme, re.MULTILINE)
    failures += [
        f"{name}: in the ledger, but there is no such header"
        for name in names
        if name.endswith(".h") and name not in later and not fnmatch.filter(headers, name)
    ]
    print("\n".join(failures), end="\n" if failures else "")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
