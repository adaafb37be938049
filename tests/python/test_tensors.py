# SPDX-License-Identifier: Apache-2.0
"""Tensors on the wire, compared with TensorFlow's own make_tensor_proto and make_ndarray."""

import sys
from typing import Any

import hypothesis
import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import ml_dtypes
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2, types_pb2
from tfserving_remote import Internal, InvalidInput, MissingDependency, _tensors, _wire

_PLAIN = [
    "float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16",
    "uint32", "uint64", "bool", "complex64", "complex128",
]  # fmt: skip
_SMALL = [
    "bfloat16", "float8_e5m2", "float8_e4m3fn", "float8_e4m3fnuz", "float8_e4m3b11fnuz",
    "float8_e5m2fnuz", "int4", "uint4", "int2", "uint2", "float4_e2m1fn",
]  # fmt: skip
_SHAPES = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)


def _dtype(name: str) -> np.dtype[Any]:
    return np.dtype(name) if name in _PLAIN else np.dtype(getattr(ml_dtypes, name))


def _encode(value: Any) -> bytes:
    return b"".join(_tensors.encode("x", value))


def _decode(proto: Any) -> Any:
    return _tensors.decode("y", memoryview(proto.SerializeToString()))


def _assert_same(ours: Any, theirs: Any) -> None:
    assert ours.dtype == theirs.dtype
    assert ours.shape == theirs.shape
    assert ours.tobytes() == theirs.tobytes()  # Bits, so that NaN equals NaN.


@st.composite
def _arrays(draw: st.DrawFn, names: tuple[str, ...] = (*_PLAIN, *_SMALL)) -> Any:
    name = draw(st.sampled_from(names))
    if name in _PLAIN:
        return draw(hnp.arrays(np.dtype(name), _SHAPES))
    values = draw(hnp.arrays(np.int8, _SHAPES, elements=st.integers(-2, 3)))
    low = 0 if name.startswith("uint") else -1
    return np.clip(values, low, 1).astype(_dtype(name))


@hypothesis.given(_arrays())
def test_tensorflow_reads_what_we_write(array: Any) -> None:
    proto = tensor_pb2.TensorProto.FromString(_encode(array))
    # make_ndarray reads no empty array of some 8-bit floats, which we do write.
    hypothesis.assume(array.size or array.dtype.name in _PLAIN)
    _assert_same(tf.make_ndarray(proto), array)


@hypothesis.given(_arrays())
def test_we_read_what_tensorflow_writes(array: Any) -> None:
    try:
        proto = tf.make_tensor_proto(array)
    except TypeError:  # It writes no scalar of some 8-bit floats.
        hypothesis.reject()
    _assert_same(_decode(proto), array)


@hypothesis.given(_arrays(names=(*_PLAIN, "bfloat16")))
def test_we_read_what_the_runtime_writes_in_typed_fields(array: Any) -> None:
    tensor = tf.constant(array)
    proto = tensor_pb2.TensorProto.FromString(tf.io.serialize_tensor(tensor).numpy())
    _assert_same(_decode(proto), tensor.numpy())


@pytest.mark.parametrize("name", sorted({entry.field for entry in _tensors._DTYPES.values()}))
def test_every_typed_field_repeats_its_last_value(name: str) -> None:
    for entry in _tensors._DTYPES.values():
        if entry.field != name:
            continue
        proto = tensor_pb2.TensorProto(dtype=entry.number)
        proto.tensor_shape.dim.add(size=2)
        proto.tensor_shape.dim.add(size=3)
        values = {"string_val": [b"a", b"b"], "float8_val": b"\1\0"}
        pair = name in ("scomplex_val", "dcomplex_val")
        given = values.get(name, [1, 0, 0, 1] if pair else [1, 0])
        if name == "float8_val":
            proto.float8_val = b"\1\0"
        else:
            getattr(proto, name).extend(given)
        ours = _decode(proto)
        assert ours.shape == (2, 3)
        assert ours.ravel()[0] != ours.ravel()[1]
        assert (ours.ravel()[1:] == ours.ravel()[1]).all()
        if name != "float8_val":  # make_ndarray does not read that field.
            assert (ours == tf.make_ndarray(proto)).all()


def test_the_table_has_every_type_with_values() -> None:
    without = {"DT_INVALID", "DT_RESOURCE", "DT_VARIANT"}
    wanted = {n for n, i in types_pb2.DataType.items() if not n.endswith("_REF")} - without
    names = _wire.dtype_names()
    quantised = {names[number] for number in _tensors._QUANTISED}
    assert {names[number] for number in _tensors._DTYPES} | quantised == wanted
    for number in _tensors._DTYPES:
        if names[number] != "DT_STRING":
            ours = _tensors.numpy_dtype(names[number])
            assert ours == tf.dtypes.as_dtype(number).as_numpy_dtype


