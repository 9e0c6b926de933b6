"""The whole fuzz run: 200,000 mutated firmware images, the real ones too; prints what came of them.

Run by hand: `python tests/bench/fuzz_images.py [COUNT]`. It stops with a traceback at the first crash and at the first
image that is called fit and is not.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS.parent)]

from support.image_fuzz import fuzz  # noqa: E402
from support.image_maker import HOMES, WHOLE, make, make_legacy  # noqa: E402

from app import paths  # noqa: E402
from app.faults import ImageUnreadable  # noqa: E402
from app.firmware.image import parse  # noqa: E402
from app.firmware.pack import PACK, PackState, RescuePack  # noqa: E402

COUNT = 200_000
SEED = 3


def real_images() -> list[bytes]:
    """Return the images of the rescue pack that are there."""
    bundled = paths.bundled_pack()
    if bundled is None:
        return []
    pack = RescuePack(bundled)
    present = {item.file.name for item in pack.items() if item.state is PackState.PRESENT}
    found = []
    for file in PACK:
        if file.name not in present:
            continue
        content = pack.read(file.name)
        try:
            parse(content)
        except ImageUnreadable:  # keys, the flag, the licence
            continue
        found.append(content)
    return found


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    real = real_images()
    made = [make(recipe) for recipe in (*HOMES.values(), *WHOLE.values())] + [make_legacy()]
    print(f"{len(real)} real images, {len(made)} made ones")
    began = time.monotonic()
    outcome: Counter[str] = Counter()
    for kind, bases in (("real", real), ("made", made)):
        share = count // 2 if real else count * (kind == "made")
        outcome += fuzz(bases, share, SEED) if share else Counter()
    for what, number in sorted(outcome.items(), key=lambda row: -row[1]):
        print(f"{number:8d}  {what}")
    print(f"no crash, no false fit; {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
