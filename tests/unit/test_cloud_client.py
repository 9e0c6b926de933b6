"""How a server is asked: what goes wrong on the way, what is asked again, what is never told."""

from __future__ import annotations

import contextlib
import json
import logging
import re
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.certificate import Certificate
from support.clock import FastClock
from support.cloud_server import CloudServer, Failure, Personality

from app.account_faults import (
    BoardNameRefused,
    CloudNameNotFound,
    CloudNotEncrypted,
    CloudNotTrusted,
    CloudProxyUnusable,
    CloudSilent,
    CloudSilentMaybeDone,
    CloudTooOften,
    CloudTrouble,
    CloudTroubleMaybeDone,
    CloudUnreachable,
    NotTheCloud,
    OneTimeCodeNeeded,
    SignInRefused,
    TokenMalformed,
    TokenRefused,
)
from app.cloud import client as module
from app.cloud.answers import REPEATABLE, Call
from app.cloud.client import CloudBoard, CloudClient, Token, pasted_token
from app.cloud.profiles import CloudServer as Kind
from app.cloud.profiles import Profile, profile
from app.faults import Cancelled, Fault
from app.keys.letter import PublicKeyLetter
from app.log import redact

USER, PASSWORD, OTP = "ada@example.org", "pass phrase & more %+", "918273"
MINE, OTHER = "a" * 24, "b" * 24
NOW = datetime(2024, 5, 1, 12, 0, tzinfo=UTC)
PEM = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"
DUMMY = Token("f" * 40)

Ask = Callable[[CloudClient, Token], object]
EVERY_CALL: dict[Call, Ask] = {
    Call.SIGN_IN: lambda client, _token: client.sign_in(USER, PASSWORD),
    Call.ONE_TIME_CODE: lambda client, _token: client.one_time_code("m" * 40, OTP),
    Call.REVOKE: lambda client, token: client.revoke(token),
    Call.WHO: lambda client, token: client.who(token),
    Call.DEVICES: lambda client, token: client.devices(token),
    Call.DEVICE: lambda client, token: client.device(token, MINE),
    Call.CLAIM: lambda client, token: client.claim(token, MINE),
    Call.TRANSFER: lambda client, token: client.claim(token, MINE, request_transfer=True),
    Call.RELEASE: lambda client, token: client.release(token, MINE),
    Call.RENAME: lambda client, token: client.rename(token, MINE, "new"),
    Call.SIGNAL: lambda client, token: client.signal(token, MINE, on=True),
    Call.SEND_KEY: lambda client, token: client.send_key(token, PublicKeyLetter(MINE, "photon", "rsa", PEM)),
    Call.CLAIM_CODE: lambda client, token: client.claim_code(token),
}
every_call = pytest.mark.parametrize("call", Call, ids=lambda call: call.name)


@pytest.fixture(autouse=True)
def no_proxy_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def server() -> Iterator[CloudServer]:
    with CloudServer() as made:
        made.user(USER, PASSWORD)
        made.board(MINE, owner=USER, name="mine")
        yield made


@pytest.fixture
def clock() -> FastClock:
    return FastClock()


@pytest.fixture
def client(server: CloudServer, clock: FastClock) -> Iterator[CloudClient]:
    with CloudClient(profile(server.address, kind=Kind.PARTICLE), clock=clock) as made:
        yield made


@pytest.fixture
def token(server: CloudServer) -> Token:
    return Token(server.token_for(USER))


def scripted(answer: Callable[[httpx.Request], httpx.Response], **options: object) -> CloudClient:
    """A client whose server is a function."""

    def http(_profile: Profile) -> httpx.Client:
        return httpx.Client(transport=httpx.MockTransport(answer))

    return CloudClient(Profile("x", "x", "https://cloud.test", Kind.PARTICLE), clock=FastClock(), http=http, **options)  # type: ignore[arg-type]


def answering(status: int, body: bytes, headers: dict[str, str] | None = None) -> CloudClient:
    return scripted(lambda _request: httpx.Response(status, headers=headers, stream=httpx.ByteStream(body)))


def closed_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


# --- asked again or not ---


