"""Looking for a newer version: the request, what is remembered, and the thread that does it once a day."""

from __future__ import annotations

import errno
import json
import logging
import queue
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from support.certificate import Certificate
from support.clock import FastClock
from support.release_signer import NOW, OTHER, PUBLIC, NoticeServer, envelope, sign

from app import paths
from app.engine.updates import (
    AGAIN_S,
    BUSY_S,
    FILE,
    FIRST_S,
    NEWER,
    NOTHING_NEWER,
    UNKNOWN_OWN,
    Kept,
    UpdateBook,
    UpdateDesk,
    Updates,
    fetch,
    program_channel,
)
from app.faults import Cancelled, Fault, FolderRefused
from app.files import FileActions
from app.update_faults import (
    UpdateAddressBad,
    UpdateNotGenuine,
    UpdateNoticeOlder,
    UpdateNoticeOver,
    UpdateNoticeWrong,
    UpdatesLedAstray,
    UpdatesNoRoom,
    UpdatesNotKept,
    UpdatesNotTrusted,
    UpdatesOffline,
    UpdatesProxyUnusable,
    UpdatesRefused,
    UpdatesSlow,
    UpdatesWithoutAddress,
    UpdatesWithoutKey,
)
from app.updates import MOST_BYTES, Channel, Standing, proven
from app.work.events import Event, UpdatesTold

CHANNEL = Channel("https://releases.example/n.txt", (PUBLIC,))
DAY = timedelta(days=1)
FOUND = proven(envelope(), (PUBLIC,), NOW).version


@pytest.fixture(autouse=True)
def no_proxy_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def server() -> Iterator[NoticeServer]:
    with NoticeServer(envelope()) as made:
        yield made


class Place:
    """A desk with a clock on the wall and a line that brings what the test puts there."""

    def __init__(self, folder: Path, channel: Channel = CHANNEL, installed: str = "0.1.0") -> None:
        self.now: datetime = NOW
        self.brings: bytes | Exception = envelope()
        self.asked: list[str] = []
        self.book = UpdateBook(folder)
        self.desk = UpdateDesk(channel, self.book, now=lambda: self.now, fetch=self.fetch, installed=installed)

    def fetch(self, address: str, check: Callable[[], None]) -> bytes:
        check()
        self.asked.append(address)
        if isinstance(self.brings, Exception):
            raise self.brings
        return self.brings


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "data")


# --- the request ----------------------------------------------------------------------------------------------------


def test_one_request_that_names_nobody_brings_the_notice(server: NoticeServer) -> None:
    assert fetch(server.address) == envelope()
    ((path, headers),) = server.asked
    assert path == "/notice"
    assert set(headers) == {"host", "accept", "accept-encoding", "connection", "user-agent"}
    assert headers["user-agent"] == "rekindle"
    assert headers["accept-encoding"] == "identity"


