# SPDX-License-Identifier: Apache-2.0
"""Compare the plugin's two builds: every CMake library with its cc_library in `BUILD`.

Usage: check_build_parity.py

Both sides are read by what defines their language: CMakeLists.txt by CMake (list_libraries.cmake),
BUILD by a parser of Python, of which it is a subset. Sources and headers must be the same; so must
dependencies on other rooms; on others' code they are compared by family, since a label is a header
there and a library here. What is named of TensorFlow Serving must be one of its public targets.
`build_file.py` writes BUILD; this tool shares nothing with it, so that neither believes the other.
"""

import ast
import pathlib
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).parent.parent
FIRST_ROOM_BEYOND = "inference"

# Label (or its beginning) -> what DEPS in a CMakeLists.txt calls it.
FAMILIES = {
    "@boost//": "boost",
    "@boringssl//": "openssl",
    "@com_google_absl//": "absl",
    "@com_google_protobuf//": "protos",
    "@libarchive": "archive",
    "@net_zstd//": "zstd",
    "@nghttp2": "nghttp2",
    "@nlohmann_json_lib": "json",
    "@org_tensorflow//": "tensorflow",
    "@pugixml": "pugixml",
    "@zlib": "zlib",
    "//tensorflow_serving/": "serving_core",
}
# These come with others: absl with everything, generated messages with whatever uses them.
IMPLIED = {"absl", "protos"}

# Public targets of TensorFlow Serving that offer the headers of its C++ interface, by package.
UPSTREAM = {
    "apis": """
        get_model_metadata_cc_proto get_model_status_cc_proto model_cc_proto predict_cc_proto""",
    "config": """
        file_system_storage_path_source_cc_proto logging_config_cc_proto
        model_server_config_cc_proto platform_config_cc_proto""",
    "core": """
        aspired_version_policy aspired_versions_manager aspired_versions_manager_builder
        availability_preserving_policy caching_manager dynamic_source_router load_servables_fast
        loader log_collector manager manager_wrapper prefix_storage_path_source_adapter
        request_logger resource_preserving_policy servable_data servable_handle servable_id
        servable_state servable_state_monitor server_request_logger simple_loader source
        source_adapter source_router static_manager static_source_router storage_path target""",
    "model_servers": "model_platform_types platform_config_util server_core",
    "resources": "resource_tracker resource_util resource_values resources_cc_proto",
    "servables/hashmap": "hashmap_source_adapter",
    "servables/tensorflow": """
        bundle_factory_util saved_model_bundle_factory saved_model_bundle_source_adapter
        saved_model_bundle_source_adapter_cc_proto saved_model_warmup serving_session
        session_bundle_config_cc_proto simple_servers thread_pool_factory""",
    "sources/storage_path": "file_system_storage_path_source static_storage_path_source",
    "util": """
        any_ptr class_registration event_bus executor fast_read_dynamic_ptr file_probing_env hash
        inline_executor observer retrier status_util threadpool_executor unique_ptr_with_deps""",
}


@dataclass(frozen=True)
class Library:
    """Files are relative to the repository. `rooms` and `others` are dependencies."""

    sources: frozenset[str]
    headers: frozenset[str]
    rooms: frozenset[str]
    others: frozenset[str]


def plugin_rooms(readme: str) -> list[str]:
    """The rooms below the first that is no longer part of the plugin."""
    line = re.search(r"^layers: (.+)$", readme, re.MULTILINE)
    if line is None:
        raise SystemExit("cpp/README.md has no `layers:` line")
    rooms = [room.strip() for room in re.split("[<|]", line.group(1))]
    return rooms[: rooms.index(FIRST_ROOM_BEYOND)]