@every_call
def test_only_what_can_be_done_twice_is_asked_twice(
    call: Call, server: CloudServer, client: CloudClient, token: Token
) -> None:
    server.failures = [Failure(times=99, status=503)]
    with pytest.raises(CloudTrouble):
        EVERY_CALL[call](client, token)
    assert len(server.asked) == (module.TRIES if call in REPEATABLE else 1)


@every_call
def test_a_cut_line_is_asked_again_only_where_that_is_right(
    call: Call, server: CloudServer, client: CloudClient, token: Token
) -> None:
    server.failures = [Failure(times=99, after_doing=False)]
    with pytest.raises(CloudSilent) as caught:
        EVERY_CALL[call](client, token)
    assert len(server.asked) == (module.TRIES if call in REPEATABLE else 1)
    once_only = {Call.CLAIM, Call.TRANSFER, Call.RELEASE, Call.SEND_KEY}
    assert isinstance(caught.value, CloudSilentMaybeDone) is (call in once_only)


def test_a_claim_whose_answer_is_lost_may_have_been_done(
    server: CloudServer, client: CloudClient, token: Token
) -> None:
    server.board(OTHER)
    server.failures = [Failure("/v1/devices", "POST", cut=10)]
    with pytest.raises(CloudSilentMaybeDone) as caught:
        client.claim(token, OTHER)
    assert server.boards[OTHER].owner == USER
    assert "may have done" in caught.value.cause.english()
    server.failures = [Failure("/v1/devices", "DELETE", status=500)]
    with pytest.raises(CloudTroubleMaybeDone):
        client.release(token, OTHER)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_busy_server_is_asked_again_after_longer_and_longer_pauses(
    status: int, server: CloudServer, client: CloudClient, token: Token, clock: FastClock
) -> None:
    server.failures = [Failure(times=2, status=status)]
    before = clock.now()
    assert [board.id for board in client.devices(token)] == [MINE]
    assert clock.now() - before == pytest.approx(module.FIRST_PAUSE_S * 4)


def test_the_server_says_how_long_to_wait(
    server: CloudServer, client: CloudClient, token: Token, clock: FastClock
) -> None:
    server.failures = [Failure(status=429, headers={"Retry-After": "7"})]
    before = clock.now()
    client.devices(token)
    assert clock.now() - before == pytest.approx(7)


def test_a_long_wait_is_left_to_the_person(server: CloudServer, client: CloudClient, token: Token) -> None:
    server.failures = [Failure(status=429, headers={"Retry-After": "3600"})]
    with pytest.raises(CloudTooOften) as caught:
        client.devices(token)
    assert "3600 seconds" in caught.value.next_step.english()
    assert len(server.asked) == 1


def test_the_server_may_name_the_moment_to_come_back(clock: FastClock) -> None:
    client = scripted(
        lambda _request: httpx.Response(
            429, headers={"Retry-After": "Wed, 01 May 2024 13:00:00 GMT"}, stream=httpx.ByteStream(b"{}")
        ),
        now=lambda: NOW,
    )
    with client, pytest.raises(CloudTooOften) as caught:
        client.sign_in(USER, PASSWORD)
    assert "3601 seconds" in caught.value.next_step.english()


@pytest.mark.parametrize("value", ["soon", "-5", "1e9", "99999999999", "\xff"])
def test_a_strange_wish_to_wait_is_no_wish(value: str, clock: FastClock) -> None:
    def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(429, headers=[(b"Retry-After", value.encode("latin-1"))], stream=httpx.ByteStream(b""))

    with scripted(answer) as client, pytest.raises(CloudTooOften) as caught:
        client.sign_in(USER, PASSWORD)
    assert "few minutes" in caught.value.next_step.english()


def test_a_pause_can_be_stopped(server: CloudServer, token: Token, clock: FastClock) -> None:
    server.failures = [Failure(times=99, status=503)]
    begun = clock.now()

    def check() -> None:
        if clock.now() > begun:
            raise Cancelled

    with (
        CloudClient(profile(server.address, kind=Kind.PARTICLE), clock=clock, check=check) as client,
        pytest.raises(Cancelled),
    ):
        client.devices(token)
    assert len(server.asked) == 1


