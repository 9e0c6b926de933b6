"""Reads and writes DER elements (X.690), as far as keys need them."""

from __future__ import annotations

INTEGER = 0x02  # X.690
BIT_STRING = 0x03
OCTET_STRING = 0x04
OBJECT = 0x06
SEQUENCE = 0x30
EC_PARAMETERS = 0xA0  # RFC 5915: [0] and [1] of ECPrivateKey
EC_PUBLIC_KEY = 0xA1

P256_OID = bytes.fromhex("06082a8648ce3d030107")  # RFC 5480, prime256v1


class DerError(Exception):
    """The bytes are not what is expected. It says nothing of them.

    Attributes:
        cut_short: Whether the element is longer than what there is.
    """

    def __init__(self, *, cut_short: bool = False) -> None:
        super().__init__("cut short" if cut_short else "another structure")
        self.cut_short = cut_short


class Reader:
    """Reads DER elements one after the other, definite and shortest lengths up to 65535 only."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._at = 0

    @property
    def at(self) -> int:
        """Where the next element begins."""
        return self._at

    @property
    def next_tag(self) -> int | None:
        """The tag of the next element; None at the end."""
        return self._raw[self._at] if self.more() else None

    def more(self) -> bool:
        """Whether anything is left."""
        return self._at < len(self._raw)

    def element(self, tag: int) -> bytes:
        """Return the content of the next element, which must have this tag.

        Raises:
            DerError: It has another tag or a length that is none, or it is cut short.
        """
        head = self._raw[self._at : self._at + 2]
        if len(head) < 2 or head[0] != tag:
            raise DerError
        start = self._at + 2
        length = head[1]
        if length & 0x80:
            count = length & 0x7F
            digits = self._raw[start : start + count]
            length = int.from_bytes(digits, "big")
            if count not in (1, 2) or len(digits) < count or length < (0x80 if count == 1 else 0x100):
                raise DerError
            start += count
        if start + length > len(self._raw):
            raise DerError(cut_short=True)
        self._at = start + length
        return self._raw[start : self._at]

    def integer(self) -> int:
        """Return the next INTEGER, taken as unsigned and with any zeros in front, as OpenSSL and the firmware do.

        Raises:
            DerError: The next element is no INTEGER.
        """
        content = self.element(INTEGER)
        if not content:
            raise DerError
        return int.from_bytes(content, "big")

    def end(self) -> None:
        """Insist that nothing is left.

        Raises:
            DerError: Something is.
        """
        if self.more():
            raise DerError


def encode(tag: int, content: bytes) -> bytes:
    """Return one element."""
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    digits = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(digits)]) + digits + content
