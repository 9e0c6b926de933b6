"""Reads a device's private key from a file made by anyone: this program, OpenSSL, or the Particle command line.

What is checked is everything `device_key.examine` checks; what is not a key says in which way it is none. A file is
recognised by what it holds, never by its name or by the words around it.
"""

from __future__ import annotations

import binascii
import codecs
import math
import re
import unicodedata
from dataclasses import dataclass, field, replace
from enum import Enum, unique
from typing import TYPE_CHECKING

from app.faults import Fault, WrongPassphrase
from app.key_faults import (
    KeyFileEncrypted,
    KeyFilePublic,
    KeyFileTooLong,
    KeyFileUnreadable,
    KeyFileUnusable,
    KeyFileWrongKind,
    KeyFileWrongPassphrase,
)
from app.keys.der import (
    BIT_STRING,
    EC_PARAMETERS,
    EC_PUBLIC_KEY,
    INTEGER,
    OBJECT,
    OCTET_STRING,
    P256_OID,
    SEQUENCE,
    DerError,
    Reader,
    encode,
)
from app.keys.device_key import (
    ERASED,
    FIRMWARE_EXPONENT,
    RSA_BITS,
    KeyReport,
    KeyState,
    examine,
    firmware_form,
)
from app.keys.passphrase import MAGIC, Passphrase
from app.platforms.model import Algorithm
from app.text import Text, text

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

MOST = 65_536
"""Bytes of the longest file that is looked at; a key in PEM has a few thousand at most."""

MOST_ITERATIONS = 1 << 24
"""How often a locked file may want its passphrase hashed; some seconds. OpenSSL does it 2048 times."""

MOST_SCRYPT = 1 << 21
"""The same for scrypt, its N times r times p: 256 MB. OpenSSL takes 2 ** 17."""

SCRYPT_OID = bytes.fromhex("060b2b06010401da47040b")  # RFC 7914
DEEPEST = 8
"""SEQUENCEs inside of each other in the parameters of a lock; four are usual."""

RSA_OID = bytes.fromhex("06092a864886f70d010101")  # RFC 8017, rsaEncryption
EC_OID = bytes.fromhex("06072a8648ce3d0201")  # RFC 5480, id-ecPublicKey
CURVES = {  # RFC 5480, SEC 2; only for words
    bytes.fromhex("06052b81040021"): "P-224",
    P256_OID: "P-256",
    bytes.fromhex("06052b81040022"): "P-384",
    bytes.fromhex("06052b81040023"): "P-521",
    bytes.fromhex("06052b8104000a"): "secp256k1",
}

_PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----[ \t]*\r?\n(.*?)-----END \1-----", re.DOTALL)
_PEM_START = b"-----BEGIN "
_PRIVATE = b"PRIVATE KEY"
_OPENSSH = b"OPENSSH PRIVATE KEY"
_OLD_LOCK = b"Proc-Type: 4,ENCRYPTED"  # RFC 1421
_PUBLIC = (b"PUBLIC KEY", b"CERTIFICATE", b"CERTIFICATE REQUEST")


@unique
class Form(Enum):
    """In which form a key stood in its file."""

    PKCS1_DER = "pkcs1-der"
    PKCS1_PEM = "pkcs1-pem"
    SEC1_DER = "sec1-der"
    SEC1_PEM = "sec1-pem"
    PKCS8_DER = "pkcs8-der"
    PKCS8_PEM = "pkcs8-pem"
    SLOT = "slot"  # the bytes of a slot, with whatever follows the key


_IN_PEM = {Form.PKCS1_DER: Form.PKCS1_PEM, Form.SEC1_DER: Form.SEC1_PEM, Form.PKCS8_DER: Form.PKCS8_PEM}

_EMPTY = text("Keys", "It is empty.")
_EMPTY_SLOT = text("Keys", "It is the copy of an empty key slot.")
_NO_KEY = text("Keys", "What it holds is not laid out like a key.")
_CUT_SHORT = text("Keys", "It is cut short: the key in it says it is longer.")
_PEM_BROKEN = text("Keys", "It begins like a PEM file, but is cut short or damaged.")
_SEVERAL = text("Keys", "It holds more than one private key, and nothing says which belongs to this board.")
_OF_OPENSSH = text("Keys", "It is a key of OpenSSH, and in a form of its own.")
_NO_CURVE = text("Keys", "The key does not say for which curve it is made.")
_OTHER_LOCK = text("Keys", "It is locked in a way, or holds a kind of key, that this program does not know.")
_DEAR_LOCK = text("Keys", "Opening its lock would take far too long.")
_KEY_RSA = text("Keys", "an RSA key of {bits} bits")
_KEY_EC = text("Keys", "an EC key for the curve {curve}")
_KEY_EC_OTHER = text("Keys", "an EC key for another curve")
_KEY_OTHER = text("Keys", "a key that is neither RSA nor EC")
_EXPONENT = text("Keys", "Its public exponent is not 65537.")
_PRIMES = text("Keys", "Its two primes are not of the same size.")


