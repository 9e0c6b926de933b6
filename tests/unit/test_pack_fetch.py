"""Downloading files of the rescue pack, from a server in this process that misbehaves in every way."""

from __future__ import annotations

import errno
import os
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.certificate import Certificate
from support.pack_source import PackSource
from support.real_pack import real_pack

from app.faults import (
    Cancelled,
    Fault,
    PackContentWrong,
    PackNoRoom,
    PackNotTrusted,
    PackOffline,
    PackProxyUnusable,
    PackSourceRefused,
)
from app.files import FileActions
from app.firmware import fetch
from app.firmware.fetch import SOURCE, Fetcher
from app.firmware.pack import PACK, PackState, RescuePack, pack_file

BIG = "photon-system-part2@2.2.0.bin"
OTHER = "deep_update_2014_06.bin"
BIG_SIZE = pack_file(BIG).size


@pytest.fixture(autouse=True)
def no_proxy_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def source() -> Iterator[PackSource]:
    real = real_pack()
    with PackSource({f"/{file.remote}": real.read(file.name) for file in PACK}) as made:
        yield made


@pytest.fixture
def pack(tmp_path: Path) -> RescuePack:
    return RescuePack(tmp_path / "pack")


def state(pack: RescuePack, name: str) -> PackState:
    return next(item.state for item in pack.items() if item.file.name == name)


def part(pack: RescuePack, name: str = BIG) -> Path:
    return pack.root / f".{name}.part"


def left_behind(pack: RescuePack) -> list[str]:
    return [path.name for path in pack.root.iterdir() if path.name.startswith(".")] if pack.root.exists() else []


