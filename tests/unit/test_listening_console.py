"""The listening console against the reply forms of device-protocol.md 5.2 and 5.3."""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.clock import FastClock
from support.every import examples
from support.scripted import ScriptedSerialPipe

from app.faults import BoardGone, BoardSilent, Cancelled, Fault, WrongAnswer
from app.protocols.listening import ConsoleIdentity, ListeningConsole
from app.protocols.modules import Dependency, ModuleCheck, ModuleFunction, ModuleReport, ModuleStore, parse_modules

ID = "53ff6f065067544840551187"
CORE_ID = f"Your core id is {ID}\r\n".encode()
PHOTON_MODULES = (
    b'{"p":6,"m":[{"s":16384,"l":"m","vc":30,"vv":30,"f":"b","n":"0","v":11,"d":[]},'
    b'{"s":262144,"l":"m","vc":30,"vv":30,"f":"s","n":"1","v":207,"d":[]},'
    b'{"s":262144,"l":"m","vc":30,"vv":26,"f":"s","n":"2","v":207,"d":[{"f":"s","n":"1","v":207,"_":""}]},'
    b'{"s":131072,"l":"m","vc":30,"vv":30,"u":"' + b"ab" * 32 + b'","f":"u","n":"1","v":4,'
    b'"d":[{"f":"s","n":"2","v":207,"_":""}]},{"s":131072,"l":"f","vc":30,"vv":0,"d":[]}]}\r\n'
)


Said = Iterable[bytes | float | Fault]


def console(first: bytes = b"", **replies: Said) -> tuple[ListeningConsole, ScriptedSerialPipe, FastClock]:
    clock = FastClock()
    pipe = ScriptedSerialPipe(clock, {key.encode(): said for key, said in replies.items()}, first)
    return ListeningConsole(pipe, clock), pipe, clock


def cut(data: bytes, places: Iterable[int]) -> list[bytes]:
    """Cut data into pieces at these places."""
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(edges) if start < end]


# --- identity -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["Your core id is", "Your device id is"])
def test_the_short_forms_tell_the_device_id(form: str) -> None:
    listening, pipe, _ = console(i=[f"{form} {ID}\r\n".encode()])
    assert listening.is_listening(within=1)
    assert listening.identity() == ConsoleIdentity(ID)
    assert pipe.sent == b"vii"


def test_an_electron_with_its_modem_off_is_given_its_time() -> None:
    answer = f"Device ID: {ID}\r\nIMEI: 353162070000000\r\nICCID: 8934076500002589174\r\n".encode()
    listening, _, _ = console(i=[18.0, answer])
    assert listening.identity() == ConsoleIdentity(ID, imei="353162070000000", iccid="8934076500002589174")


def test_a_modem_that_pauses_between_the_lines_loses_none_of_them() -> None:
    listening, _, _ = console(
        i=[f"Device ID: {ID}\r\n".encode(), 9.0, b"IMEI: 353162070000000\r\n", 5.0, b"ICCID: 8934\r\n"]
    )
    assert listening.identity() == ConsoleIdentity(ID, imei="353162070000000", iccid="8934")


@pytest.mark.parametrize("order", [(0, 1, 2, 3, 4), (4, 3, 2, 1, 0), (2, 0, 4, 1, 3)])
def test_details_may_come_in_any_order(order: tuple[int, ...]) -> None:
    lines = [
        b"Device Secret: ABCDEFGHIJKLMNO\r\n",
        b"Serial Number: E26HAB123\r\n",
        b"IMEI: 353162070000000\r\n",
        b"ICCID: 8934\r\n",
        b"Cell Radio Version: 08.70,A00.02\r\n",
    ]
    listening, _, _ = console(i=[f"Device ID: {ID}\r\n".encode(), *(lines[number] for number in order)])
    assert listening.identity() == ConsoleIdentity(ID, "E26HAB123", "353162070000000", "8934", "08.70,A00.02")


