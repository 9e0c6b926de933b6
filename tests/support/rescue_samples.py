"""Hand-made X-rays, plans and questions for tests of views: no board and no image is needed for them."""

from __future__ import annotations

from dataclasses import replace

from app.platforms.table import platform
from app.text import Text, text
from app.work.plan import Health, PlannedWrite, RescuePlan, SlotState, SlotView, Verdict, XRay
from app.work.questions import LightStage, Review, WatchLight

KB = 1024
PHOTON = platform("photon")
CORE = platform("core")

_WHAT: dict[str, tuple[SlotState, int, Text, Text | None, int | None]] = {
    "bootloader": (SlotState.GOOD, 15_872, text("Test", "Boot loader, 0.6.3"), None, 7),
    "eeprom": (SlotState.UNPROVEN, 0, text("Test", "Values the user firmware has stored"), None, None),
    "system-1": (SlotState.GOOD, 245_000, text("Test", "System part 1, 0.6.3"), None, 109),
    "system-2": (
        SlotState.DAMAGED,
        118_000,
        text("Test", "System part 2, 0.6.3"),
        text("Test", "Its checksum is wrong: a part of it was not written."),
        109,
    ),
    "user": (
        SlotState.MISFIT,
        4_096,
        text("Test", "User firmware"),
        text("Test", "It needs system part 2 of version 1213 or newer."),
        6,
    ),
    "ota": (SlotState.BLANK, 0, text("Test", "Empty"), None, None),
    "factory": (SlotState.UNKNOWN, 131_072, text("Test", "Bytes that are no image"), None, None),
    "dct": (
        SlotState.UNREADABLE,
        0,
        text("Test", "Settings and keys"),
        text("Test", "Works again after a reset."),
        None,
    ),
}


def slot_of(key: str) -> SlotView:
    """Return a slot of the Photon as a sick board could have it."""
    region = PHOTON.region(key)
    state, used, what, detail, version = _WHAT.get(
        key, (SlotState.KEPT, 0, text("Test", "keys and settings, not shown"), None, None)
    )
    sha256 = "5c" * 32 if state in (SlotState.GOOD, SlotState.DAMAGED) else ""
    return SlotView(key, region.name, region.alt, region.start, region.size, used, state, what, detail, version, sha256)


SICK = XRay(
    "photon",
    tuple(slot_of(region.key) for region in PHOTON.regions),
    Verdict(
        Health.OVER_USB,
        (text("Test", "System part 2 is damaged, so the board cannot start."),),
        ("restore-system", "no-such-recipe"),
    ),
)
SHORT = replace(SICK, slots=tuple(slot_of(key) for key in ("dct-copy-1", "system-2", "user", "dct")))
"""Few enough slots to be shown open."""
WELL = XRay("photon", (slot_of("bootloader"), slot_of("system-1")), Verdict(Health.NOTHING_WRONG))


def _write(key: str, title: Text, size: int, changed: int | None, why: Text, seconds: float) -> PlannedWrite:
    region = PHOTON.region(key)
    source = f"photon-{key}@2.2.0.bin"
    return PlannedWrite(title, key, region.name, region.alt, region.start, size, changed, why, source, seconds)


PLAN = RescuePlan(
    SICK,
    (
        _write(
            "ota",
            text("Test", "Boot loader, 2.2.0"),
            15_996,
            15_996,
            text("Test", "It goes to the download area first, because nothing may overwrite the running boot loader."),
            2.2,
        ),
        _write(
            "system-1",
            text("Test", "System part 1, 2.2.0"),
            250_112,
            61_440,
            text("Test", "System part 2 needs it, so it is written before it."),
            9.4,
        ),
        _write(
            "system-2", text("Test", "System part 2, 2.2.0"), 256_000, 256_000, text("Test", "It is damaged."), 11.7
        ),
        _write(
            "user",
            text("Test", "Tinker, 2.2.0"),
            6_332,
            None,
            text("Test", "The one on the board does not fit the new system. It comes last, when its system is there."),
            1.0,
        ),
        _write("factory", text("Test", "Tinker, 2.2.0"), 6_332, 0, text("Test", "For a factory reset."), 0.4),
    ),
    stays=(
        text("Test", "Keys, Wi-Fi networks and all other settings."),
        text("Test", "The memory of the user firmware."),
    ),
    needs=(text("Test", "A stored Wi-Fi network, for the last step. It can be entered later."),),
    warnings=(text("Test", "This is older than what is on the board now. Your own program may stop working."),),
    seconds=95.0,
)
REVIEW = Review(
    "plan",
    text("Test", "This is the plan"),
    text("Test", "Everything that is overwritten is kept first, so it can be put back."),
    PLAN,
    text("Test", "Write it now"),
    text("Test", "Not now"),
)
SHORT_REVIEW = replace(REVIEW, plan=replace(PLAN, xray=SHORT, warnings=()))
WATCH = WatchLight(
    "patching",
    text("Test", "Now the board works by itself"),
    text("Test", "Leave it plugged in and watch its light. It restarts a few times."),
    CORE,
    (
        LightStage("core-radio.deep-update", text("Test", "It patches its radio, in up to five attempts."), 40.0),
        LightStage("core-2014.ota", text("Test", "It takes over the new firmware."), 20.0),
        LightStage("core-2014.listening", text("Test", "It waits for a Wi-Fi network: done."), None),
    ),
    (
        ("done", text("Test", "It blinks blue now")),
        ("frozen", text("Test", "It has stood still for a minute")),
        ("dark", text("Test", "It is dark")),
        ("other", text("Test", "It does something else")),
    ),
)
