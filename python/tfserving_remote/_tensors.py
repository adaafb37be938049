# SPDX-License-Identifier: Apache-2.0
"""numpy arrays to and from serialized `tensorflow.TensorProto`.

Arrays leave as `tensor_content`, a view of their own memory where they are contiguous and
little-endian. Answers come back as read-only views of the received bytes, whether the server wrote
`tensor_content` or packed typed fields; what has no such form (varints, strings, values left out at
the end) is read field by field.
"""

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tfserving_remote import _protowire as pw
from tfserving_remote import _wire
from tfserving_remote.errors import Internal, InvalidInput, MissingDependency

Array = npt.NDArray[Any]


class DType(NamedTuple):
    """How one `tensorflow.DataType` is written."""

    number: int
    # numpy's or ml_dtypes' name of it; "object" for strings.
    numpy: str
    # The typed field of TensorProto that holds its values.
    field: str


# Quantised types are read as the integers they are made of; numpy has no type that would be written
# as one.
_DTYPES = {
    entry.number: entry
    for entry in (
        DType(1, "float32", "float_val"),
        DType(2, "float64", "double_val"),
        DType(3, "int32", "int_val"),
        DType(4, "uint8", "int_val"),
        DType(5, "int16", "int_val"),
        DType(6, "int8", "int_val"),
        DType(7, "object", "string_val"),
        DType(8, "complex64", "scomplex_val"),
        DType(9, "int64", "int64_val"),
        DType(10, "bool", "bool_val"),
        DType(14, "bfloat16", "half_val"),
        DType(17, "uint16", "int_val"),
        DType(18, "complex128", "dcomplex_val"),
        DType(19, "float16", "half_val"),
        DType(22, "uint32", "uint32_val"),
        DType(23, "uint64", "uint64_val"),
        DType(24, "float8_e5m2", "float8_val"),
        DType(25, "float8_e4m3fn", "float8_val"),
        DType(26, "float8_e4m3fnuz", "float8_val"),
        DType(27, "float8_e4m3b11fnuz", "float8_val"),
        DType(28, "float8_e5m2fnuz", "float8_val"),
        DType(29, "int4", "int_val"),
        DType(30, "uint4", "int_val"),
        DType(31, "int2", "int_val"),
        DType(32, "uint2", "int_val"),
        DType(33, "float4_e2m1fn", "float8_val"),
    )
}
_NUMBER_BY_NUMPY = {entry.numpy: entry.number for entry in _DTYPES.values()}
_QUANTISED = {11: 6, 12: 4, 13: 3, 15: 5, 16: 17}  # DT_QINT8 is read as DT_INT8, and so on
_DT_STRING = 7

# TensorProto's field numbers.
_F_DTYPE, _F_SHAPE, _F_CONTENT, _F_STRING = 1, 2, 4, 8
# Typed fields whose packed wire form is the array's memory.
_PACKED_AS_MEMORY = {1: 5, 2: 6, 8: 9, 18: 12}


def _native(name: str) -> np.dtype[Any]:
    """The numpy dtype with this name; raises MissingDependency where numpy needs
    ml_dtypes for it.
    """
    try:
        return np.dtype(name)
    except TypeError:
        pass
    try:
        import ml_dtypes
    except ImportError:
        raise MissingDependency(
            f"numpy has no {name}; install it with: pip install ml_dtypes"
        ) from None
    try:
        native: np.dtype[Any] = np.dtype(getattr(ml_dtypes, name))
    except AttributeError:
        raise MissingDependency(
            f"this ml_dtypes has no {name}; upgrade it with: pip install -U ml_dtypes"
        ) from None
    return native


def numpy_dtype(dtype_name: str) -> np.dtype[Any]:
    """The numpy dtype of a `tensorflow.DataType` name ("DT_FLOAT"); `object` for DT_STRING.

    Raises InvalidInput for types without values (DT_RESOURCE) and MissingDependency without
    ml_dtypes.
    """
    for number, name in _wire.dtype_names().items():
        if name == dtype_name:
            entry = _DTYPES.get(_QUANTISED.get(number, number))
            if entry is not None:
                return _native(entry.numpy)
    raise InvalidInput(f"{dtype_name} has no numpy type")


# --- numpy to wire --------------------------------------------------------------------------------