@given(st.lists(st.integers(0, 200), max_size=12))
def test_the_device_secret_is_dropped_at_the_door_however_it_is_cut(places: list[int]) -> None:
    answer = f"Device ID: {ID}\r\nDevice Secret: S3CR3TS3CR3TXYZ\r\nSerial Number: PH-1\r\n".encode()
    kept: list[bytes] = []

    class Watched(ListeningConsole):
        def _receive(self, within: float) -> int:
            count = super()._receive(within)
            kept.append(bytes(self._buffer))
            return count

    clock = FastClock()
    listening = Watched(ScriptedSerialPipe(clock, {b"i": cut(answer, places)}), clock)
    found = listening.identity()
    assert found == ConsoleIdentity(ID, serial_number="PH-1")
    assert "S3CR3T" not in repr(found)
    assert not any(b"S3CR3TS3CR3TXYZ" in seen or b"CR3T" in seen for seen in kept)


def test_silence_is_not_listening_and_ends_when_the_time_is_over() -> None:
    listening, pipe, clock = console()
    before = clock.now()
    assert not listening.is_listening(within=2)
    assert 2 <= clock.now() - before < 2.2
    assert listening.identity() is None
    assert clock.now() - before < 23
    assert pipe.sent == b"vii"


def test_firmware_of_2014_answers_after_a_loop_of_its_own() -> None:
    listening, _, _ = console(i=[0.25, *(bytes([byte]) for byte in CORE_ID)])
    assert listening.is_listening(within=1)


def test_an_echo_and_boot_noise_before_the_answer_do_no_harm() -> None:
    listening, _, _ = console(first=b"\x00\xff\xfeboot\r\n", i=[b"i\xf0\x9f" + CORE_ID])
    identity = listening.identity()
    assert identity is not None
    assert identity.device_id == ID


def test_an_electron_is_found_listening_without_waking_its_modem() -> None:
    listening, pipe, _ = console(v=[b"system firmware version: 0.6.2\n\r\n"], i=[18.0, CORE_ID])
    assert listening.is_listening(within=1)
    assert pipe.sent == b"v"


def test_an_answer_from_before_the_question_is_forgotten() -> None:
    listening, _, _ = console(first=CORE_ID)
    assert not listening.is_listening(within=1)


def test_upper_case_ids_become_lower_case() -> None:
    listening, _, _ = console(i=[CORE_ID.replace(ID.encode(), ID.upper().encode())])
    assert listening.identity() == ConsoleIdentity(ID)


@pytest.mark.parametrize("told", [ID[:-1], ID + "0", "x" * 24])
def test_what_is_no_device_id_is_not_taken_for_one(told: str) -> None:
    listening, _, _ = console(i=[f"Your core id is {told}\r\n".encode()])
    assert listening.identity() is None


@pytest.mark.parametrize("fault", [BoardGone(), BoardSilent()])
def test_faults_of_the_port_pass_through(fault: Fault) -> None:
    listening, _, _ = console(i=[b"Your co", fault])
    with pytest.raises(type(fault)):
        listening.identity()


def test_a_wish_to_stop_is_felt_while_waiting() -> None:
    clock = FastClock()
    end = clock.now() + 1

    def check() -> None:
        if clock.now() > end:
            raise Cancelled

    listening = ListeningConsole(ScriptedSerialPipe(clock, {}), clock, check)
    with pytest.raises(Cancelled):
        listening.identity()
    assert clock.now() < end + 0.2


def test_leaving_the_block_closes_the_port() -> None:
    listening, pipe, _ = console()
    with listening:
        assert not pipe.closed
    assert pipe.closed


# --- the short commands ---------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["Your core MAC address is", "Your device MAC address is"])
def test_the_mac_address_is_told(form: str) -> None:
    listening, _, _ = console(m=[f"{form}\r\n".encode(), b"6c:0b:84:", b"AA:11:22\r\n"])
    assert listening.mac() == "6c:0b:84:aa:11:22"


def test_the_version_ends_with_lf_and_crlf() -> None:
    listening, _, _ = console(v=[b"system firmware version: 0.7", b".0\n", b"\r\n"])
    assert listening.version() == "0.7.0"


@pytest.mark.parametrize(("told", "claimed"), [(b"yes", True), (b"no", False)])
def test_claimed_is_told(told: bytes, claimed: bool) -> None:
    listening, _, _ = console(c=[b"Device claimed: " + told + b"\r\n"])
    assert listening.claimed() is claimed


