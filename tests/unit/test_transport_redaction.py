from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.transports.redaction import ControlRedaction, SerialRedaction

DNLOAD = (0x21, 1)
UPLOAD = (0xA1, 2)


def shown_answer(request_type: int, request: int, value: int, index: int, data: bytes) -> bool:
    return ControlRedaction().answer(request_type, request, value, index, data)


def shown_out(request_type: int, request: int, value: int, index: int, data: bytes) -> bool:
    return ControlRedaction().out(request_type, request, value, index, data)


def test_memory_read_and_written_in_dfu_is_secret() -> None:
    for block in (1, 2, 3, 700):
        assert not shown_answer(*UPLOAD, block, 0, b"key")
        assert not shown_out(*DNLOAD, block, 0, b"key")


@pytest.mark.parametrize("command", ["2100200000", "4100200000", "41", "92", "00"])
def test_dfu_commands_are_shown(command: str) -> None:
    assert shown_out(*DNLOAD, 0, 0, bytes.fromhex(command))


@pytest.mark.parametrize("data", [b"secret", b"\x21" + bytes(5), b"\x30\x82\x02"])
def test_what_is_no_dfu_command_is_secret(data: bytes) -> None:
    assert not shown_out(*DNLOAD, 0, 0, data)


def test_the_list_of_dfu_commands_is_shown_and_other_bytes_in_its_place_are_not() -> None:
    assert shown_answer(*UPLOAD, 0, 0, bytes.fromhex("002141"))
    assert not shown_answer(*UPLOAD, 0, 0, bytes.fromhex("00214130"))


def test_dfu_states_descriptors_and_line_codings_are_shown() -> None:
    assert shown_answer(0xA1, 3, 0, 0, bytes(6))
    assert shown_answer(0xA1, 5, 0, 0, bytes(1))
    assert shown_answer(0x80, 6, 0x0301, 0x0409, b"text")
    assert shown_out(0x21, 0x20, 0, 0, bytes(7))


def test_memory_that_is_known_harmless_is_shown_at_its_very_address_only() -> None:
    asked: list[tuple[int, int, int]] = []

    def harmless(alt: int, address: int, length: int) -> bool:
        asked.append((alt, address, length))
        return alt == 1 and address >= 3618 and address + length <= 3630

    redaction = ControlRedaction(harmless)
    redaction.select_alt(1)
    assert not redaction.answer(*UPLOAD, 2, 0, bytes(12))
    redaction.out(*DNLOAD, 0, 0, b"\x21" + (3618).to_bytes(4, "little"))
    assert redaction.answer(*UPLOAD, 2, 0, bytes(12))
    assert not redaction.answer(*UPLOAD, 2, 0, bytes(64))
    assert not redaction.answer(*UPLOAD, 3, 0, bytes(12))
    redaction.out(*DNLOAD, 0, 0, b"\x21" + (34).to_bytes(4, "little"))
    assert not redaction.answer(*UPLOAD, 2, 0, bytes(12))
    assert asked == [(1, 3618, 12), (1, 3618, 64), (1, 34, 12)]


@pytest.mark.parametrize(("kind", "shown"), [(20, True), (21, True), (30, True), (72, True), (90, True), (10, False)])
def test_raw_requests_show_identity_only(kind: int, shown: bool) -> None:
    assert shown_answer(0xC0, 0x50, 0, kind, b"answer") is shown
    assert not shown_out(0x40, 0x50, 0, kind, b"payload")


def init_reply(identifier: int) -> bytes:
    return (3).to_bytes(4, "little") + bytes(2) + identifier.to_bytes(2, "little")


@pytest.mark.parametrize(
    ("kind", "shown"),
    [(20, True), (30, True), (90, True), (113, False), (200, False), (210, False), (211, False), (10, False)],
)
def test_payloads_of_the_request_channel_follow_their_type(kind: int, shown: bool) -> None:
    redaction = ControlRedaction()
    assert redaction.answer(0xC0, 1, 9, kind, init_reply(7))
    assert redaction.out(0x40, 3, 0, 7, b"payload") is shown
    assert redaction.answer(0xC0, 4, 0, 7, b"payload") is shown
    assert redaction.answer(0xC0, 2, 0, 7, bytes(16))


