# SPDX-License-Identifier: Apache-2.0
"""Write TensorFlow Serving's wire definitions as one serialized FileDescriptorSet.

Usage: export_wire_descriptors.py OUTPUT [--list]

No `.proto` files ship in the wheels, but the generated Python modules carry the descriptors.
The set holds every file of `tensorflow_serving.apis` and `tensorflow_serving.config` with all
that they import, dependencies first, so that it can be fed to `protoc --descriptor_set_in` and
to a `DescriptorPool`; with them goes `saved_model.proto`, so that signatures can be read
without TensorFlow. `--list` prints the names of TensorFlow Serving's own files.
"""

import importlib
import importlib.util
import pathlib
import pkgutil
import sys
import types

from google.protobuf import descriptor, descriptor_pb2


def _stand_in_for_tensorflow() -> None:
    """Make `tensorflow.core.*_pb2` importable without TensorFlow's start-up of seconds."""
    spec = importlib.util.find_spec("tensorflow")
    if spec is None or spec.submodule_search_locations is None:
        raise SystemExit(
            "TensorFlow is not installed; install it with: pip install 'tensorflow~=2.21.0'"
        )
    package = types.ModuleType("tensorflow")
    package.__path__ = list(spec.submodule_search_locations)
    sys.modules["tensorflow"] = package


def _collect(
    file: descriptor.FileDescriptor, seen: dict[str, descriptor_pb2.FileDescriptorProto]
) -> None:
    if file.name in seen:
        return
    for dependency in file.dependencies:
        _collect(dependency, seen)
    proto = descriptor_pb2.FileDescriptorProto()
    file.CopyToProto(proto)
    seen[file.name] = proto


def main() -> None:
    output = pathlib.Path(sys.argv[1])
    _stand_in_for_tensorflow()
    seen: dict[str, descriptor_pb2.FileDescriptorProto] = {}
    own: list[str] = []
    for package_name in ("tensorflow_serving.apis", "tensorflow_serving.config"):
        package = importlib.import_module(package_name)
        for module in pkgutil.iter_modules(package.__path__):
            if module.name.endswith("_pb2"):
                file = importlib.import_module(f"{package_name}.{module.name}").DESCRIPTOR
                _collect(file, seen)
                own.append(file.name)
    _collect(importlib.import_module("tensorflow.core.protobuf.saved_model_pb2").DESCRIPTOR, seen)
    result = descriptor_pb2.FileDescriptorSet(file=seen.values())
    content = result.SerializeToString(deterministic=True)
    # Left alone when nothing changed: everything that is generated from it would be built again.
    if not output.exists() or output.read_bytes() != content:
        output.write_bytes(content)
    if "--list" in sys.argv[2:]:
        print(";".join(sorted(own)), end="")


if __name__ == "__main__":
    main()
