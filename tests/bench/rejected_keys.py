"""How many RSA keys with 1024 bits, encoded as OpenSSL encodes them, the boards' fixed-offset reader cannot use.

    python tests/bench/rejected_keys.py [keys, 10000 by default]

The keys come from the same OpenSSL code `openssl genrsa 1024` runs. The interval is Wilson's, 95 %.
"""

from __future__ import annotations

import math
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_der_private_key

from app.keys.device_key import KeyState, examine, firmware_form
from app.keys.new_key import draw
from app.platforms.model import Algorithm

Z = 1.96
NAMES = ("D", "P", "Q", "dP", "dQ", "qInv")
LEAST = (128, *(64,) * 5)


def short_numbers(der: bytes) -> list[str]:
    """The numbers whose length the firmware does not expect; read by other code than the program's."""
    key = load_der_private_key(der, None)
    assert isinstance(key, RSAPrivateKey)
    numbers = key.private_numbers()
    found = (numbers.d, numbers.p, numbers.q, numbers.dmp1, numbers.dmq1, numbers.iqmp)
    return [
        name
        for name, number, least in zip(NAMES, found, LEAST, strict=True)
        if number.bit_length() // 8 + 1 < least  # a bit in front is for the sign
    ]


def wilson(found: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a share."""
    share = found / of
    middle = (share + Z * Z / (2 * of)) / (1 + Z * Z / of)
    half = Z * math.sqrt(share * (1 - share) / of + Z * Z / (4 * of * of)) / (1 + Z * Z / of)
    return middle - half, middle + half


def main(keys: int) -> None:
    rejected = 0
    why: Counter[str] = Counter()
    for _ in range(keys):
        der = draw(Algorithm.RSA_1024)
        state = examine(der, Algorithm.RSA_1024).state
        short = short_numbers(der)
        why.update(short)
        assert state is (KeyState.UNUSABLE_BY_FIRMWARE if short else KeyState.GOOD)
        if short:
            rejected += 1
            assert examine(firmware_form(der), Algorithm.RSA_1024).state is KeyState.GOOD
    low, high = wilson(rejected, keys)
    print(
        f"{rejected} of {keys} keys rejected: {100 * rejected / keys:.2f} % "
        f"(95 %: {100 * low:.2f} to {100 * high:.2f} %); firmware_form saved every one of them"
    )
    print("too short: " + ", ".join(f"{name} in {count}" for name, count in sorted(why.items())))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