# --- the way ---


def test_a_server_that_is_not_there_is_one_clear_fault(clock: FastClock) -> None:
    with (
        CloudClient(profile(f"http://127.0.0.1:{closed_port()}"), clock=clock) as client,
        pytest.raises(CloudUnreachable) as caught,
    ):
        client.devices(DUMMY)
    assert "127.0.0.1" in caught.value.cause.english()


def test_without_a_network_the_name_is_not_found(clock: FastClock) -> None:
    with (
        CloudClient(profile("https://cloud.invalid", kind=Kind.PARTICLE), clock=clock) as client,
        pytest.raises(CloudNameNotFound) as caught,
    ):
        client.devices(DUMMY)
    assert "offline" in caught.value.cause.english()


def test_a_silent_server_counts_as_lost(
    server: CloudServer, token: Token, clock: FastClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "READ_S", 0.05)
    server.failures = [Failure(times=99, silent=True)]
    with (
        CloudClient(profile(server.address, kind=Kind.PARTICLE), clock=clock) as client,
        pytest.raises(CloudSilent),
    ):
        client.who(token)
    server.released.set()


def test_an_answer_that_drips_has_an_end(clock: FastClock) -> None:
    def drip() -> Iterator[bytes]:
        for _ in range(10_000):
            clock.pause(1)
            yield b" "

    class Stream(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            return drip()

    def http(_profile: Profile) -> httpx.Client:
        return httpx.Client(transport=httpx.MockTransport(lambda _request: httpx.Response(200, stream=Stream())))

    with (
        CloudClient(Profile("x", "x", "https://cloud.test", Kind.PARTICLE), clock=clock, http=http) as client,
        pytest.raises(CloudSilent) as caught,
    ):
        client.sign_in(USER, PASSWORD)
    assert not isinstance(caught.value, CloudSilentMaybeDone)
    with (
        CloudClient(Profile("x", "x", "https://cloud.test", Kind.PARTICLE), clock=clock, http=http) as client,
        pytest.raises(CloudSilentMaybeDone),
    ):
        client.release(DUMMY, MINE)


def test_a_certificate_nobody_trusts_gets_nothing(tmp_path: Path, clock: FastClock) -> None:
    with CloudServer(identity=Certificate(tmp_path).context) as server:
        with (
            CloudClient(profile(server.address, kind=Kind.PARTICLE), clock=clock) as client,
            pytest.raises(CloudNotTrusted),
        ):
            client.sign_in(USER, PASSWORD)
        assert not server.asked


def test_a_server_without_encryption_under_an_encrypted_address_is_not_the_cloud(
    server: CloudServer, clock: FastClock
) -> None:
    with (
        CloudClient(profile(server.address.replace("http:", "https:")), clock=clock) as client,
        pytest.raises(NotTheCloud),
    ):
        client.sign_in(USER, PASSWORD)


def test_a_proxy_of_the_environment_is_used_and_its_refusal_named(
    server: CloudServer, clock: FastClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", server.address.replace("http://", "http://joe:hunter2-proxy@"))
    with (
        CloudClient(profile("https://cloud.invalid", kind=Kind.PARTICLE), clock=clock) as client,
        pytest.raises(CloudProxyUnusable) as caught,
    ):
        client.devices(DUMMY)
    assert "hunter2" not in f"{caught.value!r} {caught.value.detail}"


@pytest.mark.parametrize("proxy", ["http://127.0.0.1:{closed}", "socks5://127.0.0.1:{closed}", "nonsense://x"])
def test_a_proxy_that_is_not_there_is_named(proxy: str, clock: FastClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy.format(closed=closed_port()))
    with (
        pytest.raises(CloudProxyUnusable),
        CloudClient(profile("https://cloud.invalid", kind=Kind.PARTICLE), clock=clock) as client,
    ):
        client.devices(DUMMY)


def test_a_server_of_the_own_network_is_never_asked_through_a_proxy(
    server: CloudServer, client: CloudClient, token: Token, monkeypatch: pytest.MonkeyPatch, clock: FastClock
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{closed_port()}")
    with CloudClient(profile(server.address), clock=clock) as fresh:
        assert fresh.devices(token)


# --- without encryption ---


def test_a_name_without_encryption_is_asked_at_its_private_address(
    server: CloudServer, token: Token, clock: FastClock
) -> None:
    address = server.address.replace("127.0.0.1", "cloud.home")
    with CloudClient(profile(address), clock=clock, resolve=lambda _host: ("127.0.0.1",)) as client:
        assert client.devices(token)
    assert server.asked[0].headers["host"] == address.removeprefix("http://")


@pytest.mark.parametrize("addresses", [("203.0.113.9",), ("192.168.1.5", "203.0.113.9"), ()])
def test_a_name_without_encryption_outside_of_the_own_network_gets_nothing(
    addresses: tuple[str, ...], clock: FastClock
) -> None:
    with (
        CloudClient(profile("http://cloud.example.org"), clock=clock, resolve=lambda _host: addresses) as client,
        pytest.raises(CloudNotEncrypted),
    ):
        client.sign_in(USER, PASSWORD)


def test_a_name_nobody_knows_is_not_found(clock: FastClock) -> None:
    with CloudClient(profile("http://cloud.invalid"), clock=clock) as client, pytest.raises(CloudNameNotFound):
        client.sign_in(USER, PASSWORD)


# --- strange answers ---


@every_call
@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"<html>Welcome to the hotel</html>"),
        (302, b""),
        (304, b""),
        (200, b"{"),
        (200, b"[" * 100_000),
        (200, b"\xff\xfe\x00"),
        (403, b"<html>blocked by your school</html>"),
        (404, b"<html>not here</html>"),
    ],
)
def test_what_is_no_cloud_is_called_so(call: Call, status: int, body: bytes) -> None:
    with answering(status, body, {"Location": "http://hotel.test/"}) as client, pytest.raises(NotTheCloud):
        EVERY_CALL[call](client, DUMMY)