def test_an_identifier_that_is_used_again_has_its_new_type() -> None:
    redaction = ControlRedaction()
    redaction.answer(0xC0, 1, 0, 20, init_reply(1))
    redaction.answer(0xC0, 1, 9, 113, init_reply(1))
    assert not redaction.out(0x40, 3, 0, 1, b"password")


def test_payloads_of_requests_nobody_saw_begin_are_secret() -> None:
    assert not shown_out(0x40, 3, 0, 1, b"payload")
    assert not shown_answer(0xC0, 4, 0, 1, b"payload")


@given(st.integers(0, 255), st.integers(0, 255), st.integers(0, 65535), st.integers(0, 65535))
def test_a_whole_key_is_shown_for_no_class_or_vendor_request(kind: int, request: int, value: int, index: int) -> None:
    redaction = ControlRedaction()
    key = bytes(range(0x30, 0x30 + 121))
    if kind >> 5 & 3 == 0 or request in (0x20, 0x21, 3, 5) or (request == 0x50 and index in (20, 21, 30, 72, 90)):
        return
    assert not redaction.out(kind, request, value, index, key)
    assert not redaction.answer(kind, request, value, index, key)


# --- serial -----------------------------------------------------------------------------------------------------------


class Console:
    """What would stand in the trace, with the packets cut as given."""

    def __init__(self, packet: int) -> None:
        self.redaction = SerialRedaction()
        self.packet = packet
        self.trace = b""

    def says(self, text: bytes) -> Console:
        for start in range(0, len(text), self.packet):
            self.trace += self.redaction.read(text[start : start + self.packet])
        return self

    def gets(self, text: bytes) -> Console:
        for start in range(0, len(text), self.packet):
            data = text[start : start + self.packet]
            self.trace += data if self.redaction.write(data) else b"?" * len(data)
        return self


packets = pytest.mark.parametrize("packet", [1, 2, 7, 64])

REPLIES = (
    b"Your core id is 53ff6f065067544840551187\r\n",
    b"Your device MAC address is\r\n6c:0b:84:a1:b2:c3\r\n",
    b"system firmware version: 0.7.0\n\r\n",
    b'{"p":6,"m":[{"s":16384,"l":"m","vc":30,"vv":30,"f":"b","n":"0","v":11,"d":[]}]}\r\n',
    b"Device claimed: yes\r\n",
    b"Device ID: 53ff6f065067544840551187\r\nSerial Number: PH-123\r\nIMEI: 353162070012345\r\n",
)


@packets
def test_replies_to_single_commands_are_shown(packet: int) -> None:
    for reply, command in zip(REPLIES, (b"i", b"m", b"v", b"s", b"c", b"i"), strict=True):
        assert Console(packet).gets(command).says(reply).trace == command + reply


@packets
def test_the_device_secret_is_hidden_and_the_lines_around_it_are_not(packet: int) -> None:
    console = Console(packet).gets(b"i")
    console.says(b"Device ID: 53ff6f065067544840551187\r\nDevice Secret: ABCDEFGHIJKLMNO\r\nSerial Number: 12\r\n")
    assert console.trace == (
        b"iDevice ID: 53ff6f065067544840551187\r\nDevice Secret: ***************\r\nSerial Number: 12\r\n"
    )


def wifi(packet: int, name: bytes, password: bytes) -> bytes:
    console = Console(packet).gets(b"w")
    for prompt, answer in (
        (b"SSID: ", name),
        (b"Security 0=unsecured, 1=WEP, 2=WPA, 3=WPA2: ", b"3"),
        (b"Security Cipher 1=AES, 2=TKIP, 3=AES+TKIP: ", b"1"),
        (b"Password: ", password),
    ):
        console.says(prompt).gets(answer + b"\n").says(answer + b"\r\n")
    console.says(b"Thanks! Wait while I save those credentials...\r\n\r\nAwesome. Now we'll connect!\r\n\r\n")
    console.says(b"    Particle <3 you!\r\n\r\n")
    return console.trace


