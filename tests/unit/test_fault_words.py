from __future__ import annotations

import importlib
import pkgutil
import re
from collections import Counter

import pytest

import app
from app.faults import Fault

MODULES = sorted(found.name for found in pkgutil.iter_modules(app.__path__) if found.name.endswith("faults"))


def every_fault() -> list[type[Fault]]:
    modules = [importlib.import_module(f"app.{name}") for name in MODULES]
    found = {kind for module in modules for kind in vars(module).values() if isinstance(kind, type)}
    return sorted((kind for kind in found if issubclass(kind, Fault) and kind is not Fault), key=lambda kind: kind.code)


@pytest.mark.parametrize("kind", every_fault(), ids=lambda kind: kind.__name__)
def test_every_fault_says_what_happened_and_what_to_do(kind: type[Fault]) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*\.[a-z0-9]+(-[a-z0-9]+)*", kind.code)
    assert kind.__doc__
    for sentence in (kind.cause, kind.next_step):
        assert sentence.context.endswith("Faults")
        assert re.fullmatch(r"([A-Z]|\{[a-z_]+\}).*[.!?}]|\{[a-z_]+\}", sentence.source)
        assert re.sub(r"\{[a-z_]+\}", "", sentence.source).count("{") == 0


def test_no_two_faults_have_one_code() -> None:
    codes = Counter(kind.code for kind in every_fault())
    assert {"faults", "key_faults"} <= set(MODULES)
    assert [code for code, times in codes.items() if times > 1] == []