@pytest.mark.parametrize(
    "call", [Call.SIGN_IN, Call.ONE_TIME_CODE, Call.WHO, Call.DEVICES, Call.DEVICE, Call.CLAIM_CODE]
)
@pytest.mark.parametrize("body", [b"{}", b"[1]", b'"x"', b"7", b"true", b"", b'{"access_token": 5}', b'{"id": "x"}'])
def test_json_of_another_shape_is_no_cloud(call: Call, body: bytes) -> None:
    if call is Call.DEVICES and body == b"[1]":
        body = b"{}"
    with answering(200, body) as client, pytest.raises(NotTheCloud):
        EVERY_CALL[call](client, DUMMY)


def test_an_endless_answer_is_cut_off() -> None:
    with answering(200, b" " * (module.ANSWER_BYTES + 1)) as client, pytest.raises(NotTheCloud):
        client.who(DUMMY)


def test_a_compressed_answer_was_not_asked_for() -> None:
    with answering(200, b"x", {"Content-Encoding": "gzip"}) as client, pytest.raises(NotTheCloud):
        client.who(DUMMY)


def test_nothing_is_followed_elsewhere() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        headers = {"Location": "https://elsewhere.test/oauth/token"}
        return httpx.Response(307, headers=headers, stream=httpx.ByteStream(b""))

    with scripted(answer) as client, pytest.raises(NotTheCloud):
        client.sign_in(USER, PASSWORD)
    assert asked == ["https://cloud.test/oauth/token"]


def test_a_refusal_under_a_good_status_is_a_refusal() -> None:
    with answering(200, b'{"ok": false, "errors": ["no"]}') as client, pytest.raises(Fault):
        client.release(DUMMY, MINE)
    with answering(200, b'{"error": "invalid_token"}') as client, pytest.raises(TokenRefused):
        client.devices(DUMMY)


def test_another_name_coming_back_is_a_refusal() -> None:
    with answering(200, b'{"name": "other"}') as client, pytest.raises(BoardNameRefused):
        client.rename(DUMMY, MINE, "new")


