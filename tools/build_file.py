# SPDX-License-Identifier: Apache-2.0
"""Write or check `BUILD`, the Bazel targets of the plugin inside TensorFlow Serving's tree.

Usage: build_file.py [--check]

One cc_library a room, made from the room's CMakeLists.txt and from the #include lines of its
files, so that both builds name the same sources and each dependency is there because a file
includes it. Labels are those of upstream's workspace. With --check nothing is written: exit 1
when BUILD is not what would be written, or when buildifier, where present, objects.
check_build_parity.py compares the two builds without believing this one.
"""

import difflib
import os
import pathlib
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).parent.parent
PLUGIN_ROOMS = ("base", "net", "store", "manifest", "stream", "source", "policy", "plugin")
INCLUDE = re.compile(r'^\s*#\s*include\s+[<"]([^">]+)[">]', re.MULTILINE)

# Header (or its beginning) -> label. The first that matches is taken.
LABELS: tuple[tuple[str, str], ...] = (
    ("absl/base/thread_annotations.h", "@com_google_absl//absl/base:core_headers"),
    ("absl/crc/crc32c.h", "@com_google_absl//absl/crc:crc32c"),
    ("absl/status/statusor.h", "@com_google_absl//absl/status:statusor"),
    ("absl/strings/str_format.h", "@com_google_absl//absl/strings:str_format"),
    ("absl/strings/cord.h", "@com_google_absl//absl/strings:cord"),
    ("absl/types/", "@com_google_absl//absl/types:{stem}"),
    ("absl/container/", "@com_google_absl//absl/container:{stem}"),
    ("absl/random/", "@com_google_absl//absl/random"),
    ("absl/", "@com_google_absl//absl/{folder}"),
    ("archive", "@libarchive"),
    ("boost/asio", "@boost//:asio"),
    ("boost/beast", "@boost//:beast"),
    ("boost/", "@boost//:headers"),
    ("google/protobuf/", "@com_google_protobuf//:protobuf"),
    ("nghttp2/", "@nghttp2"),
    ("nlohmann/", "@nlohmann_json_lib"),
    ("openssl/ssl", "@boringssl//:ssl"),
    ("openssl/", "@boringssl//:crypto"),
    ("pugixml", "@pugixml"),
    ("tensorflow/cc/saved_model/", "@org_tensorflow//tensorflow/cc/saved_model:{stem}"),
    ("tensorflow/core/protobuf/", "@org_tensorflow//tensorflow/core:protos_all_cc"),
    ("tensorflow/core/framework/", "@org_tensorflow//tensorflow/core:framework"),
    ("tensorflow/core/public/", "@org_tensorflow//tensorflow/core:core_cpu"),
    ("tensorflow/", "@org_tensorflow//tensorflow/core:lib"),
    ("tensorflow_serving/config/", "//tensorflow_serving/config:{proto}_cc_proto"),
    ("tensorflow_serving/resources/", "//tensorflow_serving/resources:{proto}_cc_proto"),
    ("tensorflow_serving/", "//tensorflow_serving/{folder}:{stem}"),
    ("zlib.h", "@zlib"),
    ("zstd", "@net_zstd//:zstd"),
)


@dataclass
class Room:
    name: str
    sources: list[str]
    headers: list[str]
    labels: list[str]
    protos: list["Proto"]


@dataclass
class Proto:
    """Messages of a room: `<stem>_proto` and `<stem>_cc_proto`."""

    stem: str
    file: str
    labels: list[str]


def _list(cmake: str, keyword: str) -> list[str]:
    match = re.search(rf"\b{keyword}\b(.*?)(?=\b(?:SRCS|HDRS|DEPS|NAME)\b|\))", cmake, re.DOTALL)
    words = re.sub(r"#.*", "", match.group(1)).split() if match else []
    return sorted(word for word in words if "$" not in word)


def label(header: str) -> str | None:
    """The label that offers `header`; nothing for headers of the language and the system."""
    own_proto = re.match(r"tfserving_remote/.*?(\w+)\.pb\.h$", header)
    if own_proto is not None:
        return f":{own_proto.group(1)}_cc_proto"
    room = re.match(r"tfserving_remote/(\w+)/", header)
    if room is not None:
        return f":{room.group(1)}"
    for prefix, target in LABELS:
        if header.startswith(prefix):
            path = pathlib.PurePosixPath(header)
            stem = path.name.split(".")[0]
            return target.format(stem=stem, folder="/".join(path.parent.parts[1:]), proto=stem)
    return None