def test_firmware_that_knows_a_command_not_says_nothing_and_that_is_no_fault() -> None:
    listening, pipe, clock = console(i=[CORE_ID])
    before = clock.now()
    assert listening.mac() is None
    assert listening.version() is None
    assert listening.claimed() is None
    assert listening.modules() is None
    assert clock.now() - before < 12
    assert listening.is_listening(within=1)
    assert pipe.sent == b"mvcsvi"


# --- modules --------------------------------------------------------------------------------------------


def test_the_module_list_of_a_photon_is_read() -> None:
    listening, _, _ = console(s=[0.5, PHOTON_MODULES[:100], PHOTON_MODULES[100:]])
    report = listening.modules()
    assert report is not None
    assert report.platform == 6
    boot, _, part2, user, factory = report.modules
    assert (boot.function, boot.version, boot.size, boot.valid) == (ModuleFunction.BOOT_LOADER, 11, 16384, True)
    assert (part2.index, part2.valid) == (2, False)
    assert part2.checked & ~part2.passed == ModuleCheck.DEPENDENCIES
    assert part2.dependencies == (Dependency(ModuleFunction.SYSTEM, 1, 207),)
    assert user.user_hash == "ab" * 32
    assert (factory.function, factory.store) == (ModuleFunction.NONE, ModuleStore.FACTORY)
    assert (factory.version, factory.valid) == (None, False)


def test_the_form_without_outer_braces_is_the_same_list() -> None:
    bare = PHOTON_MODULES.strip()[1:-1]
    assert parse_modules(bare.decode()) == parse_modules(PHOTON_MODULES.decode())
    listening, _, _ = console(s=[bare + b"\r\n"])
    assert listening.modules() == parse_modules(PHOTON_MODULES.decode())


@pytest.mark.parametrize("told", [b"}\r\n", b"{}\r\n", b"s}\r\n"])
def test_an_empty_document_is_an_empty_list(told: bytes) -> None:
    listening, _, _ = console(s=[told])
    assert listening.modules() == ModuleReport(None, ())


@pytest.mark.parametrize(
    "told",
    [
        '{"p":10,"imei":"35","iccid":"89","m":[{"s":1,"l":"b","f":"s","n":"3","v":2,"d":[],"_":""}],"_":""}',
        '{"p":10,"m":[{"s":1,"l":"b","f":"s","n":"3","v":2,"d":["_":""]},"_":""]}',
        '{"p":10,"m":[{"s":1,"l":"b","f":"s","n":3,"v":"2","d":[{"_":""}],},],}',
    ],
)
def test_dummy_pairs_and_left_over_commas_are_no_trouble(told: str) -> None:
    (module,) = parse_modules(told).modules
    assert (module.function, module.index, module.version) == (ModuleFunction.SYSTEM, 3, 2)
    assert (module.store, module.dependencies) == (ModuleStore.BACKUP, ())


def test_a_garbled_list_is_asked_for_once_more() -> None:
    clock = FastClock()
    pipe = ScriptedSerialPipe(clock, {})
    answers = [b'{"p":6,"m":[\xff\xfe}\r\n', PHOTON_MODULES]
    write = pipe.write

    def say(data: bytes, timeout_ms: int) -> None:
        write(data, timeout_ms)
        pipe.waiting.append(answers.pop(0))

    pipe.write = say  # type: ignore[method-assign]
    assert ListeningConsole(pipe, clock).modules() == parse_modules(PHOTON_MODULES.decode())
    assert pipe.sent == b"ss"


def test_a_list_that_stays_garbled_is_a_wrong_answer() -> None:
    listening, _, _ = console(s=[b'{"p":6,"m":[}\r\n'])
    with pytest.raises(WrongAnswer):
        listening.modules()


@given(st.text(max_size=200))
def test_any_text_is_a_module_list_or_a_wrong_answer(told: str) -> None:
    try:
        report = parse_modules(told)
    except WrongAnswer:
        return
    assert isinstance(report, ModuleReport)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("pmslvfnduc_"), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["p", "m", "s"]), json_values))
def test_any_json_is_a_module_list_or_a_wrong_answer(document: dict[str, object]) -> None:

    try:
        report = parse_modules(json.dumps(document))
    except WrongAnswer:
        return
    assert all(isinstance(module.size, int) for module in report.modules)