@packets
def test_a_wifi_dialogue_shows_its_prompts_and_no_answer(packet: int) -> None:
    trace = wifi(packet, b"GarageNet", b"correct horse")
    assert b"GarageNet" not in trace
    assert b"horse" not in trace
    for text in (b"SSID: ", b"Security 0=unsecured, 1=WEP, 2=WPA, 3=WPA2: ", b"Password: ", b"Thanks! Wait"):
        assert text in trace


@given(
    st.integers(1, 64),
    st.text("ABCDEFXYZQ0123456789!#", min_size=6, max_size=32),
    st.text("JKLMNOPRST0123456789$%", min_size=8, max_size=63),
)
def test_no_wifi_answer_is_ever_shown(packet: int, name: str, password: str) -> None:
    trace = wifi(packet, name.encode(), password.encode())
    for secret in (name.encode(), password.encode()):
        # Four characters in a row could not be chance: the console's own text has none of these letters in a row.
        assert not any(secret[at : at + 4] in trace for at in range(len(secret) - 3))


@packets
def test_after_the_dialogue_commands_are_shown_again(packet: int) -> None:
    console = Console(packet).gets(b"w").says(b"SSID: ").gets(b"a\n").says(b"a\r\n")
    console.says(b"Derp. Sorry, we couldn't save the credentials.\r\n\r\n")
    console.trace = b""
    assert console.gets(b"v").says(REPLIES[2]).trace == b"v" + REPLIES[2]


@packets
def test_the_claim_code_is_hidden_where_it_is_typed_echoed_and_repeated(packet: int) -> None:
    code = b"k7Qz" * 15 + b"k7Q"
    console = Console(packet).gets(b"C").says(b"Enter 63-digit claim code: ").gets(code + b"\n")
    console.says(code + b"\r\nClaim code set to: " + code + b"\r\n").gets(b"i")
    assert b"k7Q" not in console.trace
    assert b"Claim code set to: **" in console.trace
    assert console.trace.endswith(b"\r\ni")


@packets
def test_certificates_and_keys_of_many_lines_are_hidden(packet: int) -> None:
    pem = b"-----BEGIN RSA PRIVATE KEY-----\nMIICXAIBAAKBgQDsecret\nabcdSECRETefgh\n-----END RSA PRIVATE KEY-----\n"
    console = Console(packet).gets(b"w").says(b"SSID: ").gets(b"x\n").says(b"x\r\n")
    console.says(b"Private key in PEM format:\r\n").gets(pem + b"\n").says(pem.replace(b"\n", b"\r\n") + b"\r\n")
    for secret in (b"MIIC", b"SECRET", b"secret"):
        assert secret not in console.trace
    console.says(b"Thanks! Wait while I save those credentials...\r\n\r\nAwesome.\r\n")
    assert b"Awesome." in console.trace


NOISE = b"\x00\xff\x1b[\x7f\x80\r\n"


@packets
@pytest.mark.parametrize("place", [0, 1, 5, 12])
def test_noise_amid_an_echo_does_not_make_the_rest_of_it_look_harmless(packet: int, place: int) -> None:
    console = Console(packet).gets(b"w").says(NOISE + b"SSID: ").gets(b"Net\n").says(b"Net\r\nPassword: ")
    password = b"correct horse"
    console.gets(password + b"\n").says(password[:place] + NOISE + password[place:] + b"\r\n" + NOISE + password)
    assert all(password[at : at + 3] not in console.trace for at in range(len(password) - 2))


@packets
def test_a_password_typed_before_its_prompt_was_read_is_hidden(packet: int) -> None:
    console = Console(packet).gets(b"w").gets(b"simv\n").says(b"SSID: simv\r\n")
    assert b"simv" not in console.trace


@packets
def test_an_answer_to_a_question_nobody_knows_is_hidden_with_its_echo(packet: int) -> None:
    console = Console(packet).says(b"Enter the magic word> ").gets(b"abrakadabra\n").says(b"abrakadabra\r\nthanks\r\n")
    assert b"abrak" not in console.trace
    assert console.trace.endswith(b"\r\nthanks\r\n")


def test_the_length_of_what_was_read_stays() -> None:
    redaction = SerialRedaction()
    text = b"Password: abc\r\n\x00\xff"
    assert len(redaction.read(text)) == len(text)
