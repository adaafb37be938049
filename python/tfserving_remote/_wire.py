# SPDX-License-Identifier: Apache-2.0
"""TensorFlow Serving's messages, from a DescriptorPool of our own.

The default pool of a process holds each message name once, and an imported `tensorflow` or
`tensorflow_serving` claims those names for its own copies. A private pool never clashes with them,
needs neither package, and works beside both. Messages are made at run time, so type checkers see
`Any`.
"""

import functools
import pathlib
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_DESCRIPTORS = pathlib.Path(__file__).with_name("_wire.binpb")


def _health() -> descriptor_pb2.FileDescriptorProto:
    """The gRPC health checking protocol; the numbers are those of grpc.health.v1."""
    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(
        name="grpc/health/v1/health.proto", package="grpc.health.v1", syntax="proto3"
    )
    request = file.message_type.add(name="HealthCheckRequest")
    request.field.add(name="service", number=1, type=field.TYPE_STRING, label=field.LABEL_OPTIONAL)
    response = file.message_type.add(name="HealthCheckResponse")
    status = response.enum_type.add(name="ServingStatus")
    for number, name in enumerate(("UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN")):
        status.value.add(name=name, number=number)
    response.field.add(
        name="status",
        number=1,
        type=field.TYPE_ENUM,
        type_name=".grpc.health.v1.HealthCheckResponse.ServingStatus",
        label=field.LABEL_OPTIONAL,
    )
    return file


@functools.cache
def pool() -> descriptor_pool.DescriptorPool:
    """The pool with every message of TensorFlow Serving's wire, `SavedModel` and gRPC's health
    check.
    """
    try:
        data = _DESCRIPTORS.read_bytes()
    except FileNotFoundError:
        raise ImportError(
            f"{_DESCRIPTORS} is missing, which the build makes; in a checkout run:"
            f" python tools/export_wire_descriptors.py {_DESCRIPTORS}"
        ) from None
    result = descriptor_pool.DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString(data).file:
        result.AddSerializedFile(file.SerializeToString())
    result.AddSerializedFile(_health().SerializeToString())
    return result


@functools.cache
def message(name: str) -> Any:
    """The class of the message with this full name, for example "tensorflow.TensorProto"."""
    return message_factory.GetMessageClass(pool().FindMessageTypeByName(name))


@functools.cache
def dtype_names() -> dict[int, str]:
    """`tensorflow.DataType`: its names ("DT_FLOAT") by number."""
    values = pool().FindEnumTypeByName("tensorflow.DataType").values
    return {value.number: value.name for value in values}