@dataclass(frozen=True, slots=True)
class KeyFile:
    """A key out of a file. Its repr shows nothing private.

    Attributes:
        form: How the key stood in the file.
        encrypted: Whether the file was locked with a passphrase.
        report: The report of `slot_der`; its state is always GOOD.
        slot_der: What to write to a board: the key as it stood in the file when the firmware can read that, else the
            same key in the board's own form. An EC key is always complete, with its curve and its public point.
        rewritten: Whether `slot_der` is another encoding of the key than the file's PKCS#1 or SEC1.
    """

    form: Form
    encrypted: bool
    report: KeyReport
    slot_der: bytes = field(repr=False)
    rewritten: bool = False


def read_key_file(content: bytes, algorithm: Algorithm, *, passphrase: str | None = None) -> KeyFile:
    """Read the private key in a file.

    Args:
        content: The file: PKCS#1, SEC1 or PKCS#8, in DER or PEM, locked or not; a key slot as it was read from a
            board, with whatever follows the key; or a container of the key safe (`app.keys.passphrase`).
        algorithm: What the board needs: `RSA_1024` or `EC_P256`.
        passphrase: Of the file, if it is locked; ignored otherwise.

    Raises:
        KeyFileUnreadable: It is no private key, or a damaged one.
        KeyFileTooLong: It is far longer than a key.
        KeyFilePublic: It is a public key.
        KeyFileEncrypted: It is locked, and no passphrase was given.
        KeyFileWrongPassphrase: The passphrase does not fit.
        KeyFileWrongKind: It is a key of another algorithm, size or curve.
        KeyFileUnusable: The firmware cannot use the key in any encoding.
        ValueError: No device has a private key of that algorithm.
    """
    if algorithm not in (Algorithm.RSA_1024, Algorithm.EC_P256):
        raise ValueError(f"no device key is {algorithm.value}")
    if len(content) > MOST:
        raise KeyFileTooLong(most=MOST)
    reading = _Reading(algorithm, passphrase)
    if content.startswith(MAGIC):
        return replace(reading.of_der(reading.unlocked(content)), encrypted=True)
    words = _as_bytes(content)
    if _PEM_START in words and not _is_der(content):
        return reading.of_pem(words)
    return reading.of_der(content)


