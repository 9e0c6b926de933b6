"""The little of protobuf that the control requests of the firmware use: varints and fields with a length."""

from __future__ import annotations


def varint(value: int) -> bytes:
    """Encode a number; a negative one takes ten bytes (6.3)."""
    value %= 1 << 64
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*found, value))


def field(number: int, value: int | bytes) -> bytes:
    """Encode a field; a default value is not sent."""
    if not value:
        return b""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return message(number, value)


def message(number: int, body: bytes) -> bytes:
    """Encode a field that holds a message, which is sent even if it is empty."""
    return varint(number << 3 | 2) + varint(len(body)) + body


def read_fields(data: bytes) -> dict[int, int | bytes]:
    """Read all fields of a message; of one that comes twice the last.

    Raises:
        ValueError: The bytes are no message of these two kinds of fields.
    """
    found: dict[int, int | bytes] = {}
    at = 0
    while at < len(data):
        key, at = _read_varint(data, at)
        value, at = _read_varint(data, at)
        if key & 7 == 0:
            found[key >> 3] = value
        elif key & 7 == 2 and at + value <= len(data):
            found[key >> 3] = data[at : at + value]
            at += value
        else:
            raise ValueError("not a message")
    return found


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            break
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("a number without an end")