class Stopper:
    """Stops the download when the first bytes of a file came."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._now = False

    def progress(self, name: str, done: int, _total: int) -> None:
        self._now = name == self._name and done > 0

    def check(self) -> None:
        if self._now:
            raise Cancelled


def test_everything_comes_from_the_tags_of_the_public_repository(pack: RescuePack, source: PackSource) -> None:
    heard: list[tuple[str, int, int]] = []
    names = [file.name for file in PACK]
    Fetcher(pack, source.address).fetch(names, lambda *news: heard.append(news))
    assert {item.state for item in pack.items()} == {PackState.PRESENT}
    assert len(source.asked) == len(PACK)
    assert "/v2.16.0/assets/updates/photon-bootloader%402.2.0%2Blto.bin" in {one.target for one in source.asked}
    assert "/v1.16.0/updates/system-part1-0.5.2-photon.bin" in {one.target for one in source.asked}
    for name in names:
        mine = [(done, total) for one, done, total in heard if one == name]
        assert mine[0] == (0, pack_file(name).size)
        assert mine[-1] == (pack_file(name).size, pack_file(name).size)
        assert mine == sorted(mine)
    assert not left_behind(pack)


def test_the_address_is_that_of_the_public_repository() -> None:
    assert SOURCE.startswith("https://")
    assert SOURCE.endswith("/particle-iot/particle-cli")


def test_a_file_asked_for_twice_comes_once(pack: RescuePack, source: PackSource) -> None:
    Fetcher(pack, source.address).fetch([OTHER, OTHER])
    assert len(source.asked) == 1


def test_an_unknown_name_is_refused_before_anything_is_asked(pack: RescuePack, source: PackSource) -> None:
    with pytest.raises(KeyError):
        Fetcher(pack, source.address).fetch([OTHER, "../../etc/passwd"])
    assert not source.asked


def test_a_cut_line_goes_on_where_it_ended(pack: RescuePack, source: PackSource) -> None:
    source.cuts = [100_000, 50_000, 1, None]
    Fetcher(pack, source.address).fetch([BIG])
    begins = [one.begin for one in source.asked]
    assert begins[0] is None
    assert [begin or 0 for begin in begins] == [0, 100_000, 150_000, 150_001]
    assert state(pack, BIG) is PackState.PRESENT
    assert not left_behind(pack)


def test_a_line_that_is_cut_again_and_again_ends_and_the_next_download_goes_on(
    pack: RescuePack, source: PackSource
) -> None:
    source.cuts = [100_000, 0, 0, 0, 0, 0]
    with pytest.raises(PackOffline):
        Fetcher(pack, source.address).fetch([BIG])
    assert len(source.asked) == 1 + fetch.TRIES
    assert state(pack, BIG) is PackState.MISSING
    source.cuts = []
    heard: list[int] = []
    Fetcher(pack, source.address).fetch([BIG], lambda _name, done, _total: heard.append(done))
    assert source.asked[-1].begin == 100_000
    assert heard[0] == 100_000
    assert state(pack, BIG) is PackState.PRESENT


def test_a_stop_in_the_middle_keeps_what_came(pack: RescuePack, source: PackSource) -> None:
    stopper = Stopper(BIG)
    with pytest.raises(Cancelled):
        Fetcher(pack, source.address).fetch([OTHER, BIG], stopper.progress, stopper.check)
    assert state(pack, OTHER) is PackState.PRESENT
    assert state(pack, BIG) is PackState.MISSING
    kept = part(pack).stat().st_size
    assert 0 < kept < BIG_SIZE
    Fetcher(pack, source.address).fetch([BIG])
    assert source.asked[-1].begin == kept
    assert state(pack, BIG) is PackState.PRESENT
    assert not left_behind(pack)


def test_what_came_is_on_the_disk_while_the_rest_is_coming(pack: RescuePack, source: PackSource) -> None:
    seen: list[int] = []

    def look() -> None:
        if part(pack).exists():
            seen.append(part(pack).stat().st_size)

    Fetcher(pack, source.address).fetch([BIG], check=look)
    assert max(seen) >= BIG_SIZE - 2 * fetch.SAVE_EVERY  # a killed program loses no more than that


def test_a_source_that_ignores_ranges_is_asked_for_the_whole_file(pack: RescuePack, source: PackSource) -> None:
    source.ranges = False
    source.cuts = [200_000]
    Fetcher(pack, source.address).fetch([BIG])
    assert source.asked[-1].begin == 200_000
    assert state(pack, BIG) is PackState.PRESENT


def test_a_source_that_answers_another_range_is_asked_from_the_start(pack: RescuePack, source: PackSource) -> None:
    source.begins_elsewhere = True
    source.cuts = [200_000]
    Fetcher(pack, source.address).fetch([BIG])
    assert [one.begin for one in source.asked] == [None, 200_000, None]
    assert state(pack, BIG) is PackState.PRESENT


def test_a_wrong_beginning_from_an_earlier_time_is_thrown_away(pack: RescuePack, source: PackSource) -> None:
    pack.root.mkdir(parents=True)
    part(pack).write_bytes(b"x" * 70_000)
    Fetcher(pack, source.address).fetch([BIG])
    assert [one.begin for one in source.asked] == [70_000, None]
    assert state(pack, BIG) is PackState.PRESENT
    assert not left_behind(pack)


def test_a_download_sweeps_what_killed_programs_left_and_goes_on_with_the_rest(
    pack: RescuePack, source: PackSource
) -> None:
    pack.root.mkdir(parents=True)
    part(pack).write_bytes(source.files[f"/{pack_file(BIG).remote}"][:70_000])
    for old in (part(pack, OTHER), part(pack, "gone.bin"), part(pack, f"{BIG}.0123abcd")):
        old.write_bytes(b"x" * 70_000)
        os.utime(old, (0, 0))
    Fetcher(pack, source.address).fetch([OTHER, BIG])
    assert [one.begin for one in source.asked] == [None, 70_000]
    assert not left_behind(pack)


@pytest.mark.parametrize("size", [BIG_SIZE, BIG_SIZE + 5])
def test_an_earlier_beginning_as_long_as_the_file_is_not_used(pack: RescuePack, source: PackSource, size: int) -> None:
    pack.root.mkdir(parents=True)
    part(pack).write_bytes(b"x" * size)
    Fetcher(pack, source.address).fetch([BIG])
    assert [one.begin for one in source.asked] == [None]


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("change", ["one bit", "shorter", "longer", "empty", "another file"])
def test_wrong_content_is_refused_and_nothing_is_kept(
    pack: RescuePack, source: PackSource, change: str, chunked: bool
) -> None:
    path = f"/{pack_file(BIG).remote}"
    right = source.files[path]
    wrong = {
        "one bit": bytes([right[0] ^ 1]) + right[1:],
        "shorter": right[:-1],
        "longer": right + b"\0",
        "empty": b"",
        "another file": source.files[f"/{pack_file(OTHER).remote}"],
    }[change]
    source.files = {**source.files, path: wrong}
    source.chunked = chunked
    with pytest.raises(PackContentWrong) as caught:
        Fetcher(pack, source.address).fetch([OTHER, BIG])
    assert BIG in caught.value.cause.english()
    assert state(pack, OTHER) is PackState.PRESENT
    assert state(pack, BIG) is PackState.MISSING
    assert not left_behind(pack)


def test_without_a_length_the_end_of_the_line_is_no_proof_of_the_end(pack: RescuePack, source: PackSource) -> None:
    source.length = False
    source.cuts = [100_000, None]
    Fetcher(pack, source.address).fetch([BIG])
    assert [one.begin for one in source.asked] == [None, 100_000]
    assert state(pack, BIG) is PackState.PRESENT


def test_a_damaged_file_stays_until_the_right_one_is_whole(pack: RescuePack, source: PackSource) -> None:
    pack.root.mkdir(parents=True)
    (pack.root / BIG).write_bytes(b"damaged")
    source.cuts = [1000, 0, 0, 0]
    with pytest.raises(PackOffline):
        Fetcher(pack, source.address).fetch([BIG])
    assert state(pack, BIG) is PackState.DAMAGED
    Fetcher(pack, source.address).fetch([BIG])
    assert state(pack, BIG) is PackState.PRESENT


@pytest.mark.parametrize("status", [403, 404, 429, 500, 503])
def test_a_source_that_refuses_says_so_with_its_number(pack: RescuePack, source: PackSource, status: int) -> None:
    source.status = status
    if status == 404:
        source.status, source.files = 200, {}
    with pytest.raises(PackSourceRefused) as caught:
        Fetcher(pack, source.address).fetch([BIG])
    assert str(status) in caught.value.cause.english()
    assert BIG in caught.value.cause.english()
    assert "drop it on the window" in caught.value.next_step.english()
    assert not left_behind(pack)


def test_a_source_that_has_moved_is_followed(pack: RescuePack, source: PackSource) -> None:
    with PackSource(moved_to=source.address) as old:
        Fetcher(pack, old.address).fetch([OTHER])
    assert state(pack, OTHER) is PackState.PRESENT


def test_a_source_that_moves_in_circles_ends(pack: RescuePack, source: PackSource) -> None:
    source.moved_to = source.address
    with pytest.raises(PackOffline):
        Fetcher(pack, source.address).fetch([OTHER])
    assert len(source.asked) == fetch.MOST_REDIRECTS + 1


def closed_port() -> str:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.mark.parametrize("address", ["", "http://nowhere.invalid", "https://nowhere.invalid"])
def test_offline_is_one_clear_fault_with_a_next_step(pack: RescuePack, address: str) -> None:
    address = address or closed_port()
    with pytest.raises(PackOffline) as caught:
        Fetcher(pack, address).fetch([OTHER, BIG])
    assert address.split("/")[2].split(":")[0] in caught.value.cause.english()
    assert "package file" in caught.value.next_step.english()
    assert "drop it on the window" in caught.value.next_step.english()
    assert caught.value.detail
    assert not left_behind(pack)


def test_a_source_that_falls_silent_counts_as_cut(
    pack: RescuePack, source: PackSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "READ_S", 0.05)
    go_on = threading.Event()

    def wait() -> None:
        go_on.wait(10)

    source.before = wait
    try:
        with pytest.raises(PackOffline):
            Fetcher(pack, source.address).fetch([BIG])
    finally:
        go_on.set()


def test_the_proxy_of_the_environment_is_used(
    pack: RescuePack, source: PackSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", source.address)
    source.cuts = [1000]
    Fetcher(pack, "http://source.invalid").fetch([OTHER])  # only the proxy can find it
    assert source.asked[0].target == f"http://source.invalid/{pack_file(OTHER).remote}"
    assert [one.begin for one in source.asked] == [None, 1000]
    assert state(pack, OTHER) is PackState.PRESENT


def test_a_host_the_environment_takes_out_goes_past_the_proxy(
    pack: RescuePack, source: PackSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", closed_port())
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    Fetcher(pack, source.address).fetch([OTHER])
    assert state(pack, OTHER) is PackState.PRESENT


def test_a_proxy_that_wants_a_password_is_named_as_the_cause(
    pack: RescuePack, source: PackSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", source.address)
    source.status = 407
    with pytest.raises(PackProxyUnusable) as caught:
        Fetcher(pack, "https://source.invalid").fetch([OTHER])
    assert source.asked[0].target == "source.invalid:443"
    assert "407" in caught.value.detail


@pytest.mark.parametrize("proxy", ["http://me:hidden@127.0.0.1:no-number", "strange://me:hidden@127.0.0.1"])
def test_a_proxy_setting_nobody_can_use_is_named_without_its_password(
    pack: RescuePack, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    with pytest.raises(PackProxyUnusable) as caught:
        Fetcher(pack, "http://source.invalid").fetch([OTHER])
    assert "hidden" not in repr(caught.value) + caught.value.detail
    assert "ALL_PROXY" in caught.value.next_step.english()


def test_a_socks_proxy_is_used(pack: RescuePack, source: PackSource, monkeypatch: pytest.MonkeyPatch) -> None:
    with PackSource(source.files, socks=True) as proxy:
        monkeypatch.setenv("ALL_PROXY", proxy.address.replace("http://", "socks5://"))
        Fetcher(pack, "http://source.invalid").fetch([OTHER])  # only the proxy can find it
    assert [one.target for one in proxy.asked] == ["source.invalid:80", f"/{pack_file(OTHER).remote}"]
    assert state(pack, OTHER) is PackState.PRESENT


def test_a_socks_proxy_that_is_not_there_is_offline(pack: RescuePack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", closed_port().replace("http://", "socks5://"))
    with pytest.raises(PackOffline):
        Fetcher(pack, "http://source.invalid").fetch([OTHER])


def test_a_certificate_this_computer_does_not_trust_is_no_missing_connection(
    pack: RescuePack, source: PackSource, tmp_path: Path
) -> None:
    with PackSource(source.files, identity=Certificate(tmp_path).context) as own:
        with pytest.raises(PackNotTrusted) as caught:
            Fetcher(pack, own.address).fetch([OTHER])
        assert not own.asked
    assert "127.0.0.1" in caught.value.cause.english()
    assert "certificate" in caught.value.cause.english()
    assert "drop it on the window" in caught.value.next_step.english()
    assert "self-signed" in caught.value.detail.replace(" ", "-") or sys.platform != "linux"
    assert not left_behind(pack)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system's store cannot be set for one test")
def test_the_certificate_of_a_network_that_the_computer_trusts_is_good_enough(
    pack: RescuePack, source: PackSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = Certificate(tmp_path)
    certificate.trust(monkeypatch)
    with PackSource(source.files, identity=certificate.context) as own:
        Fetcher(pack, own.address).fetch([OTHER])
    assert state(pack, OTHER) is PackState.PRESENT


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system's store cannot be set for one test")
def test_a_certificate_that_has_run_out_leads_to_the_clock(
    pack: RescuePack, source: PackSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = Certificate(tmp_path, days=-1)
    certificate.trust(monkeypatch)
    with PackSource(source.files, identity=certificate.context) as own, pytest.raises(PackNotTrusted) as caught:
        Fetcher(pack, own.address).fetch([OTHER])
    assert "expired" in caught.value.detail
    assert "date and time" in caught.value.next_step.english()


def test_two_programs_download_the_same_file_at_once(tmp_path: Path, source: PackSource) -> None:
    both = threading.Barrier(2)

    def wait() -> None:
        both.wait(10)

    source.before = wait
    ends: list[Fault | None] = []

    def program() -> None:
        try:
            Fetcher(RescuePack(tmp_path / "pack"), source.address).fetch([BIG])
            ends.append(None)
        except Fault as fault:
            ends.append(fault)

    threads = [threading.Thread(target=program) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert ends == [None, None]
    pack = RescuePack(tmp_path / "pack")
    assert state(pack, BIG) is PackState.PRESENT
    assert not left_behind(pack)


def test_one_program_stops_again_and_again_while_another_goes_on(tmp_path: Path, source: PackSource) -> None:
    first, second = RescuePack(tmp_path / "pack"), RescuePack(tmp_path / "pack")
    stops = []

    def check() -> None:
        stopper = Stopper(BIG)
        try:
            Fetcher(second, source.address).fetch([BIG], stopper.progress, stopper.check)
        except Cancelled:
            stops.append(True)

    Fetcher(first, source.address).fetch([BIG], check=check)
    assert stops
    assert state(first, BIG) is PackState.PRESENT


class FullDisk(FileActions):
    """A disk without room."""

    def write(self, descriptor: int, content: bytes) -> None:
        raise OSError(errno.ENOSPC, "no room")


def test_a_full_disk_while_downloading_says_so(tmp_path: Path, source: PackSource) -> None:
    pack = RescuePack(tmp_path / "pack", actions=FullDisk())
    with pytest.raises(PackNoRoom) as caught:
        Fetcher(pack, source.address, actions=FullDisk()).fetch([BIG])
    assert str(tmp_path) in caught.value.cause.english()
    assert not left_behind(pack)