def encode(name: str, value: npt.ArrayLike) -> list[pw.Buffer]:
    """Parts of a serialized TensorProto with `value`; `name` is the input's, for messages.

    An array keeps its dtype. Python numbers become what TensorFlow makes of them: float32, and
    int32 where they all fit, else int64. str is sent as UTF-8. The parts may be views of `value`:
    join them before it changes. Raises InvalidInput.
    """
    array = _as_array(name, value)
    if array.dtype.kind in "OSUT":
        return _header(_DT_STRING, array.shape) + _strings(name, array)
    number = _NUMBER_BY_NUMPY.get(array.dtype.name)
    if number is None:
        raise InvalidInput(f"input {name!r}: TensorFlow has no type for numpy's {array.dtype}")
    little = array.dtype.newbyteorder("<")
    flat = np.asarray(array, dtype=little, order="C").reshape(-1)
    content = flat.view(np.uint8).data if flat.size else memoryview(b"")
    return _header(number, array.shape) + pw.delimited(_F_CONTENT, [content])


def _as_array(name: str, value: npt.ArrayLike) -> Array:
    given = isinstance(value, np.ndarray | np.generic) or hasattr(value, "__array__")
    try:
        array = np.asarray(value)
        if not given and array.dtype.kind in "SU":
            # numpy would drop NUL bytes at the end of strings and turn numbers between them into
            # text.
            return np.asarray(value, dtype=object)
    except (ValueError, TypeError, OverflowError) as error:
        raise InvalidInput(
            f"input {name!r}: rows differ in length, or values in kind: {error}"
        ) from None
    if given:
        return array
    if array.dtype == np.float64:
        return array.astype(np.float32)
    if array.dtype == np.int64:
        small = array.astype(np.int32)
        return small if np.array_equal(small, array) else array
    return array


def _header(dtype: int, shape: tuple[int, ...]) -> list[pw.Buffer]:
    sizes = [part for size in shape for part in pw.delimited(2, [pw.number(1, size)])]
    return [pw.number(_F_DTYPE, dtype), *pw.delimited(_F_SHAPE, sizes)]


def _to_bytes(item: object, where: str) -> bytes:
    if isinstance(item, bytes):
        return item
    if isinstance(item, str):
        try:
            return item.encode()
        except UnicodeEncodeError as error:
            raise InvalidInput(f"{where}: {error}") from None
    hint = "; are all rows of one length?" if isinstance(item, list | tuple) else ""
    kind = type(item).__name__
    raise InvalidInput(f"{where}: {kind} is neither text, bytes nor a number{hint}")


def _strings(name: str, array: Array) -> list[pw.Buffer]:
    out: list[pw.Buffer] = []
    for index, item in enumerate(array.reshape(-1).tolist()):
        out += pw.delimited(_F_STRING, [_to_bytes(item, f"input {name!r}, element {index}")])
    return out


# --- wire to numpy --------------------------------------------------------------------------------


class _Unusual(Exception):
    """Legal, but not in the form that the short way reads."""


def decode(name: str, wire: memoryview) -> Array:
    """The array in a serialized TensorProto; `name` is the output's, for messages.

    Strings come as an object array of bytes. Numbers come as a read-only view of `wire` where
    memory permits. Raises Internal for a tensor that contradicts itself, MissingDependency for
    bfloat16 and the like without ml_dtypes.
    """
    try:
        try:
            array = _decode_view(wire)
        except _Unusual:
            array = _decode_message(_wire.message("tensorflow.TensorProto").FromString(wire))
    except MissingDependency as error:
        raise MissingDependency(f"output {name!r}: {error}") from None
    except Exception as error:
        raise Internal(f"output {name!r}: the server sent a broken tensor: {error}") from error
    array.flags.writeable = False
    return array


def _decode_view(wire: memoryview) -> Array:
    dtype = 0
    shape: tuple[int, ...] | None = None
    data: dict[int, memoryview] = {}
    for field, kind, value in pw.fields(wire):
        if field == _F_DTYPE and isinstance(value, int):
            dtype = value
        elif field == _F_SHAPE and isinstance(value, memoryview) and shape is None:
            shape = _read_shape(value)
        elif kind == pw.DELIMITED and isinstance(value, memoryview) and field not in data:
            data[field] = value
        else:
            raise _Unusual
    entry = _DTYPES.get(_QUANTISED.get(dtype, dtype))
    if entry is None or dtype == _DT_STRING or shape is None or len(data) != 1:
        raise _Unusual
    ((field, content),) = data.items()
    native = _native(entry.numpy)
    if field not in (_F_CONTENT, _PACKED_AS_MEMORY.get(dtype)):
        raise _Unusual
    if content.nbytes != math.prod(shape) * native.itemsize:
        raise _Unusual
    return _from_memory(content, native, shape)


