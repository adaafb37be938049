# SPDX-License-Identifier: Apache-2.0
"""Typed signatures: what a model takes and gives, as a server, a SavedModel or a
manifest says it.
"""

import dataclasses
import pathlib
from collections.abc import Mapping
from typing import Any

from tfserving_remote import _wire
from tfserving_remote.errors import InvalidInput


@dataclasses.dataclass(frozen=True)
class TensorSpec:
    """Type and shape of one named input or output.

    `dtype` is the name of a `tensorflow.DataType`, "DT_FLOAT". `shape` has -1 for a dimension of
    any size and is None where not even the rank is known.
    """

    dtype: str
    shape: tuple[int, ...] | None

    def __str__(self) -> str:
        sizes = "any shape" if self.shape is None else str(list(self.shape))
        return f"{self.dtype.removeprefix('DT_').lower()} {sizes}"


@dataclasses.dataclass(frozen=True)
class Signature:
    """One way to call a model."""

    method_name: str
    inputs: Mapping[str, TensorSpec]
    outputs: Mapping[str, TensorSpec]

    def to_json(self) -> dict[str, Any]:
        """As the manifest holds it."""
        return {
            "method_name": self.method_name,
            "inputs": _specs_to_json(self.inputs),
            "outputs": _specs_to_json(self.outputs),
        }


def _specs_to_json(specs: Mapping[str, TensorSpec]) -> dict[str, Any]:
    return {
        name: {"dtype": spec.dtype, "shape": None if spec.shape is None else list(spec.shape)}
        for name, spec in specs.items()
    }


def _specs_from_proto(tensors: Any) -> dict[str, TensorSpec]:
    names = _wire.dtype_names()
    result = {}
    for alias in sorted(tensors):
        info = tensors[alias]
        shape = info.tensor_shape
        sizes = None if shape.unknown_rank else tuple(dim.size for dim in shape.dim)
        result[alias] = TensorSpec(names.get(info.dtype, f"DT_{info.dtype}"), sizes)
    return result


def from_proto(signature_defs: Any) -> dict[str, Signature]:
    """The signatures in a map of `tensorflow.SignatureDef`, sorted by name."""
    return {
        name: Signature(
            signature_defs[name].method_name,
            _specs_from_proto(signature_defs[name].inputs),
            _specs_from_proto(signature_defs[name].outputs),
        )
        for name in sorted(signature_defs)
    }


@dataclasses.dataclass(frozen=True)
class SavedModelInfo:
    """What `saved_model.pb` says of itself. `tensorflow_version` is None where it does not say."""

    tensorflow_version: str | None
    signatures: Mapping[str, Signature]


def read_saved_model(path: pathlib.Path) -> SavedModelInfo:
    """Read `saved_model.pb` without TensorFlow. Raises InvalidInput for a file that is none,
    OSError from reading.
    """
    from google.protobuf.message import DecodeError

    try:
        model = _wire.message("tensorflow.SavedModel").FromString(path.read_bytes())
    except DecodeError as error:
        raise InvalidInput(f"{path} is no SavedModel: {error}") from None
    graphs = list(model.meta_graphs)
    if not graphs:
        raise InvalidInput(f"{path} is no SavedModel: it holds no graph")
    # A server loads the one tagged "serve" and nothing else; other tags (tpu, gpu) come second.
    graph = min(graphs, key=lambda g: (_distance(g.meta_info_def.tags), list(g.meta_info_def.tags)))
    version = graph.meta_info_def.tensorflow_version or None
    return SavedModelInfo(version, from_proto(graph.signature_def))


def _distance(tags: Any) -> int:
    return len(tags) - 1 if "serve" in tags else 1000
