# SPDX-License-Identifier: Apache-2.0
"""Hold the C++ rooms to the layer line of cpp/README.md.

A room may include itself and the rooms to its left. Rooms joined by `|` are peers. Only tests
and `testing` include `testing`. Plugin rooms (up to `plugin`) include only the public headers
of serving_core. Sockets, TLS and HTTP/2 stay in `net`.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).parent.parent
PLUGIN_ENDS_WITH = "plugin"
INCLUDE = re.compile(r'^\s*#\s*include\s+[<"]([^">]+)[">]', re.MULTILINE)
# What only some rooms may see: header prefix -> rooms.
CONFINED = {
    "boost/": {"net", "testing"},
    "nghttp2/": {"net", "testing"},
    "openssl/ssl.h": {"net", "testing"},
    "archive": {"stream"},
    "pugixml": {"store"},
}


def read_layers(readme: str) -> tuple[dict[str, int], set[str]]:
    """The rank of each room, and the public headers of serving_core."""
    line = re.search(r"^layers: (.+)$", readme, re.MULTILINE)
    public = re.search(r"^public core: (.+)$", readme, re.MULTILINE)
    if line is None or public is None:
        raise SystemExit("cpp/README.md has no `layers:` or no `public core:` line")
    ranks = {
        room.strip(): rank
        for rank, peers in enumerate(line.group(1).split("<"))
        for room in peers.split("|")
    }
    return ranks, {f"tensorflow_serving/{header}" for header in public.group(1).split()}


def judge(room: str, is_test: bool, header: str, ranks: dict[str, int], public: set[str]) -> str:
    """Why a room must not include a header, or an empty string."""
    for prefix, rooms in CONFINED.items():
        if header.startswith(prefix) and room not in rooms:
            return f"only {', '.join(sorted(rooms))} may see {prefix}"
    if header.startswith("tensorflow_serving/"):
        if room == "serving_core" or room == "testing" or is_test:
            return ""
        if ranks[room] < ranks["stream"] and not header.endswith(".pb.h"):
            return "rooms before stream know nothing of serving_core"
        if ranks[room] <= ranks[PLUGIN_ENDS_WITH] and header not in public:
            return "not a public header of serving_core (cpp/README.md lists them)"
        return ""
    match = re.match(r"tfserving_remote/(\w+)/", header)
    if match is None or match.group(1) == room:
        return ""
    other = match.group(1)
    if room == "testing" or (is_test and other == "testing"):
        return ""
    if room == "serving_core":
        return "serving_core stands alone"
    if other not in ranks:
        return (
            f"{other} is no room that others may include"
            if other != "testing"
            else "only tests include testing"
        )
    if ranks[other] > ranks[room]:
        return f"{room} stands below {other}"
    if ranks[other] == ranks[room]:
        return f"{room} and {other} are peers"
    return ""


def main() -> int:
    ranks, public = read_layers((ROOT / "cpp/README.md").read_text("utf-8"))
    failures = 0
    for path in sorted((ROOT / "cpp").rglob("*")):
        if path.suffix not in (".h", ".cc"):
            continue
        parts = path.relative_to(ROOT / "cpp").parts
        room = parts[1] if parts[0] == "tfserving_remote" else parts[0]
        is_test = path.stem.endswith("_test")
        for header in INCLUDE.findall(path.read_text("utf-8")):
            if why := judge(room, is_test, header, ranks, public):
                print(f"{path.relative_to(ROOT)}: includes {header}: {why}")
                failures += 1
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