# --- packets and garbage --------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 3000), max_size=30))
@settings(max_examples=examples(50))
def test_packet_boundaries_change_no_answer(places: list[int]) -> None:
    electron = f"Device ID: {ID}\r\nSerial Number: E1\r\nIMEI: 35\r\nICCID: 89\r\n".encode()
    listening, _, _ = console(
        i=cut(electron, places),
        m=cut(b"Your device MAC address is\r\n6c:0b:84:aa:11:22\r\n", places),
        v=cut(b"system firmware version: 2.3.1-rc.1\n\r\n", places),
        s=cut(PHOTON_MODULES, places),
        c=cut(b"Device claimed: no\r\n", places),
    )
    assert listening.identity() == ConsoleIdentity(ID, "E1", "35", "89")
    assert listening.mac() == "6c:0b:84:aa:11:22"
    assert listening.version() == "2.3.1-rc.1"
    assert listening.modules() == parse_modules(PHOTON_MODULES.decode())
    assert listening.claimed() is False


@given(st.lists(st.binary(min_size=1, max_size=40) | st.floats(0.0, 1.0), max_size=20))
@settings(max_examples=examples(50))
def test_garbage_never_crashes_and_always_ends(said: list[bytes | float]) -> None:
    listening, _, clock = console(first=b"\xff", i=said, m=said, v=said, c=said, s=said)
    before = clock.now()
    listening.identity()
    listening.mac()
    listening.version()
    listening.claimed()
    with contextlib.suppress(WrongAnswer):
        listening.modules()
    assert clock.now() - before < 90


def test_a_program_that_prints_without_end_is_not_listening() -> None:
    class Chatty(ScriptedSerialPipe):
        def read(self, timeout_ms: int) -> bytes:
            return b"sensor=17 " * 400

    clock = FastClock()
    listening = ListeningConsole(Chatty(clock, {}), clock)
    assert not listening.is_listening(within=1)
    assert listening.modules() is None


def test_a_pipe_that_returns_early_with_nothing_does_not_make_waiting_spin() -> None:
    class Hasty(ScriptedSerialPipe):
        reads = 0

        def read(self, timeout_ms: int) -> bytes:
            self.reads += 1
            return b""

    clock = FastClock()
    pipe = Hasty(clock, {})
    assert not ListeningConsole(pipe, clock).is_listening(within=1)
    assert pipe.reads < 25


# --- prompts --------------------------------------------------------------------------------------------


def test_a_line_is_typed_after_its_echo_and_ends_with_one_lf() -> None:
    listening, pipe, clock = console(a=[0.25, b"a"], b=[0.25, b"b"])
    before = clock.now()
    listening.answer_prompt("ab")
    assert pipe.sent == b"ab\n"
    assert clock.now() - before >= 0.5


def test_a_prompt_that_echoes_nothing_gets_its_line_all_the_same() -> None:
    listening, pipe, _ = console()
    listening.answer_prompt("wpa")
    assert pipe.sent == b"wpa\n"


@pytest.mark.parametrize("line", ["two\nlines", "caf\u00e9", "\x08"])
def test_what_no_prompt_could_take_is_not_sent(line: str) -> None:
    listening, pipe, _ = console()
    with pytest.raises(ValueError, match="printable ASCII"):
        listening.answer_prompt(line)
    assert pipe.sent == b""


# --- diagnostics ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "numbers"),
    [
        (b'{"a:b":12,"c":-1}\r\n', {"a:b": 12, "c": -1}),
        (b'{"err":-120}\r\n', {}),
        (b"{}\r\n", {}),
        (b'{"far":1e999,"name":"Attic"}\r\n', {}),
    ],
)
def test_diagnostics_are_numbers_by_name_and_an_error_is_none_of_them(said: bytes, numbers: dict[str, int]) -> None:
    listening, pipe, _ = console(d=[said])
    assert listening.diagnostics() == numbers
    assert pipe.sent == b"d"


def test_firmware_without_diagnostics_keeps_silent_and_noise_is_a_wrong_answer() -> None:
    assert console()[0].diagnostics() is None
    with pytest.raises(WrongAnswer):
        console(d=[b"{well}\r\n"])[0].diagnostics()
