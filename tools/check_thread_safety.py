# SPDX-License-Identifier: Apache-2.0
"""Let clang check the lock annotations (ABSL_GUARDED_BY and the like) of the C++ sources.

    check_thread_safety.py [--build build/dev] [SOURCE ...]

Looks at every source of `cpp/` that is annotated, or whose header is, with the flags it is
compiled with. What has been found in order is not looked at again until it or a header of ours
that it includes changes.
"""

import argparse
import concurrent.futures
import dataclasses
import hashlib
import json
import pathlib
import re
import shlex
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
ANNOTATION = re.compile(r"\bABSL_(PT_)?(GUARDED|ACQUIRED|SHARED|EXCLUSIVE|LOCK|UNLOCK|SCOPED)\w*\(")
CHECKS = [
    "-Wno-everything",
    "-Wthread-safety",
    "-Wthread-safety-beta",
    "-Werror=thread-safety",
    "-Werror=thread-safety-beta",
]
# Of the compiler's flags clang needs those that change what a source means.
KEPT = ("-D", "-U", "-std=", "-I")
KEPT_WITH_VALUE = ("-isystem", "-I", "-iquote")


@dataclasses.dataclass(frozen=True)
class Unit:
    """One source and the clang command that checks it."""

    source: pathlib.Path
    command: tuple[str, ...]

    @property
    def key(self) -> str:
        return hashlib.sha256("\0".join(self.command).encode()).hexdigest()[:24]


def find_clang() -> str:
    for name in ("clang++", *(f"clang++-{version}" for version in range(21, 13, -1))):
        if found := shutil.which(name):
            return found
    raise SystemExit("check_thread_safety.py needs clang++ (tools/debian_packages.txt)")


def keep_flags(command: list[str]) -> list[str]:
    """Without precompiled headers, warnings, optimisation, and what only gcc knows."""
    kept: list[str] = []
    words = iter(command)
    for word in words:
        if word in KEPT_WITH_VALUE:
            kept += [word, next(words)]
        elif word == "-include":
            header = next(words)
            if "cmake_pch" not in header:
                kept += [word, header]
        elif word.startswith(KEPT):
            kept.append(word)
    return kept


def is_annotated(source: pathlib.Path) -> bool:
    files = [source, source.with_suffix(".h")]
    return any(ANNOTATION.search(file.read_text("utf-8")) for file in files if file.exists())


def read_units(build: pathlib.Path, clang: str) -> list[Unit]:
    database = build / "compile_commands.json"
    if not database.exists():
        raise SystemExit(f"{database} is missing: configure the build first")
    units: dict[pathlib.Path, Unit] = {}
    for entry in json.loads(database.read_text("utf-8")):
        source = pathlib.Path(entry["directory"], entry["file"]).resolve()
        if source in units or ROOT / "cpp" not in source.parents or not source.exists():
            continue
        if is_annotated(source):
            flags = keep_flags(shlex.split(entry["command"]))
            units[source] = Unit(source, (clang, "-fsyntax-only", *CHECKS, *flags, str(source)))
    return [units[source] for source in sorted(units)]


def fingerprint(files: list[str]) -> str:
    """Of the contents; empty if one of the files is gone."""
    digest = hashlib.sha256()
    for file in files:
        path = pathlib.Path(file)
        if not path.exists():
            return ""
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def read_dependencies(makefile: pathlib.Path) -> list[str]:
    """The files of ours in what `-MMD` wrote."""
    _, _, words = makefile.read_text("utf-8").replace("\\\n", " ").partition(":")
    return sorted(word for word in words.split() if word.startswith(str(ROOT / "cpp")))


def is_known_good(stamp: pathlib.Path) -> bool:
    if not stamp.exists():
        return False
    known = json.loads(stamp.read_text("utf-8"))
    return bool(known["fingerprint"] == fingerprint(known["files"]))


def check(unit: Unit, stamps: pathlib.Path) -> str:
    """The findings, or an empty string."""
    stamp = stamps / f"{unit.key}.json"
    if is_known_good(stamp):
        return ""
    makefile = stamps / f"{unit.key}.d"
    command = [*unit.command, "-MMD", "-MF", str(makefile)]
    clang = subprocess.run(command, capture_output=True, text=True, check=False)
    if clang.returncode != 0:
        return clang.stderr or f"{shlex.join(command)} failed"
    files = read_dependencies(makefile)
    stamp.write_text(json.dumps({"files": files, "fingerprint": fingerprint(files)}), "utf-8")
    makefile.unlink()
    return ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/dev")
    parser.add_argument("sources", nargs="*", type=pathlib.Path, help="only these")
    options = parser.parse_args()
    units = read_units(options.build.resolve(), find_clang())
    if options.sources:
        wanted = {source.resolve() for source in options.sources}
        units = [unit for unit in units if unit.source in wanted]
    stamps = options.build.resolve() / "thread_safety"
    stamps.mkdir(exist_ok=True)
    failures = 0
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        for findings in pool.map(lambda unit: check(unit, stamps), units):
            if findings:
                print(findings, file=sys.stderr)
                failures += 1
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
