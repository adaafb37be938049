# SPDX-License-Identifier: Apache-2.0
"""A stand-in for a checkout of TensorFlow Serving: the public headers that the plugin may include,
what they include, and nothing else of ours.
"""

import pathlib
import re

ROOT = pathlib.Path(__file__).parents[2]
CORE = ROOT / "cpp/serving_core"
INCLUDE = re.compile(r'^\s*#\s*include\s+"(tensorflow_serving/[^"]+)"', re.MULTILINE)

# Where our headers name light stand-ins, upstream's include TensorFlow's own headers.
NAMES = "tensorflow_serving/util/tensorflow_names.h"
TENSORFLOWS_OWN_NAMES = """\
#ifndef TENSORFLOW_SERVING_UTIL_TENSORFLOW_NAMES_H_
#define TENSORFLOW_SERVING_UTIL_TENSORFLOW_NAMES_H_
#include <cstdint>
#include "tensorflow/core/lib/core/status.h"
#include "tensorflow/core/platform/env.h"
#include "tensorflow/core/platform/types.h"
namespace tensorflow::serving::internal {
Env* DefaultEnv();
uint64_t NowMicros(Env* env);
}  // namespace tensorflow::serving::internal
#endif
"""


def public_headers() -> list[str]:
    line = re.search(
        r"^public core: (.+)$", (ROOT / "cpp/README.md").read_text("utf-8"), re.MULTILINE
    )
    assert line is not None
    return [f"tensorflow_serving/{header}" for header in line.group(1).split()]


def _write(path: pathlib.Path, text: str) -> None:
    """Left alone when nothing changed, so that nothing is compiled again."""
    if not path.exists() or path.read_text("utf-8") != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


def write_checkout(folder: pathlib.Path) -> None:
    wanted = public_headers()
    written = set()
    while wanted:
        header = wanted.pop()
        if header in written:
            continue
        written.add(header)
        if header.endswith(".pb.h"):
            proto = header.replace(".pb.h", ".proto")
            if (CORE / proto).exists():
                _write(folder / proto, (CORE / proto).read_text("utf-8"))
            continue
        text = TENSORFLOWS_OWN_NAMES if header == NAMES else (CORE / header).read_text("utf-8")
        _write(folder / header, text)
        wanted += INCLUDE.findall(text)
    for path in folder.rglob("*.h"):
        if path.relative_to(folder).as_posix() not in written:
            path.unlink()
