from __future__ import annotations

import pytest
from support.image_fuzz import FalseFitError, fuzz
from support.image_maker import CORE_FIRMWARE, HOMES, WHOLE, make, make_legacy

from app.firmware import verdict
from app.firmware.verdict import Problem

BASES = [
    *(make(recipe.but(suffix=suffix, size=0x400)) for recipe in HOMES.values() for suffix in (36, 40, 0xFFFF)),
    *(make(recipe) for recipe in WHOLE.values()),
    make_legacy(),
    make_legacy(0x4000, seed=7),
]


def test_no_mutated_image_crashes_anything_or_is_called_fit_by_mistake() -> None:
    outcome = fuzz(BASES, 4000, seed=20261123)
    assert outcome["mutated"] == 4000
    assert outcome["judged misfit"] > 400
    assert outcome["refused: ImageDamaged"] > 400
    assert outcome["fits: whole, with a right checksum of its own"] > 0


@pytest.mark.parametrize("blind_to", ["corrupt", "wrong-board", "linked-elsewhere", "too-large", "other-slot"])
def test_the_fuzz_target_notices_a_verdict_that_is_blind(blind_to: str, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = verdict._problems

    def blind(*args: object) -> list[Problem]:
        return [problem for problem in honest(*args) if problem.code != blind_to]  # type: ignore[arg-type]

    monkeypatch.setattr(verdict, "_problems", blind)
    with pytest.raises(FalseFitError):
        fuzz([make(CORE_FIRMWARE), make(HOMES["photon", "user"])], 4000, seed=1)
