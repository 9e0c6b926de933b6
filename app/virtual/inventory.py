"""Which modules stand in a board's memories, and what its firmware says about them (device-protocol.md 5.3, 7)."""

from __future__ import annotations

from dataclasses import dataclass

from app.virtual.flash import F2_BASE
from app.virtual.images import CORE_INFO, F2_INFO, LETTERS, SYSTEM_PART, Module, read_module
from app.virtual.layout import CORE_APP, SPI_FACTORY, Slots, slots_of
from app.virtual.personality import Family, Kind

Cells = bytes | bytearray
CHECKED = 30  # `vc`: integrity 2, dependencies 4, range 8, platform 16 (5.3)
INTEGRITY, DEPENDENCIES = 2, 4


def part_at(internal: Cells, kind: Kind, index: int) -> Module | None:
    """Return what stands in the slot of the system part with that index; None where it is nothing plausible (7.2)."""
    offset = slots_of(kind).parts[index - 1]
    # The Electron's third part has its module info at the very beginning (7.1).
    info_at = 0 if index == 3 else F2_INFO
    module = read_module(internal, offset, info_at, kind.number)
    return module if module is not None and module.start == F2_BASE + offset else None


def boot_loader_at(internal: Cells, kind: Kind) -> Module | None:
    """Return the boot loader's module; None where it has none."""
    return read_module(internal, 0, F2_INFO, kind.number)


def user_at(internal: Cells, kind: Kind) -> Module | None:
    """Return the application; None where nothing plausible stands."""
    return read_module(internal, slots_of(kind).user, 0, kind.number)


def factory_at(internal: Cells, kind: Kind) -> Module | None:
    """Return the factory image; None where nothing plausible stands."""
    return read_module(internal, slots_of(kind).factory, 0, kind.number)


@dataclass(frozen=True, slots=True)
class Slot:
    """One slot as the firmware lists it.

    Attributes:
        store: `m` main or `f` factory.
        size: Bytes it holds.
        module: What stands there.
    """

    store: str
    size: int
    module: Module | None


def slots(kind: Kind, internal: Cells, spi: Cells) -> list[Slot]:
    """Return all slots of a board in the order in which the firmware lists them."""
    if kind.family is Family.F1:
        return [
            Slot("m", 0x1B000, read_module(internal, CORE_APP, CORE_INFO, kind.number)),
            Slot("f", 0x1B000, read_module(spi, SPI_FACTORY, CORE_INFO, kind.number)),
        ]
    places: Slots = slots_of(kind)
    found = [Slot("m", 16384, boot_loader_at(internal, kind))]
    found += [Slot("m", places.part_size, part_at(internal, kind, index)) for index in range(1, len(places.parts) + 1)]
    found.append(Slot("m", places.user_size, user_at(internal, kind)))
    found.append(Slot("f", places.user_size, factory_at(internal, kind)))
    return found


def listed(kind: Kind, internal: Cells, spi: Cells, *, leave_out_empty: bool) -> list[dict[str, object]]:
    """Return the module list of the console's `s`, read from the memories as they are."""
    found = slots(kind, internal, spi)
    installed = [slot.module for slot in found if slot.store == "m" and slot.module is not None]
    return [_entry(slot, installed) for slot in found if slot.module is not None or not leave_out_empty]


def meets(module: Module, installed: list[Module]) -> bool:
    """Whether everything a module needs is among the installed ones, whole and not too old (7.2)."""
    return all(
        function == 0
        or any(
            other.whole and (other.function, other.index) == (function, index) and other.version >= version
            for other in installed
        )
        for function, index, version in module.dependencies
    )


def _entry(slot: Slot, installed: list[Module]) -> dict[str, object]:
    """One entry of the module list (5.3)."""
    module = slot.module
    entry: dict[str, object] = {"s": slot.size, "l": slot.store, "vc": CHECKED, "vv": 0}
    if module is None:
        return entry | {"d": []}
    passed = CHECKED
    if not module.whole:
        passed -= INTEGRITY
    if not meets(module, installed):
        passed -= DEPENDENCIES
    entry["vv"] = passed
    letter = LETTERS[module.function]
    if letter == "u":
        entry["u"] = module.digest.hex().upper()
    entry |= {"f": letter, "n": str(module.index), "v": module.version}
    needed = [
        {"f": LETTERS.get(function, "n"), "n": str(index), "v": version, "_": ""}
        for function, index, version in module.dependencies
        if function
    ]
    return entry | {"d": needed}


@dataclass(frozen=True, slots=True)
class System:
    """What a Photon, P1 or Electron finds when its system firmware starts.

    Attributes:
        version: Module version of the part that decides what the firmware is (index 2); None where none can run.
        fits: Whether the application and the parts are whole and get what they need; else safe mode (7.2).
    """

    version: int | None
    fits: bool


def system_of(kind: Kind, internal: Cells) -> System:
    """Look at everything that is needed to run (7.2).

    The specification says nothing about a first part that runs without a whole second one (or, where the first
    two ask for it, a third): it is taken to crash, dark and without USB.
    """
    count = len(slots_of(kind).parts)
    parts = {index: part_at(internal, kind, index) for index in range(1, count + 1)}
    needed = {1, 2}
    for part in (parts[1], parts[2]):
        if part is not None:
            needed |= {index for function, index, _ in part.dependencies if function == SYSTEM_PART and index in parts}
    running = [
        part
        for index in sorted(needed)
        if (part := parts[index]) is not None and part.whole and (part.function, part.index) == (SYSTEM_PART, index)
    ]
    if len(running) < len(needed):
        return System(None, fits=False)
    boot_loader, user = boot_loader_at(internal, kind), user_at(internal, kind)
    installed = [module for module in (boot_loader, *running, user) if module is not None]
    fits = user is not None and user.whole and all(meets(module, installed) for module in (*running, user))
    return System(next(part.version for part in running if part.index == 2), fits)
