# SPDX-License-Identifier: Apache-2.0
"""Print requirements of pyproject.toml, one a line: the pins live there and nowhere else.

Usage: list_requirements.py NAME..., with NAME one of `base`, `build`, an extra, or a dependency
group.
"""

import pathlib
import sys

if sys.version_info >= (3, 11):
    import tomllib
else:
    from pip._vendor import tomli as tomllib


def main() -> None:
    pyproject = tomllib.loads(
        (pathlib.Path(__file__).parent.parent / "pyproject.toml").read_text("utf-8")
    )
    known: dict[str, list[str]] = {
        "base": pyproject["project"]["dependencies"],
        "build": pyproject["build-system"]["requires"],
        **pyproject["project"]["optional-dependencies"],
        **pyproject["dependency-groups"],
    }
    unknown = [name for name in sys.argv[1:] if name not in known]
    if unknown:
        raise SystemExit(f"unknown: {', '.join(unknown)}; known are {', '.join(known)}")
    for line in sorted({line for name in sys.argv[1:] for line in known[name]}):
        print(line)


if __name__ == "__main__":
    main()