def test_quantised_types_are_read_as_integers() -> None:
    proto = tensor_pb2.TensorProto(dtype=types_pb2.DT_QUINT8, int_val=[3, 200])
    proto.tensor_shape.dim.add(size=2)
    _assert_same(_decode(proto), np.array([3, 200], np.uint8))


@pytest.mark.parametrize(
    "value",
    [
        "text", b"bytes", ["a", "ü", "\0"], [b"a\0", b"\0"], [["a", "b"], ["c", "d"]],
        np.array(["a", "bc"]), np.array([b"a", b"bc"]), np.array(["x", b"y"], object),
        np.array([], object), np.str_("s"),
    ],
)  # fmt: skip
def test_strings_become_bytes(value: Any) -> None:
    array = np.asarray(value, dtype=object)
    expected = [i.encode() if isinstance(i, str) else i for i in array.ravel().tolist()]
    proto = tensor_pb2.TensorProto.FromString(_encode(value))
    assert list(proto.string_val) == expected
    back = _decode(proto)
    assert back.dtype == object
    assert back.shape == array.shape
    assert back.ravel().tolist() == expected


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        (1.5, "float32"), ([1.5, 2], "float32"), (7, "int32"), ([[1, 2]], "int32"),
        ([2**40], "int64"),
        ([2**63], "uint64"), (True, "bool"), (1j, "complex128"), (np.float64(1), "float64"),
        (np.int64(1), "int64"), (np.array([1.0]), "float64"), (range(3), "int32"), ([], "float32"),
    ],
)  # fmt: skip
def test_python_numbers_become_what_tensorflow_makes_of_them(value: Any, dtype: str) -> None:
    proto = tensor_pb2.TensorProto.FromString(_encode(value))
    assert tf.make_ndarray(proto).dtype == dtype


@pytest.mark.parametrize("big_endian", [True, False])
def test_other_layouts_arrive_in_order(big_endian: bool) -> None:
    array = np.arange(24, dtype=">i4" if big_endian else "<i4").reshape(2, 3, 4).T[::2]
    back = tf.make_ndarray(tensor_pb2.TensorProto.FromString(_encode(array)))
    assert (back == array).all()


def test_a_contiguous_array_is_not_copied() -> None:
    array = np.zeros(1000, np.float32)
    content = _tensors.encode("x", array)[-1]
    assert np.shares_memory(np.frombuffer(content, np.uint8), array)


def test_aligned_answers_are_views() -> None:
    proto = tf.make_tensor_proto(np.arange(1000, dtype=np.float32))
    wire = proto.SerializeToString()
    shift = -wire.index(proto.tensor_content) % 4
    buffer = bytearray(shift) + wire
    view = memoryview(buffer)[shift:].toreadonly()
    ours = _tensors.decode("y", view)
    assert np.shares_memory(ours, np.frombuffer(buffer, np.uint8)) == (
        np.frombuffer(buffer, np.uint8).ctypes.data % 4 == 0
    )
    assert not ours.flags.writeable


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ([[1, 2], [3]], "rows differ"), ([["a"], ["b", "c"]], "rows differ"),
        (None, "element 0: NoneType"), (["a", 1], "element 1: int"),
        ([b"a", None], "element 1: NoneType"), (object(), "element 0: object"),
        (np.array(["2020-01-01"], "datetime64[D]"), "datetime64"),
        (np.longdouble(1), "longdouble|float128"),
        ("\udc80", "surrogates"), ([2**70], "element 0: int"), ({"a": 1}, "element 0: dict"),
    ],
)  # fmt: skip
def test_bad_input_is_named(value: Any, what: str) -> None:
    with pytest.raises(InvalidInput, match=f"input 'x'.*({what})"):
        _encode(value)


@hypothesis.given(st.binary(max_size=60))
def test_garbage_is_an_error_of_ours(wire: bytes) -> None:
    try:
        _tensors.decode("y", memoryview(wire))
    except Internal as error:
        assert "output 'y'" in str(error)


def test_bfloat16_without_ml_dtypes_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    # numpy knows the name once ml_dtypes has registered it, so only the look-up is replaced.
    wire = memoryview(tf.make_tensor_proto(np.ones(2, ml_dtypes.bfloat16)).SerializeToString())
    monkeypatch.setitem(sys.modules, "ml_dtypes", None)
    monkeypatch.setattr(np, "dtype", _dtype_without_extensions)
    with pytest.raises(MissingDependency, match=r"output 'y'.*pip install ml_dtypes"):
        _tensors.decode("y", wire)


def _dtype_without_extensions(name: str) -> None:
    raise TypeError(f"data type {name!r} not understood")