def test_a_redirect_to_something_not_encrypted_is_not_followed(server: NoticeServer) -> None:
    with NoticeServer(envelope()) as other:
        for there in (other.address, "/elsewhere", "ftp://releases.example/n", "https://me:pw@127.0.0.1:1/n"):
            server.moved_to = there
            with pytest.raises(UpdatesLedAstray):
                fetch(server.address)
        assert not other.asked


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system's store cannot be set for one test")
def test_a_redirect_to_https_is_followed_and_no_cookie_goes_along(
    server: NoticeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = Certificate(tmp_path)
    certificate.trust(monkeypatch)
    with NoticeServer(envelope(version="0.3.0"), certificate.context) as secure:
        server.moved_to = secure.address
        server.cookie = "who=me; Path=/"
        assert fetch(server.address) == envelope(version="0.3.0")
        assert "cookie" not in secure.asked[0][1]
        secure.moved_to = secure.address  # round and round
        secure.cookie = "who=me; Path=/"
        with pytest.raises(UpdatesLedAstray):
            fetch(secure.address)
        assert not any("cookie" in headers for _, headers in secure.asked)
        assert len(secure.asked) < 10
        secure.moved_to = server.address
        with pytest.raises(UpdatesLedAstray):
            fetch(secure.address)


def test_a_certificate_this_computer_does_not_trust_is_told_as_such(tmp_path: Path) -> None:
    with NoticeServer(envelope(), Certificate(tmp_path).context) as secure:
        with pytest.raises(UpdatesNotTrusted):
            fetch(secure.address)
        assert not secure.asked


@pytest.mark.parametrize("status", [204, 301, 404, 500])
def test_a_refusal_is_told_by_its_number(server: NoticeServer, status: int) -> None:
    server.status = status
    server.content = b""
    with pytest.raises(UpdatesRefused) as caught:
        fetch(server.address)
    assert str(status) in caught.value.cause.english()


def test_too_much_is_not_read_to_its_end(server: NoticeServer) -> None:
    sent: list[int] = []
    server.content = b"a" * MOST_BYTES * 64
    server.piece = MOST_BYTES
    server.between = lambda: sent.append(1)
    with pytest.raises(UpdateNotGenuine):
        fetch(server.address)
    server.__exit__()
    assert len(sent) < 64
    server.__enter__()


def test_an_answer_that_drips_is_given_up(server: NoticeServer) -> None:
    clock = FastClock()
    server.piece = 50
    passed = threading.Event()

    def check() -> None:
        clock.pause(20.0)
        passed.set()

    with pytest.raises(UpdatesSlow):
        fetch(server.address, check, clock)
    assert passed.is_set()


@pytest.mark.parametrize("stop", [UpdatesSlow, Cancelled])
def test_a_head_that_never_comes_to_an_end_holds_nothing_up(server: NoticeServer, stop: type[BaseException]) -> None:
    clock = FastClock()
    over = threading.Event()
    server.before = lambda: over.wait(20)

    def check() -> None:
        if stop is Cancelled and server.asked:
            raise Cancelled
        if server.asked:
            clock.pause(20.0)

    try:
        with pytest.raises(stop):
            fetch(server.address, check, clock)
        assert not over.is_set()
    finally:
        over.set()


@pytest.mark.skipif(sys.platform != "linux", reason="SKIPPED: proxies come from the system's settings there")
def test_an_address_at_this_computer_is_told_to_no_proxy(server: NoticeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with NoticeServer() as proxy:
        for name in ("HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.address.removesuffix("/notice"))
        assert fetch(server.address) == envelope()
        assert not proxy.asked


@pytest.mark.parametrize("host", ["a..b", "xn--", "a" * 70 + ".example"])
def test_a_name_no_host_can_have_is_not_the_proxys_fault(host: str) -> None:
    with pytest.raises(UpdatesOffline):
        fetch(f"https://{host}/n")


def test_a_stop_ends_it(server: NoticeServer) -> None:
    def check() -> None:
        if server.asked:
            raise Cancelled

    with pytest.raises(Cancelled):
        fetch(server.address, check)


def test_nobody_there_is_offline(server: NoticeServer) -> None:
    address = server.address
    server.__exit__()
    with pytest.raises(UpdatesOffline) as caught:
        fetch(address)
    assert "127.0.0.1" in caught.value.cause.english()
    server.__enter__()


@pytest.mark.skipif(sys.platform != "linux", reason="SKIPPED: proxies come from the system's settings there")
def test_a_proxy_that_is_none_is_told_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "gopher://me:secret@proxy.example")
    with pytest.raises(UpdatesProxyUnusable) as caught:
        fetch("https://releases.example/n")
    assert "secret" not in caught.value.detail + str(caught.value)


# --- what is remembered ---------------------------------------------------------------------------------------------


def test_nothing_is_remembered_at_first_and_the_person_is_asked(place: Place) -> None:
    state = place.desk.state()
    assert state.asks
    assert state.agreed is None
    assert state.tried is None
    assert not place.desk.due()


@pytest.mark.parametrize("yes", [True, False])
def test_the_answer_is_remembered_and_not_asked_again(place: Place, yes: bool) -> None:
    place.desk.agree(yes=yes)
    state = place.desk.state()
    assert state.agreed is yes
    assert not state.asks
    assert place.desk.due() is yes


def test_without_key_or_address_nobody_is_asked_and_a_look_says_why(tmp_path: Path) -> None:
    for channel, standing, fault in (
        (Channel(CHANNEL.address, ()), Standing.NO_KEY, UpdatesWithoutKey),
        (Channel("", (PUBLIC,)), Standing.NO_ADDRESS, UpdatesWithoutAddress),
    ):
        own = Place(tmp_path / standing.value, channel)
        own.desk.agree(yes=True)
        state = own.desk.state()
        assert state.standing is standing
        assert not state.asks
        assert not own.desk.due()
        with pytest.raises(fault):
            own.desk.look(asked=True)
        assert not own.asked


def test_a_look_finds_the_newer_version_and_it_is_known_at_the_next_start(place: Place, tmp_path: Path) -> None:
    notice = place.desk.look()
    assert place.asked == [CHANNEL.address]
    assert place.desk.words(notice) == NEWER.with_values(version="0.2.0", installed="0.1.0")
    later = Place(tmp_path / "data").desk.state()
    assert later.to_tell == notice
    assert later.tried == NOW


@pytest.mark.parametrize(
    ("installed", "words"),
    [("0.2.0", NOTHING_NEWER), ("1.0", NOTHING_NEWER), ("unknown", UNKNOWN_OWN), ("0.2.0rc1", NEWER)],
)
def test_an_installed_version_at_or_above_is_told_nothing(tmp_path: Path, installed: str, words: object) -> None:
    own = Place(tmp_path, installed=installed)
    told = own.desk.words(own.desk.look())
    assert replace(told, values=()) == words
    assert (own.desk.state().to_tell is not None) is (words is NEWER)


def test_not_this_one_and_later(place: Place) -> None:
    place.desk.look()
    place.desk.put_off(FOUND)
    assert place.desk.state().to_tell is None
    place.desk.look()
    assert place.desk.state().to_tell is not None  # later has come
    place.desk.skip(FOUND)
    place.desk.look()
    assert place.desk.state().to_tell is None
    assert place.desk.state().notice is not None
    place.brings = envelope(version="0.3.0", at=NOW)
    later = place.desk.look()
    assert place.desk.state().to_tell is not None  # another one
    place.desk.skip(later.version)
    place.desk.look(asked=True)
    assert place.desk.state().to_tell is not None  # asked in so many words


@pytest.mark.parametrize(
    ("brings", "fault"),
    [
        (UpdatesOffline(host="releases.example"), UpdatesOffline),
        (b"", UpdateNotGenuine),
        (b"<html>Sign in to the hotel</html>", UpdateNotGenuine),
        (sign(b"{}", OTHER), UpdateNotGenuine),
        (sign(b"{}"), UpdateNoticeWrong),
        (envelope(at=NOW, expires="2026-12-03T12:00:00Z"), UpdateNoticeOver),
        (envelope(at=NOW - DAY * 2), UpdateNoticeOlder),
    ],
    ids=lambda value: getattr(value, "__name__", "") or type(value).__name__,
)
def test_what_goes_wrong_is_a_fault_counts_as_a_try_and_changes_nothing_else(
    place: Place, brings: bytes | Exception, fault: type[Fault]
) -> None:
    place.desk.look()
    known = place.desk.state()
    place.now += DAY
    place.brings = brings
    with pytest.raises(fault):
        place.desk.look()
    assert place.desk.state() == replace(known, tried=place.now)


def test_an_older_notice_hides_no_newer_one(place: Place) -> None:
    place.brings = envelope(version="0.3.0", at=NOW)
    place.desk.look()
    place.brings = envelope(version="0.2.0")
    with pytest.raises(UpdateNoticeOlder):
        place.desk.look()
    notice = place.desk.state().to_tell
    assert notice is not None
    assert notice.version.words == "0.3.0"


def test_a_newer_notice_of_an_older_version_takes_a_release_back(place: Place) -> None:
    place.desk.look()
    place.brings = envelope(version="0.1.0", at=NOW)
    place.desk.look()
    assert place.desk.state().notice is None


def test_a_kept_notice_is_told_no_longer_than_it_is_good(place: Place) -> None:
    place.desk.look()
    place.now += timedelta(days=89)
    assert place.desk.state().notice is None


def test_once_a_day_with_failed_tries_and_a_clock_that_jumps(place: Place) -> None:
    place.desk.agree(yes=True)
    place.brings = UpdatesOffline(host="releases.example")

    def looks(hours: int) -> int:
        before = len(place.asked)
        for _ in range(hours):
            place.now += timedelta(hours=1)
            if place.desk.due():
                with pytest.raises(UpdatesOffline):
                    place.desk.look()
        return len(place.asked) - before

    assert looks(72) == 3
    place.now -= timedelta(days=3650)
    assert looks(24) == 0
    assert looks(24) == 1
    place.now += timedelta(days=3650)
    assert looks(24) == 1
    assert looks(24) == 1


def test_an_address_of_the_persons_own_is_asked_and_the_programs_own_again(place: Place) -> None:
    place.desk.set_address("https://mirror.example/n")
    place.desk.look()
    assert place.desk.state().own_address
    place.desk.set_address("")
    place.desk.look()
    assert place.asked == ["https://mirror.example/n", CHANNEL.address]
    with pytest.raises(UpdateAddressBad):
        place.desk.set_address("http://mirror.example/n")
    assert not place.desk.state().own_address
    place.desk.set_address(CHANNEL.address)
    assert not place.desk.state().own_address


def test_no_setting_and_no_variable_brings_another_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: Place
) -> None:
    place.book.write(Kept(agreed=True))
    file = tmp_path / "data" / FILE
    file.write_text(json.dumps({**json.loads(file.read_text()), "keys": ["x"], "channel": {"keys": ["x"]}}))
    for name in ("REKINDLE_KEYS", "REKINDLE_KEY", "REKINDLE_CHANNEL", "REKINDLE_UPDATES"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("REKINDLE_DATA", str(tmp_path / "data"))
    (tmp_path / "data" / "updates").mkdir()
    (tmp_path / "data" / "updates" / "channel.json").write_text("{}")
    before = program_channel()
    monkeypatch.undo()
    assert program_channel() == before


def test_a_kept_notice_that_was_changed_on_the_disk_is_not_believed(place: Place) -> None:
    place.desk.look()
    kept = place.book.read()
    place.book.write(replace(kept, notice=kept.notice.replace(b"releases.example", b"elsewhere.exampl")))
    assert place.desk.state().notice is None


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff", b"[]", b"[" * 100_000, b'{"agreed": "yes", "tried": 5, "notice": "*", "skipped": {}, "newest": "x"}',
     b'{"address": "http://elsewhere.example/", "tried": "9999-99-99"}', b"a" * 400_000],
    ids=lambda content: content[:10].hex() or "nothing",
)  # fmt: skip
def test_a_file_that_cannot_be_read_means_nothing_was_said(place: Place, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / FILE).write_bytes(content)
    assert place.book.read() == Kept()
    place.desk.agree(yes=True)
    assert place.book.read() == Kept(agreed=True)


@pytest.mark.parametrize("when", ["0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59+00:00", "2026-01-01T00:00:00"])
def test_a_moment_that_cannot_be_shown_was_never(place: Place, tmp_path: Path, when: str) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / FILE).write_text(json.dumps({"agreed": True, "tried": when, "newest": when}))
    assert place.book.read() == Kept(agreed=True)


