"""The first message of DTLS 1.2, to see whether anybody answers: an Electron's cloud speaks it (10.1).

Whoever speaks DTLS answers it, with a wish to see it again with a cookie, or with an alert. Nothing more is said here.
"""

from __future__ import annotations

RANDOM_BYTES = 32
_HANDSHAKE, _CLIENT_HELLO = 22, 1
_DTLS_1_2 = bytes.fromhex("fefd")
_AES_CCM_8 = bytes.fromhex("c0ae")  # ECDHE-ECDSA-AES128-CCM-8, the suite of small devices (RFC 7252, 9.1.3.2)
_EXTENSIONS = bytes.fromhex(
    "000a 0004 0002 0017"  # supported groups: secp256r1
    "000b 0002 01 00"  # point formats: uncompressed
    "000d 0004 0002 0403"  # signatures: ECDSA with SHA-256
    "0013 0002 01 02"  # the client's certificate: a raw public key
    "0014 0002 01 02"  # the server's: likewise
)


def client_hello(random: bytes) -> bytes:
    """Return one record with a ClientHello.

    Args:
        random: 32 bytes nobody can guess.

    Raises:
        ValueError: It has another length.
    """
    if len(random) != RANDOM_BYTES:
        raise ValueError(f"{len(random)} random bytes instead of {RANDOM_BYTES}")
    body = b"".join(
        (
            _DTLS_1_2,
            random,
            b"\0",  # no session
            b"\0",  # no cookie yet
            _sized(_AES_CCM_8, 2),
            _sized(b"\0", 1),  # no compression
            _sized(_EXTENSIONS, 2),
        )
    )
    length = len(body).to_bytes(3, "big")
    message = bytes([_CLIENT_HELLO]) + length + bytes(2) + bytes(3) + length + body  # number 0, in one piece
    return bytes([_HANDSHAKE]) + _DTLS_1_2 + bytes(8) + _sized(message, 2)  # epoch 0, record 0


def _sized(content: bytes, size: int) -> bytes:
    return len(content).to_bytes(size, "big") + content