class _Reading:
    """Reads one file for one kind of board."""

    def __init__(self, algorithm: Algorithm, passphrase: str | None) -> None:
        self._algorithm = algorithm
        self._passphrase = passphrase

    def of_pem(self, words: bytes) -> KeyFile:
        """Read a text file with one private key among whatever else."""
        blocks = [(found[1], found[2]) for found in _PEM.finditer(words)]
        private = [(label, body) for label, body in blocks if label.endswith(_PRIVATE)]
        if len(private) > 1:
            raise KeyFileUnreadable(reason=_SEVERAL)
        if not private:
            if any(label.endswith(_PUBLIC) for label, _ in blocks):
                raise KeyFilePublic
            raise KeyFileUnreadable(reason=_PEM_BROKEN)
        label, body = private[0]
        if label == _OPENSSH:
            raise KeyFileUnreadable(reason=_OF_OPENSSH)
        if _OLD_LOCK in body:
            # The words are put together anew: spaces and line ends differ between the systems they were made on.
            lines = [b"-----BEGIN " + label + b"-----", *body.splitlines(), b"-----END " + label + b"-----"]
            found = self.of_der(self._opened(b"\n".join(line.strip() for line in lines) + b"\n", in_pem=True))
            return replace(found, form=_IN_PEM.get(found.form, found.form), encrypted=True)
        try:
            der = binascii.a2b_base64(b"".join(body.split()), strict_mode=True)
        except binascii.Error:
            raise KeyFileUnreadable(reason=_PEM_BROKEN) from None
        found = self.of_der(der)
        return replace(found, form=_IN_PEM.get(found.form, found.form))

    def of_der(self, raw: bytes) -> KeyFile:
        """Read DER, or the bytes of a slot."""
        if not raw.strip():
            raise KeyFileUnreadable(reason=_EMPTY)
        if raw[0] == ERASED or not raw.strip(b"\x00"):
            raise KeyFileUnreadable(reason=_EMPTY_SLOT)
        try:
            return self._of_structure(raw)
        except DerError as found:
            raise KeyFileUnreadable(reason=_CUT_SHORT if found.cut_short else _NO_KEY) from None

    def unlocked(self, container: bytes) -> bytes:
        """Open a container of the key safe."""
        if not self._passphrase:
            raise KeyFileEncrypted
        try:
            return Passphrase(self._passphrase).open(container)
        except (WrongPassphrase, ValueError):
            raise KeyFileWrongPassphrase from None

    def _of_structure(self, raw: bytes) -> KeyFile:
        """Tell by the first elements which kind of structure it is, and read that."""
        outer = Reader(raw)
        inside = outer.element(SEQUENCE)
        der = raw[: outer.at]
        inner = Reader(inside)
        if inner.next_tag == SEQUENCE:
            inner.element(SEQUENCE)
            if inner.next_tag == OCTET_STRING:
                return self._locked_pkcs8(der)
            if inner.next_tag in (BIT_STRING, SEQUENCE):  # SPKI; a certificate, or a request for one
                raise KeyFilePublic
            raise DerError
        inner.element(INTEGER)
        if inner.next_tag == SEQUENCE:
            return self._pkcs8(inner)
        if inner.next_tag == OCTET_STRING:
            return self._ec(der, Form.SEC1_DER if der == raw else Form.SLOT)
        return self._rsa(der, Form.PKCS1_DER if der == raw else Form.SLOT)

    def _rsa(self, der: bytes, form: Form) -> KeyFile:
        """Read PKCS#1."""
        inner = Reader(Reader(der).element(SEQUENCE))
        numbers = []
        while inner.next_tag == INTEGER:
            numbers.append(inner.integer())
        inner.end()
        if len(numbers) == 2:  # RFC 8017, RSAPublicKey
            raise KeyFilePublic
        if len(numbers) == 6:  # what OpenSSL writes for DSA
            raise self._wrong_kind(_KEY_OTHER)
        if len(numbers) != 9:
            raise DerError
        _, n, e, *_ = numbers
        if self._algorithm is not Algorithm.RSA_1024 or n.bit_length() != RSA_BITS:
            raise self._wrong_kind(_KEY_RSA.with_values(bits=n.bit_length()))
        report = examine(der, Algorithm.RSA_1024)
        if report.state is KeyState.UNUSABLE_BY_FIRMWARE:
            try:
                rewritten = firmware_form(der)
            except ValueError:
                raise KeyFileUnusable(reason=_PRIMES if e == FIRMWARE_EXPONENT else _EXPONENT) from None
            return self._good(form, der, rewritten)
        self._insist_on_a_key(report)
        return self._good(form, der, der)

    def _ec(self, der: bytes, form: Form) -> KeyFile:
        """Read SEC1."""
        inner = Reader(Reader(der).element(SEQUENCE))
        inner.element(INTEGER)
        inner.element(OCTET_STRING)
        if inner.next_tag != EC_PARAMETERS:
            raise KeyFileUnreadable(reason=_NO_CURVE)
        self._insist_on_p256(inner.element(EC_PARAMETERS))
        report = examine(der, Algorithm.EC_P256)
        self._insist_on_a_key(report)
        assert report.canonical_der is not None
        # Whether a board finds its point for itself, or takes it apart when it is compressed, nobody has written down.
        return self._good(form, der, report.canonical_der)

    def _pkcs8(self, inner: Reader) -> KeyFile:
        """Read what follows the version of `PrivateKeyInfo` (RFC 5958)."""
        kind = inner.element(SEQUENCE)
        algorithm = Reader(kind)
        name = encode(OBJECT, algorithm.element(OBJECT))
        if inner.next_tag != OCTET_STRING:
            raise DerError
        key = inner.element(OCTET_STRING)
        if name == RSA_OID:
            _only_element(key)
            return replace(self._rsa(key, Form.PKCS8_DER), form=Form.PKCS8_DER)
        if name == EC_OID:
            self._insist_on_p256(kind[algorithm.at :])
            return self._ec(_with_curve(key), Form.PKCS8_DER)
        raise self._wrong_kind(_KEY_OTHER)

    def _locked_pkcs8(self, der: bytes) -> KeyFile:
        """Read `EncryptedPrivateKeyInfo` (RFC 5958)."""
        lock = Reader(Reader(der).element(SEQUENCE)).element(SEQUENCE)
        if _is_dear(lock):
            raise KeyFileUnreadable(reason=_DEAR_LOCK)
        return replace(self.of_der(self._opened(der, in_pem=False)), form=Form.PKCS8_DER, encrypted=True)

    def _opened(self, locked: bytes, *, in_pem: bool) -> bytes:
        """Open a locked file with the passphrase and return its key as PKCS#1 or SEC1."""
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.serialization import load_der_private_key, load_pem_private_key

        if not self._passphrase:
            raise KeyFileEncrypted
        load = load_pem_private_key if in_pem else load_der_private_key
        fault: Fault = KeyFileWrongPassphrase()
        # Other programs took the bytes as they were typed, whatever form an accent had.
        for words in dict.fromkeys((self._passphrase, unicodedata.normalize("NFC", self._passphrase))):
            try:
                # What the key is worth is judged by `examine`.
                key = load(locked, words.encode(), unsafe_skip_rsa_key_validation=True)
            except UnsupportedAlgorithm:
                fault = KeyFileUnreadable(reason=_OTHER_LOCK)
            except (ValueError, TypeError) as error:
                # A wrong passphrase gives noise, which may look like anything; only a lock is known for certain.
                if "unknown" in str(error).lower():
                    fault = KeyFileUnreadable(reason=_OTHER_LOCK)
            else:
                return self._plain(key)
        raise fault

    def _plain(self, key: PrivateKeyTypes) -> bytes:
        from cryptography.hazmat.primitives.asymmetric import ec, rsa
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

        if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
            raise self._wrong_kind(_KEY_OTHER)
        return key.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())

    def _good(self, form: Form, der: bytes, slot_der: bytes) -> KeyFile:
        report = examine(slot_der, self._algorithm)
        assert report.state is KeyState.GOOD
        return KeyFile(form, encrypted=False, report=report, slot_der=slot_der, rewritten=slot_der != der)

    def _insist_on_a_key(self, report: KeyReport) -> None:
        if report.state is not KeyState.GOOD:
            raise KeyFileUnreadable(reason=report.problems[0])

    def _insist_on_p256(self, curve: bytes) -> None:
        """Insist on the curve's name; one that is spelled out is none OpenSSL makes unasked."""
        if curve != P256_OID:
            name = CURVES.get(curve)
            raise self._wrong_kind(_KEY_EC_OTHER if name is None else _KEY_EC.with_values(curve=name))
        if self._algorithm is not Algorithm.EC_P256:
            raise self._wrong_kind(_KEY_EC.with_values(curve=CURVES[P256_OID]))

    def _wrong_kind(self, found: Text) -> KeyFileWrongKind:
        if self._algorithm is Algorithm.RSA_1024:
            return KeyFileWrongKind(found=found, needed=_KEY_RSA.with_values(bits=RSA_BITS))
        return KeyFileWrongKind(found=found, needed=_KEY_EC.with_values(curve=CURVES[P256_OID]))