def test_unknown_fields_are_passed_over_and_strange_rows_too() -> None:
    rows = [
        {"id": MINE.upper(), "name": "a\u0007b\u202e", "online": True, "connected": False, "future": {"x": 1}},
        {"id": OTHER, "name": None, "connected": False, "last_heard": "2024-05-01T12:00:00.000Z", "platform_id": 0},
        {"id": "c" * 24, "last_heard": "yesterday", "online": "yes", "platform_id": True, "name": 7},
        {"id": "d" * 24, "last_heard": 1714564800000},
        {"id": "../../v1/user"},
        {"id": MINE},
        {"name": "nobody"},
        "what",
    ]
    with answering(200, json.dumps(rows).encode()) as client:
        assert client.devices(DUMMY) == (
            CloudBoard(MINE, "ab", online=True),
            CloudBoard(OTHER, online=False, last_heard=NOW, platform_id=0),
            CloudBoard("c" * 24),
            CloudBoard("d" * 24, last_heard=NOW),
        )


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(["id", "name", "online", "last_heard", "platform_id", "error", "errors", "ok"]),
                inner,
                max_size=5,
            )
        ),
    )
)
def test_no_answer_is_more_than_a_fault(content: object) -> None:
    body = json.dumps(content).encode()
    for status in (200, 400, 404):
        for call in (Call.SIGN_IN, Call.DEVICES, Call.DEVICE, Call.SEND_KEY):
            with answering(status, body) as client, contextlib.suppress(Fault):
                EVERY_CALL[call](client, DUMMY)


def test_ten_thousand_boards_come_in_one_list(server: CloudServer, client: CloudClient, token: Token) -> None:
    server.boards.clear()
    server.many(10_000, USER)
    found = client.devices(token)
    assert len({board.id for board in found}) == 10_000
    assert sum(board.online is True for board in found) == 3334