def read_room(name: str) -> Room | None:
    folder = ROOT / "cpp/tfserving_remote" / name
    if not (folder / "CMakeLists.txt").exists():
        return None
    text = (folder / "CMakeLists.txt").read_text("utf-8")
    library = re.search(r"tfsr_cc_library\((.*?)\n\)|tfsr_cc_library\((.*?)\)", text, re.DOTALL)
    if library is None:
        raise SystemExit(f"{folder}/CMakeLists.txt has no tfsr_cc_library")
    body = (library.group(1) or library.group(2)) + ")"
    sources, headers = _list(body, "SRCS"), _list(body, "HDRS")
    labels = set()
    for file in sources + headers:
        for header in INCLUDE.findall((folder / file).read_text("utf-8")):
            found = label(header)
            if found is not None and found != f":{name}":
                labels.add(found)
    return Room(name, sources, headers, sorted(labels), read_protos(folder))


def read_protos(folder: pathlib.Path) -> list[Proto]:
    protos = []
    for path in sorted(folder.glob("*.proto")):
        imports = re.findall(r'^import "(.+)\.proto";', path.read_text("utf-8"), re.MULTILINE)
        labels = [label(f"{name}.pb.h") or "" for name in imports]
        protos.append(
            Proto(
                path.stem,
                path.relative_to(ROOT).as_posix(),
                sorted(found.replace("_cc_proto", "_proto") for found in labels),
            )
        )
    return protos


def strings(values: list[str], prefix: str = "") -> str:
    return "".join(f'        "{prefix}{value}",\n' for value in values)


def render_proto(proto: Proto) -> list[str]:
    deps = ""
    if len(proto.labels) == 1:
        deps = f'    deps = ["{proto.labels[0]}"],\n'
    elif proto.labels:
        deps = f"    deps = [\n{strings(proto.labels)}    ],\n"
    return [
        f'proto_library(\n    name = "{proto.stem}_proto",\n    srcs = ["{proto.file}"],\n'
        f'    strip_import_prefix = "cpp",\n{deps})\n',
        f'cc_proto_library(\n    name = "{proto.stem}_cc_proto",\n'
        f'    deps = [":{proto.stem}_proto"],\n)\n',
    ]


def render(rooms: list[Room]) -> str:
    # buildifier sorts labels of this package before those of others.
    def order(text: str) -> tuple[int, str]:
        return (
            0 if text.startswith(":") else 1 if text.startswith("//") else 2,
            text.replace(":", "!"),
        )

    parts = [
        "# The plugin as Bazel targets, for TensorFlow Serving's tree. "
        "Written by tools/build_file.py.\n",
        'load("@com_google_protobuf//bazel:cc_proto_library.bzl", "cc_proto_library")\n'
        'load("@com_google_protobuf//bazel:proto_library.bzl", "proto_library")\n'
        'load("@rules_cc//cc:defs.bzl", "cc_library")\n',
        'package(default_visibility = ["//visibility:public"])\n',
        'licenses(["notice"])\n',
    ]
    for room in rooms:
        for proto in room.protos:
            parts += render_proto(proto)
        folder = f"cpp/tfserving_remote/{room.name}/"
        rule = f'cc_library(\n    name = "{room.name}",\n'
        if room.sources:
            rule += f"    srcs = [\n{strings(room.sources, folder)}    ],\n"
        rule += f"    hdrs = [\n{strings(room.headers, folder)}    ],\n"
        rule += '    strip_include_prefix = "cpp",\n'
        if room.labels:
            rule += f"    deps = [\n{strings(sorted(room.labels, key=order))}    ],\n"
        parts.append(rule + ")\n")
    return "\n".join(parts)


def buildifier_objects(path: pathlib.Path) -> bool:
    search = f"{ROOT / 'build/go/bin'}{os.pathsep}{os.environ.get('PATH', '')}"
    binary = shutil.which("buildifier", path=search)
    if binary is None:
        return False
    return (
        subprocess.run([binary, "-mode=check", "-lint=warn", str(path)], check=False).returncode
        != 0
    )


def main() -> int:
    rooms = [room for name in PLUGIN_ROOMS if (room := read_room(name)) is not None]
    wanted = render(rooms)
    path = ROOT / "BUILD"
    if "--check" not in sys.argv[1:]:
        path.write_text(wanted, "utf-8")
        return 0
    found = path.read_text("utf-8")
    if found != wanted:
        sys.stdout.writelines(
            difflib.unified_diff(
                found.splitlines(True), wanted.splitlines(True), "BUILD", "what it should be"
            )
        )
        print("BUILD is out of date; run: python tools/build_file.py")
        return 1
    return 1 if buildifier_objects(path) else 0


if __name__ == "__main__":
    sys.exit(main())