def _as_bytes(content: bytes) -> bytes:
    """Return a text file in one byte a letter: what a Windows console writes into a file has two."""
    for mark, encoding in ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")):
        if content.startswith(mark):
            return content[len(mark) :].decode(encoding, errors="replace").encode("ascii", errors="replace")
    return content


def _is_der(content: bytes) -> bool:
    """Whether it begins with a whole SEQUENCE; old data behind a key may look like anything."""
    try:
        Reader(content).element(SEQUENCE)
    except DerError:
        return False
    return True


def _only_element(der: bytes) -> None:
    reader = Reader(der)
    reader.element(SEQUENCE)
    reader.end()


def _with_curve(der: bytes) -> bytes:
    """Return SEC1 with its curve, which PKCS#8 says outside of it."""
    _only_element(der)
    inner = Reader(Reader(der).element(SEQUENCE))
    found = encode(INTEGER, inner.element(INTEGER)) + encode(OCTET_STRING, inner.element(OCTET_STRING))
    curve = inner.element(EC_PARAMETERS) if inner.next_tag == EC_PARAMETERS else P256_OID
    found += encode(EC_PARAMETERS, curve)
    if inner.more():
        found += encode(EC_PUBLIC_KEY, inner.element(EC_PUBLIC_KEY))
    inner.end()
    return encode(SEQUENCE, found)


def _is_dear(lock: bytes) -> bool:
    """Whether opening a lock with these parameters would take too long, or too much memory."""
    numbers = _numbers(lock)
    if SCRYPT_OID in lock:
        return math.prod(numbers[:3]) > MOST_SCRYPT
    return max(numbers, default=0) > MOST_ITERATIONS


def _numbers(parameters: bytes, depth: int = 0) -> list[int]:
    """Return every INTEGER in the parameters of a lock."""
    if depth > DEEPEST:
        raise DerError
    reader = Reader(parameters)
    found = []
    while reader.next_tag is not None:
        tag = reader.next_tag
        if tag == INTEGER:
            found.append(reader.integer())
        else:
            content = reader.element(tag)
            if tag == SEQUENCE:
                found += _numbers(content, depth + 1)
    return found