def read_cmake(room: str, rooms: list[str]) -> Library:
    folder = f"cpp/tfserving_remote/{room}"
    script = ROOT / "tools/list_libraries.cmake"
    answer = subprocess.run(
        ["cmake", f"-DLISTS={ROOT / folder / 'CMakeLists.txt'}", "-P", str(script)],
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(rf"^library {room}\|(.*)\|(.*)\|(.*)$", answer.stderr, re.MULTILINE)
    if answer.returncode != 0 or found is None:
        raise SystemExit(f"{folder}/CMakeLists.txt has no library {room}:\n{answer.stderr}")
    sources, headers, deps = (frozenset(filter(None, part.split(";"))) for part in found.groups())
    return Library(
        frozenset(f"{folder}/{file}" for file in sources),
        frozenset(f"{folder}/{file}" for file in headers),
        deps.intersection(rooms),
        deps.difference(rooms).difference(IMPLIED),
    )


def read_build(text: str) -> dict[str, tuple[Library, list[str]]]:
    """Every cc_library of a BUILD file, and the labels that it names."""
    rules: dict[str, tuple[Library, list[str]]] = {}
    for statement in ast.parse(text).body:
        call = statement.value if isinstance(statement, ast.Expr) else None
        if not isinstance(call, ast.Call) or ast.unparse(call.func) != "cc_library":
            continue
        fields = {word.arg: ast.literal_eval(word.value) for word in call.keywords if word.arg}
        labels: list[str] = fields.get("deps", [])
        rules[fields["name"]] = (
            Library(
                frozenset(fields.get("srcs", [])),
                frozenset(fields.get("hdrs", [])),
                frozenset(label[1:] for label in labels if _family(label) == ":"),
                frozenset(map(_family, labels)) - IMPLIED - {":"},
            ),
            labels,
        )
    return rules


def _family(label: str) -> str:
    if label.startswith(":"):
        return "protos" if label.endswith("_cc_proto") else ":"
    return next((name for start, name in FAMILIES.items() if label.startswith(start)), label)


def unknown_upstream(labels: list[str]) -> Iterator[str]:
    for label in labels:
        match = re.fullmatch(r"//tensorflow_serving/([\w/]+):(\w+)", label)
        if match and match.group(2) in UPSTREAM.get(match.group(1), "").split():
            continue
        if label.startswith("//"):
            yield f"{label} is no public target of TensorFlow Serving that this tool knows of"


def compare(cmake: Library, build: Library) -> Iterator[str]:
    pairs = {
        "source": (cmake.sources, build.sources),
        "header": (cmake.headers, build.headers),
        "room": (cmake.rooms, build.rooms),
        "dependency": (cmake.others, build.others),
    }
    for what, (here, there) in pairs.items():
        for name in sorted(here - there):
            yield f"{what} {name} is in CMakeLists.txt and not in BUILD"
        for name in sorted(there - here):
            yield f"{what} {name} is in BUILD and not in CMakeLists.txt"


def compare_protos(build: str, cmake: str, rooms: list[str]) -> Iterator[str]:
    """The messages of the plugin's rooms, which both builds generate by name."""
    pattern = rf"tfserving_remote/(?:{'|'.join(rooms)})/\w+\.proto"
    here, there = set(re.findall(pattern, cmake)), set(re.findall(pattern, build))
    for name in sorted(here ^ there):
        yield f"{name} is only in {'cmake/Protos.cmake' if name in here else 'BUILD'}"


def main() -> int:
    rooms = plugin_rooms((ROOT / "cpp/README.md").read_text("utf-8"))
    build_file = (ROOT / "BUILD").read_text("utf-8")
    rules = read_build(build_file)
    complaints = [f"{name}: is no room of the plugin" for name in sorted({*rules} - {*rooms})]
    protos = (ROOT / "cmake/Protos.cmake").read_text("utf-8")
    complaints += compare_protos(build_file, protos, rooms)
    for room in rooms:
        if room not in rules:
            complaints.append(f"{room}: has no cc_library in BUILD")
            continue
        build, labels = rules[room]
        found = [*compare(read_cmake(room, rooms), build), *unknown_upstream(labels)]
        complaints += [f"{room}: {complaint}" for complaint in found]
    for complaint in complaints:
        print(complaint)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