def test_a_list_may_be_longer_than_other_answers_but_not_endless(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LIST_BYTES", 100)
    with answering(200, b"[" + b" " * 200 + b"]") as client, pytest.raises(NotTheCloud):
        client.devices(DUMMY)


@pytest.mark.parametrize("device_id", ["", "A" * 24, "a" * 23, "../" * 8, MINE + "\n"])
def test_only_a_device_id_gets_into_an_address(device_id: str) -> None:
    with answering(200, b"{}") as client, pytest.raises(ValueError, match="24 lower-case"):
        client.device(DUMMY, device_id)


# --- what is never told ---


def spellings(secret: str) -> tuple[str, ...]:
    import base64
    from urllib.parse import quote, quote_plus

    return secret, quote(secret), quote_plus(secret), base64.b64encode(f"{USER}:{secret}".encode()).decode()


def words_of(record: logging.LogRecord) -> str:
    """Return all of a record but clock and thread, whose digits may be a one-time code's by chance."""
    counted = ("created", "msecs", "relativeCreated", "thread", "process")
    return repr({name: value for name, value in vars(record).items() if name not in counted})


def without_chance(words: str) -> str:
    """Return words without where objects are in memory: those digits are nobody's secret either."""
    return re.sub(r"\b0x[0-9a-f]+", "0x", words)


@pytest.mark.parametrize("personality", Personality)
def test_no_secret_is_in_any_log_fault_or_repr(
    personality: Personality, caplog: pytest.LogCaptureFixture, clock: FastClock
) -> None:
    caplog.set_level(logging.DEBUG)
    told: list[str] = []

    def hear(work: Callable[[], object]) -> object:
        try:
            answer = work()
        except Fault as fault:
            told.extend((repr(fault), str(fault), fault.detail, fault.cause.english(), fault.next_step.english()))
            told.append(repr(fault.__cause__))
            return fault
        told.append(repr(answer))
        return answer

    with CloudServer(personality) as server:
        server.user(USER, PASSWORD, otp=OTP)
        server.board(MINE, owner=USER)
        with CloudClient(profile(server.address, kind=Kind(personality.value)), clock=clock) as client:
            needed = hear(lambda: client.sign_in(USER, PASSWORD))
            secrets = [PASSWORD]
            if isinstance(needed, OneTimeCodeNeeded):
                mfa_token = needed.mfa_token
                secrets += [OTP, mfa_token]
                hear(lambda: client.one_time_code(mfa_token, "111111"))
                token = hear(lambda: client.one_time_code(mfa_token, OTP))
            else:
                token = needed
            assert isinstance(token, Token)
            for call, ask in EVERY_CALL.items():
                if call is not Call.REVOKE:
                    hear(lambda ask=ask: ask(client, token))  # type: ignore[misc]
            secrets += [token.value, *server.claim_codes]
            hear(lambda: client.revoke(token, user=USER, password=PASSWORD, code="222222"))
            hear(lambda: client.revoke(token, user=USER, password=PASSWORD, code=OTP))
            hear(lambda: client.revoke(token))
            hear(lambda: client.devices(token))  # refused, with the token in the server's words
            hear(lambda: client.sign_in(USER, PASSWORD + PASSWORD))
    everything = without_chance("\n".join([*told, caplog.text, *(words_of(record) for record in caplog.records)]))
    assert "list boards" in everything
    assert len(secrets) == (5 if personality is Personality.PARTICLE else 2)
    for secret in secrets:
        assert [each for each in spellings(secret) if each in everything] == []
        assert secret not in redact(f"seen: {secret}")


def test_a_server_that_repeats_the_token_as_its_error_is_not_quoted() -> None:
    for words in (DUMMY.value, f"no {DUMMY.value}", f"{DUMMY.value[:20]}"):
        with answering(409, json.dumps({"error": words}).encode()) as client, pytest.raises(Fault) as caught:
            client.devices(DUMMY)
        assert DUMMY.value not in caught.value.detail


def test_the_token_is_told_in_the_header_alone(server: CloudServer, client: CloudClient, token: Token) -> None:
    for call, ask in EVERY_CALL.items():
        if call not in (Call.SIGN_IN, Call.ONE_TIME_CODE, Call.REVOKE):
            try:
                ask(client, token)
            except Fault:
                continue
    assert server.asked
    for asked in server.asked:
        assert asked.headers["authorization"] == f"Bearer {token.value}"
        assert token.value not in f"{asked.path} {asked.form}"


def test_requests_are_those_of_the_specification(server: CloudServer, client: CloudClient, token: Token) -> None:
    client.sign_in(USER, PASSWORD)
    client.send_key(token, PublicKeyLetter(MINE, "electron", "ecc", PEM))
    client.claim(token, MINE, request_transfer=True)
    signed, sent, claimed = server.asked
    assert (signed.method, signed.path) == ("POST", "/oauth/token")
    assert signed.form == {
        "username": USER,
        "password": PASSWORD,
        "grant_type": "password",
        "client_id": "CLI2",
        "client_secret": "client_secret_here",
    }
    assert (sent.method, sent.path) == ("POST", f"/v1/provisioning/{MINE}")
    order = sent.form.pop("order")
    assert order.startswith("manual_")
    assert len(order) == len("manual_") + 13
    assert sent.form == {"deviceID": MINE, "publicKey": PEM, "filename": "cli", "algorithm": "ecc"}
    assert claimed.form == {"id": MINE, "request_transfer": "true"}


@pytest.mark.parametrize("words", ["", "  ", "short", "two words in it", "x" * 5000, "tökentöken"])
def test_what_is_pasted_has_to_look_like_a_token(words: str) -> None:
    with pytest.raises(TokenMalformed):
        pasted_token(words)


def test_a_token_is_pasted_with_what_clung_to_it() -> None:
    assert pasted_token(f' "{DUMMY.value}"\n').value == DUMMY.value


@pytest.mark.parametrize("password", ["", "\udcff", "pässwörd 🔑", "a\x00b", "x" * 5000])
def test_any_password_is_sent_or_refused(password: str, server: CloudServer, client: CloudClient) -> None:
    with pytest.raises(SignInRefused):
        client.sign_in(USER, password)
    server.user(USER, password.encode("utf-8", "replace").decode())
    assert client.sign_in(USER, password).value in server.tokens


def test_a_wrong_password_names_the_server_and_what_to_do(client: CloudClient) -> None:
    with pytest.raises(SignInRefused) as caught:
        client.sign_in(USER, "wrong")
    assert "127.0.0.1" in caught.value.cause.english()
