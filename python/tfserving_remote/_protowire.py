# SPDX-License-Identifier: Apache-2.0
"""The little of protobuf's wire format that moving large tensors without copies takes.

Generated messages copy every `bytes` field on the way in and out and hand out packed floats one
Python object at a time. These functions write a message as a list of buffers, joined once, and read
fields as views into the answer.
"""

from collections.abc import Iterator, Sequence

Buffer = bytes | memoryview

VARINT, FIXED64, DELIMITED, FIXED32 = 0, 1, 2, 5


class Malformed(ValueError):
    """The bytes are no protobuf message."""


def varint(number: int) -> bytes:
    """`number`, 0 to 2^64 - 1, as a varint."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def size_of(parts: Sequence[Buffer]) -> int:
    """Bytes in all parts together."""
    return sum(part.nbytes if isinstance(part, memoryview) else len(part) for part in parts)


def delimited(field: int, parts: Sequence[Buffer]) -> list[Buffer]:
    """A length-delimited field (string, bytes, message) whose content is `parts`, one after the
    other.
    """
    return [varint(field << 3 | DELIMITED) + varint(size_of(parts)), *parts]


def text(field: int, value: str) -> list[Buffer]:
    """A string field."""
    return delimited(field, [value.encode()])


def number(field: int, value: int) -> bytes:
    """An integer or enum field; negative numbers as int32 and int64 write them."""
    return varint(field << 3 | VARINT) + varint(value & 0xFFFF_FFFF_FFFF_FFFF)


def _read_varint(view: memoryview, at: int) -> tuple[int, int]:
    """The varint at `at` and where the next field begins."""
    result = 0
    for shift in range(0, 70, 7):
        if at >= len(view):
            break
        byte = view[at]
        at += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return result, at
    raise Malformed("a varint is cut off or too long")


def fields(view: memoryview) -> Iterator[tuple[int, int, int | memoryview]]:
    """Every field of a message in order: its number, wire type, and value (int for varints, else a
    view).

    Raises Malformed for bytes that are no message, and for groups, which no message here has.
    """
    at = 0
    while at < len(view):
        tag, at = _read_varint(view, at)
        kind = tag & 7
        if kind == VARINT:
            value, at = _read_varint(view, at)
            yield tag >> 3, kind, value
            continue
        if kind == DELIMITED:
            length, at = _read_varint(view, at)
        elif kind in (FIXED32, FIXED64):
            length = 4 if kind == FIXED32 else 8
        else:
            raise Malformed(f"wire type {kind} is not used in these messages")
        if length > len(view) - at:
            raise Malformed("a field is cut off")
        yield tag >> 3, kind, view[at : at + length]
        at += length