@pytest.mark.skipif(sys.platform == "win32", reason="SKIPPED: no link to itself there without rights")
def test_what_cannot_be_opened_just_now_is_not_written_over(place: Place, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    file = tmp_path / "data" / FILE
    file.symlink_to(file)  # opening fails, replacing would not
    for deed in (lambda: place.desk.agree(yes=True), lambda: place.desk.skip(FOUND), place.desk.look):
        with pytest.raises(UpdatesNotKept):
            deed()
    assert file.is_symlink()
    assert not place.asked


def test_an_answer_the_disk_does_not_take_holds_until_the_end(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.desk.look()
    desk = UpdateDesk(CHANNEL, UpdateBook(tmp_path, FullDisk()), now=lambda: NOW, fetch=place.fetch, installed="0.1.0")
    assert desk.state().asks
    with pytest.raises(FolderRefused):
        desk.agree(yes=False)
    assert not desk.state().asks
    assert desk.state().to_tell is not None
    with pytest.raises(FolderRefused):
        desk.put_off(FOUND)
    assert desk.state().to_tell is None


def test_not_this_one_is_about_the_one_that_was_shown(place: Place) -> None:
    place.brings = envelope(version="0.3.0", at=NOW)
    place.desk.look()  # while the card was about another one
    for deed in (place.desk.skip, place.desk.put_off):
        deed(FOUND)
        assert place.desk.state().to_tell is not None


def test_a_no_puts_away_what_was_found_and_a_look_that_is_asked_for_tells_it(place: Place) -> None:
    place.desk.agree(yes=True)
    place.desk.look()
    place.desk.agree(yes=False)
    assert place.desk.state().notice is not None
    assert place.desk.state().to_tell is None
    place.desk.agree(yes=True)
    assert place.desk.state().to_tell is not None
    place.desk.agree(yes=False)
    place.desk.look()  # begun before the No
    assert place.desk.state().to_tell is None
    place.desk.look(asked=True)
    assert place.desk.state().to_tell is not None


def test_a_full_disk_is_told_in_words_about_this_and_not_about_a_key(tmp_path: Path) -> None:
    class NoRoomLeft(FileActions):
        def write(self, descriptor: int, content: bytes) -> None:
            raise OSError(errno.ENOSPC, "no room")

    desk = UpdateDesk(CHANNEL, UpdateBook(tmp_path, NoRoomLeft()), installed="0.1.0")
    with pytest.raises(UpdatesNoRoom) as caught:
        desk.agree(yes=False)
    assert "key" not in caught.value.cause.english() + caught.value.next_step.english()
    assert not list(tmp_path.iterdir())


class FullDisk(FileActions):
    def create(self, path: Path) -> int:
        raise PermissionError(13, "no", str(path))


def test_where_a_try_cannot_be_remembered_nothing_is_asked(tmp_path: Path, place: Place) -> None:
    place.desk.agree(yes=True)
    desk = UpdateDesk(CHANNEL, UpdateBook(tmp_path / "data", FullDisk()), now=lambda: NOW, fetch=place.fetch)
    with pytest.raises(FolderRefused):
        desk.look()
    assert not place.asked


def test_a_broken_channel_is_one_without_a_key(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broken = tmp_path / "channel.json"
    broken.write_text("{")
    monkeypatch.setattr(paths, "resource", lambda _name: broken)
    assert program_channel() == Channel()
    assert "channel" in caplog.text


# --- the thread -----------------------------------------------------------------------------------------------------


class Steps:
    """A clock whose waits end when the test says so; it tells how long each was to be."""

    def __init__(self) -> None:
        self.moment = 0.0
        self.waits: queue.SimpleQueue[float] = queue.SimpleQueue()
        self.going = threading.Semaphore(0)

    def now(self) -> float:
        return self.moment

    def pause(self, seconds: float) -> None:
        raise AssertionError(seconds)

    def wait(self, event: threading.Event, seconds: float) -> bool:
        self.waits.put(seconds)
        assert self.going.acquire(timeout=20)
        return event.is_set()


class Bench:
    """The thread, step by step."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.clock = Steps()
        self.busy = False
        self.news: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self.thread = Updates(place.desk, self.clock, self.news.put, lambda: self.busy)

    def waits(self) -> float:
        """Until the thread waits again; return for how long it wants to."""
        return self.clock.waits.get(timeout=20)

    def goes_on(self, seconds: float = 0.0) -> float:
        self.clock.moment += seconds
        self.clock.going.release()
        return self.waits()

    def told(self) -> UpdatesTold:
        event = self.news.get(timeout=20)
        assert isinstance(event, UpdatesTold)
        return event


@pytest.fixture
def bench(place: Place) -> Iterator[Bench]:
    made = Bench(place)
    yield made
    made.thread.stop()
    made.clock.going.release()
    assert made.thread.join(20)


def test_it_looks_some_time_after_the_start_and_then_once_a_day(bench: Bench) -> None:
    bench.place.desk.agree(yes=True)
    bench.thread.start()
    assert bench.told().state.notice is None
    assert bench.waits() == FIRST_S
    assert not bench.place.asked
    assert bench.goes_on(FIRST_S) == AGAIN_S
    assert bench.told().state.to_tell is not None
    assert bench.goes_on(AGAIN_S) == AGAIN_S
    assert len(bench.place.asked) == 1
    bench.place.now += DAY
    assert bench.goes_on(AGAIN_S) == AGAIN_S
    assert len(bench.place.asked) == 2


def test_without_a_yes_nothing_is_ever_asked(bench: Bench) -> None:
    bench.thread.start()
    bench.waits()
    for _ in range(5):
        bench.place.now += DAY
        bench.goes_on(AGAIN_S)
    bench.place.desk.agree(yes=False)
    bench.goes_on(AGAIN_S)
    assert not bench.place.asked


def test_after_a_yes_in_the_window_it_looks_at_once_but_not_before_its_time(bench: Bench) -> None:
    bench.thread.start()
    bench.waits()
    bench.thread.agree(yes=True)
    assert bench.goes_on(5.0) == FIRST_S - 5.0
    assert not bench.place.asked
    bench.thread.agree(yes=True)
    bench.goes_on(FIRST_S)
    assert len(bench.place.asked) == 1


def test_while_a_job_runs_it_waits_for_its_end(bench: Bench) -> None:
    bench.place.desk.agree(yes=True)
    bench.busy = True
    bench.thread.start()
    bench.waits()
    assert bench.goes_on(FIRST_S) == BUSY_S
    assert not bench.place.asked
    bench.busy = False
    assert bench.goes_on(BUSY_S) == AGAIN_S
    assert len(bench.place.asked) == 1


@pytest.mark.parametrize("brings", [UpdatesOffline(host="a"), b"garbage", ZeroDivisionError()], ids=repr)
def test_what_fails_by_itself_is_a_line_in_the_log_and_no_news(
    bench: Bench, brings: bytes | Exception, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "app")
    bench.place.desk.agree(yes=True)
    bench.place.brings = brings
    bench.thread.start()
    bench.told()
    bench.waits()
    assert bench.goes_on(FIRST_S) == AGAIN_S
    news = bench.told()  # when it looked last, and not a word
    assert news.came is None
    assert news.state.tried is not None
    assert news.state.notice is None
    assert bench.news.empty()
    assert "looking for updates" in caplog.text
    assert bench.goes_on(AGAIN_S) == AGAIN_S
    assert len(bench.place.asked) == 1


@pytest.mark.parametrize(
    ("brings", "bad", "words"),
    [
        (envelope(), False, "Version 0.2.0 is there"),
        (envelope(version="0.1.0"), False, "No newer version"),
        (UpdatesOffline(host="releases.example"), True, "releases.example cannot be reached"),
        (b"garbage", True, "thrown away"),
        (ZeroDivisionError(), True, "mistake"),
    ],
    ids=["newer", "same", "offline", "garbage", "bug"],
)
def test_a_look_that_was_asked_for_says_plainly_what_came(
    bench: Bench, brings: bytes | Exception, bad: bool, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    bench.place.brings = brings
    bench.thread.start()
    bench.told()
    bench.waits()
    bench.thread.look()
    bench.goes_on()
    came = bench.told().came
    assert came is not None
    assert came.bad is bad
    assert words in came.words.english()


def test_orders_are_carried_out_and_told(bench: Bench) -> None:
    bench.place.desk.look()
    bench.thread.start()
    assert bench.told().state.to_tell is not None
    bench.waits()
    bench.thread.put_off(FOUND)
    bench.thread.skip(FOUND)
    bench.thread.set_address("http://nowhere.example")
    bench.thread.set_address("https://mirror.example/n")
    bench.thread.set_address("")
    bench.goes_on()
    told = [bench.told() for _ in range(5)]
    assert [each.state.quiet for each in told] == [True] * 5
    assert [each.came is not None and each.came.bad for each in told] == [False, False, True, False, False]
    assert [each.state.address for each in told[3:]] == ["https://mirror.example/n", CHANNEL.address]


def test_the_end_of_the_program_ends_a_look_that_has_begun(bench: Bench) -> None:
    begun = threading.Event()

    def fetch_slowly(_address: str, check: Callable[[], None]) -> bytes:
        begun.set()
        while True:
            check()

    bench.place.desk._fetch = fetch_slowly
    bench.thread.start()
    bench.waits()
    bench.thread.look()
    bench.clock.going.release()
    assert begun.wait(20)
    bench.thread.stop()
    bench.clock.going.release()
    assert bench.thread.join(20)
    assert bench.place.desk.state().tried is None  # the next start may look


@pytest.mark.parametrize("asked", [True, False])
def test_what_was_said_just_before_the_end_is_remembered(bench: Bench, asked: bool) -> None:
    bench.thread.start()
    bench.waits()
    if asked:
        bench.thread.look()  # which ends at once
    bench.thread.agree(yes=False)
    bench.thread.stop()
    bench.clock.going.release()
    assert bench.thread.join(20)
    assert bench.place.book.read() == Kept(agreed=False, put_off=True)
    assert not bench.place.asked


def test_a_no_ends_a_look_that_nobody_asked_for(bench: Bench) -> None:
    def fetch_slowly(_address: str, check: Callable[[], None]) -> bytes:
        bench.thread.agree(yes=False)
        check()
        raise AssertionError

    bench.place.desk.agree(yes=True)
    bench.place.desk._fetch = fetch_slowly
    bench.thread.start()
    bench.waits()
    assert bench.goes_on(FIRST_S) == AGAIN_S
    bench.goes_on()
    assert bench.place.book.read().agreed is False
    bench.place.desk._fetch = bench.place.fetch
    bench.thread.agree(yes=True)
    bench.place.now += DAY
    bench.goes_on()
    assert len(bench.place.asked) == 1


def test_what_was_said_in_the_terminal_and_the_end_of_a_notice_come_to_the_window(bench: Bench) -> None:
    bench.place.desk.look()
    bench.thread.start()
    assert bench.told().state.to_tell is not None
    bench.waits()
    UpdateDesk(CHANNEL, bench.place.book).agree(yes=False)
    bench.goes_on(FIRST_S)
    assert bench.told().state.agreed is False
    bench.place.now += timedelta(days=365)
    bench.goes_on(AGAIN_S)
    assert bench.told().state.notice is None
    bench.goes_on(AGAIN_S)
    assert bench.news.empty()