def _from_memory(content: memoryview, native: np.dtype[Any], shape: tuple[int, ...]) -> Array:
    """A view where the bytes lie as numpy likes them, else a copy."""
    array = np.frombuffer(content, dtype=native.newbyteorder("<")).reshape(shape)
    if array.flags.aligned and array.dtype.isnative:
        return array
    return array.astype(native)


def _read_shape(view: memoryview) -> tuple[int, ...]:
    shape = []
    for field, _, dim in pw.fields(view):
        if field != 2 or not isinstance(dim, memoryview):
            raise _Unusual
        size = 0
        for number, _, value in pw.fields(dim):
            if number == 1 and isinstance(value, int):
                size = value
        if size >= 1 << 62:
            raise _Unusual
        shape.append(size)
    return tuple(shape)


def _decode_message(proto: Any) -> Array:
    """Every legal form of a TensorProto, one field at a time."""
    if proto.tensor_shape.unknown_rank or any(dim.size < 0 for dim in proto.tensor_shape.dim):
        raise ValueError("its shape is not known")
    shape = tuple(dim.size for dim in proto.tensor_shape.dim)
    entry = _DTYPES.get(_QUANTISED.get(proto.dtype, proto.dtype))
    if entry is None:
        type_name = _wire.dtype_names().get(proto.dtype, proto.dtype)
        raise ValueError(f"its type is {type_name}, which numpy cannot hold")
    native = _native(entry.numpy)
    if proto.tensor_content and proto.dtype != _DT_STRING:
        return _from_memory(memoryview(proto.tensor_content), native, shape)
    values = _READERS[entry.field](getattr(proto, entry.field), native)
    return _spread(values, math.prod(shape)).reshape(shape)


def _spread(values: Array, count: int) -> Array:
    """`count` values: the last one given stands for all that follow; none at all means zeros."""
    if len(values) == count:
        return values
    if len(values) > count:
        raise ValueError(f"it has {len(values)} values where its shape holds {count}")
    if len(values) == 0:
        if values.dtype == object:
            return np.full(count, b"", dtype=object)
        return np.zeros(count, dtype=values.dtype)
    result = np.empty(count, dtype=values.dtype)
    result[: len(values)] = values
    result[len(values) :] = values[-1]
    return result


def _read_numbers(field: Sequence[Any], native: np.dtype[Any], through: str | None = None) -> Array:
    return np.array(field, dtype=through or native).astype(native, copy=False)


def _read_bits(field: Sequence[int], native: np.dtype[Any]) -> Array:
    """16-bit floats, each as the integer with its bits."""
    return np.array(field, dtype=np.int32).astype(np.uint16).view(native)


def _read_pairs(field: Sequence[float], native: np.dtype[Any], part: str) -> Array:
    """Complex numbers as real and imaginary parts in turn."""
    return np.array(field, dtype=part).view(native)


def _read_bytes(field: bytes, native: np.dtype[Any]) -> Array:
    return np.frombuffer(field, dtype=native)


def _read_objects(field: Sequence[bytes], native: np.dtype[Any]) -> Array:
    result = np.empty(len(field), dtype=object)
    result[:] = list(field)
    return result


_READERS: dict[str, Callable[[Any, np.dtype[Any]], Array]] = {
    "float_val": _read_numbers,
    "double_val": _read_numbers,
    "int_val": functools.partial(_read_numbers, through="int32"),
    "int64_val": _read_numbers,
    "uint32_val": _read_numbers,
    "uint64_val": _read_numbers,
    "bool_val": _read_numbers,
    "half_val": _read_bits,
    "float8_val": _read_bytes,
    "scomplex_val": functools.partial(_read_pairs, part="float32"),
    "dcomplex_val": functools.partial(_read_pairs, part="float64"),
    "string_val": _read_objects,
}
