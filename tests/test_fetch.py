"""Fetching, against a loopback server that answers as documented, and then in every way that it should not."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from stores import empty_store

from analyzer import sources
from analyzer.errors import FetchError, UnknownName
from analyzer.fetching import USER_AGENT, Patience, fetch, planned
from analyzer.store.loading import expand, load_file

FEBRUARY = (date(2024, 2, 1), date(2024, 3, 1))
BODY = "date,country,users,frac\n" + "".join(f"2024-02-{d:02d},pk,{1800 + d},94\n" for d in range(1, 30))
CSV = {"Content-Type": "text/csv;charset=utf-8"}


@dataclass
class Answer:
    """One answer of the server; `cut` ends the body early, `drip` waits before each byte."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: dict(CSV))
    body: bytes = BODY.encode()
    cut: int | None = None
    drip: float = 0.0


@dataclass
class Site:
    """A server that gives one answer after the other, the last one for ever, and remembers what it was asked."""

    address: str = ""
    answers: list[Answer | Callable[[Any], Answer]] = field(default_factory=list)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def next(self, request: Any) -> Answer:
        self.asked.append((request.path, dict(request.headers)))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return answer(request) if callable(answer) else answer


def handler_of(site: Site) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = site.next(self)
            self.send_response(answer.status)
            for name, value in ({"Content-Length": str(len(answer.body))} | answer.headers).items():
                if value:
                    self.send_header(name, value)
            self.end_headers()
            sent = answer.body if answer.cut is None else answer.body[: answer.cut]
            step = 1 if answer.drip else max(len(sent), 1)
            for at in range(0, len(sent), step):
                time.sleep(answer.drip)
                try:
                    self.wfile.write(sent[at : at + step])
                except OSError:
                    return  # the client has had enough, as it should
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            """The test's own output is enough."""

    return Handler


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    site = Site()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(site))
    site.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield site
    server.shutdown()
    server.server_close()


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def __call__(self) -> float:
        return sum(self.slept)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def patience(clock: Clock, **changes: Any) -> Patience:
    now = datetime(2024, 3, 5, 12)
    return replace(Patience(sleep=clock.sleep, clock=clock, now=lambda: now, silence=0.3), **changes)


def get(site: Site, folder: Path, clock: Clock, *answers: Any, **changes: Any) -> Path:
    site.answers = list(answers)
    kept = patience(clock, **changes)
    (path,) = fetch("tor_bridge_users", "PK", *FEBRUARY, folder=folder, endpoint=site.address, patience=kept)
    return path


def note_of(path: Path) -> dict[str, Any]:
    return json.loads(path.with_name(path.name + ".origin.json").read_text())  # type: ignore[no-any-return]


def nothing_left(folder: Path) -> bool:
    return not [p for p in folder.rglob("*") if p.is_file()]


def test_a_file_lands_in_a_dated_folder_with_a_note_of_where_it_came_from(
    site: Site, tmp_path: Path, clock: Clock
) -> None:
    path = get(site, tmp_path, clock, Answer(headers=CSV | {"ETag": '"v1"'}))
    name = "userstats-bridge-country-pk-2024-02-01_2024-03-01.csv"
    assert path == tmp_path / "tor_bridge_users" / "2024-03-05" / name
    assert path.read_text() == BODY
    note = note_of(path)
    assert note["address"] == f"{site.address}/userstats-bridge-country.csv?start=2024-02-01&end=2024-02-29&country=pk"
    assert (note["retrieved_at"], note["status"], note["headers"]["etag"]) == ("2024-03-05T12:00:00Z", 200, '"v1"')
    assert note["licence"] == sources.source_named("tor_bridge_users").licence


def test_what_was_fetched_loads_with_its_address_and_time(site: Site, tmp_path: Path, clock: Clock) -> None:
    path = get(site, tmp_path / "snapshots", clock, Answer())
    store = empty_store(tmp_path)
    assert expand([tmp_path / "snapshots"]) == [str(path)]
    assert load_file(store, path).rows_loaded == 29
    with store.reading() as con:
        (found,) = con.table("snapshots").project("origin, sha256, retrieved_at").fetchall()
    assert found == (note_of(path)["address"], note_of(path)["sha256"], datetime(2024, 3, 5, 12))


def test_we_say_who_we_are_and_ask_for_the_bytes_as_they_are(site: Site, tmp_path: Path, clock: Clock) -> None:
    get(site, tmp_path, clock, Answer())
    headers = site.asked[0][1]
    assert headers["User-Agent"] == USER_AGENT
    assert USER_AGENT.startswith("vpn-uptake/")
    assert headers["Accept-Encoding"] == "identity"


def test_a_dry_run_asks_nobody_and_writes_nothing(site: Site, tmp_path: Path, clock: Clock) -> None:
    would = fetch("tor_bridge_users", "PK", *FEBRUARY, folder=tmp_path, dry_run=True, patience=patience(clock))
    assert [p.name for p in would] == ["userstats-bridge-country-pk-2024-02-01_2024-03-01.csv"]
    assert site.asked == []
    assert nothing_left(tmp_path)


def test_a_mirror_replaces_scheme_and_host_only() -> None:
    source = sources.source_named("tor_relay_users")
    (request,) = planned(source, "pk", *FEBRUARY, endpoint="http://mirror.example:8080/tor/")
    at = urlsplit(request.url)
    assert (at.scheme, at.netloc, at.path) == ("http", "mirror.example:8080", "/tor/userstats-relay-country.csv")
    assert at.query == "start=2024-02-01&end=2024-02-29&country=pk&events=off"


def test_the_server_says_how_long_to_wait(site: Site, tmp_path: Path, clock: Clock) -> None:
    path = get(site, tmp_path, clock, Answer(429, {"Retry-After": "37"}, b"slow down"), Answer())
    assert clock.slept == [37.0]
    assert path.read_text() == BODY


def test_the_server_may_say_it_as_a_date(site: Site, tmp_path: Path, clock: Clock) -> None:
    until = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    get(site, tmp_path, clock, Answer(503, {"Retry-After": until}, b""), Answer())
    assert 80 < clock.slept[0] <= 90


def test_a_wait_beyond_our_time_is_not_waited_for(site: Site, tmp_path: Path, clock: Clock) -> None:
    with pytest.raises(FetchError, match="answered 429; the next attempt would come after 86400 s"):
        get(site, tmp_path, clock, Answer(429, {"Retry-After": "86400"}, b""), Answer())
    assert clock.slept == []


def test_failures_are_met_with_longer_pauses_and_then_an_end(site: Site, tmp_path: Path, clock: Clock) -> None:
    with pytest.raises(FetchError, match="answered 502; gave up after 6 attempts: try again later"):
        get(site, tmp_path, clock, Answer(502, {}, b"bad gateway"))
    assert len(site.asked) == 6
    assert [2 * 2**n * 0.5 <= pause <= 2 * 2**n * 1.5 for n, pause in enumerate(clock.slept)] == [True] * 5
    assert nothing_left(tmp_path)


def test_the_pauses_are_the_same_for_the_same_seed(site: Site, tmp_path: Path) -> None:
    pauses = []
    for seed in (1, 1, 2):
        clock = Clock()
        with pytest.raises(FetchError):
            get(site, tmp_path, clock, Answer(500, {}, b""), seed=seed)
        pauses.append(clock.slept)
    assert pauses[0] == pauses[1] != pauses[2]


def resuming(request: Any) -> Answer:
    """What a server does that knows ranges: the rest of the body, from where it is asked for."""
    start = int(request.headers["Range"].removeprefix("bytes=").removesuffix("-"))
    rest = BODY.encode()[start:]
    place = f"bytes {start}-{len(BODY) - 1}/{len(BODY)}"
    return Answer(206, CSV | {"Content-Range": place, "ETag": '"v1"'}, rest)


RESUMABLE = CSV | {"ETag": '"v1"', "Accept-Ranges": "bytes"}


def test_a_cut_body_is_continued_where_it_broke(site: Site, tmp_path: Path, clock: Clock) -> None:
    path = get(site, tmp_path, clock, Answer(headers=RESUMABLE, cut=200), resuming)
    assert path.read_text() == BODY
    headers = site.asked[1][1]
    assert (headers["Range"], headers["If-Range"]) == ("bytes=200-", '"v1"')


@pytest.mark.parametrize(
    "headers",
    [CSV, CSV | {"ETag": '"v1"'}, CSV | {"ETag": 'W/"v1"', "Accept-Ranges": "bytes"}],
    ids=["no mark", "no ranges", "weak mark"],
)
def test_a_cut_body_that_cannot_be_continued_is_begun_again(
    site: Site, tmp_path: Path, clock: Clock, headers: dict[str, str]
) -> None:
    path = get(site, tmp_path, clock, Answer(headers=headers, cut=200), Answer())
    assert path.read_text() == BODY
    assert "Range" not in site.asked[1][1]


def test_a_body_without_length_that_breaks_off_in_a_line_is_asked_for_again(
    site: Site, tmp_path: Path, clock: Clock
) -> None:
    unmeasured = CSV | {"Content-Length": ""}
    path = get(site, tmp_path, clock, Answer(headers=unmeasured, cut=205), Answer(headers=unmeasured))
    assert len(site.asked) == 2
    assert path.read_text() == BODY


def test_a_file_that_changed_between_two_attempts_is_not_mixed(site: Site, tmp_path: Path, clock: Clock) -> None:
    """If-Range is answered with the whole new file, which replaces what there was of the old one."""
    changed = BODY.replace("18", "19").encode()
    path = get(site, tmp_path, clock, Answer(headers=RESUMABLE, cut=200), Answer(body=changed))
    assert path.read_bytes() == changed


def test_a_server_that_continues_elsewhere_is_asked_for_the_whole(site: Site, tmp_path: Path, clock: Clock) -> None:
    wrong = Answer(206, CSV | {"Content-Range": "bytes 7-9/999"}, b"abc")
    path = get(site, tmp_path, clock, Answer(headers=RESUMABLE, cut=200), wrong, Answer())
    assert path.read_text() == BODY


def test_silence_is_retried(site: Site, tmp_path: Path, clock: Clock) -> None:
    path = get(site, tmp_path, clock, Answer(drip=1.0), Answer())
    assert len(clock.slept) == 1
    assert path.read_text() == BODY


def test_a_body_that_drips_for_ever_is_given_up_in_time(site: Site, tmp_path: Path) -> None:
    slow = Patience(silence=1.0, total=0.5, sleep=lambda _: None)
    site.answers = [Answer(drip=0.02)]
    with pytest.raises(FetchError, match=r"not complete within 0\.5 s|beyond the time"):
        fetch("tor_bridge_users", "PK", *FEBRUARY, folder=tmp_path, endpoint=site.address, patience=slow)
    assert nothing_left(tmp_path)


HTML = b"<html><body>Please sign in</body></html>"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Answer(200, {"Content-Type": "text/html; charset=utf-8"}, HTML), "with a web page, not with data"),
        (Answer(200, CSV, HTML), "did not give the documented file: the answer is an HTML page"),
        (Answer(200, {"Content-Type": "image/png"}, b"\x89PNG"), "answered with image/png, not with a table"),
        (Answer(200, CSV, b""), "did not give the documented file: the answer is empty"),
        (Answer(200, CSV, b"Internal error, try later\n"), "did not give the documented file"),
        (Answer(404, CSV, b"not found"), "answered 404; check the country and the dates"),
        (Answer(403, CSV, b"no"), "answered 403"),
        (Answer(302, {"Location": "ftp://example.org/x"}, b""), "leads to no web address"),
    ],
)
def test_an_answer_that_is_not_the_file_is_refused_at_once(
    site: Site, tmp_path: Path, clock: Clock, answer: Answer, why: str
) -> None:
    with pytest.raises(FetchError, match=why) as caught:
        get(site, tmp_path, clock, answer)
    assert "\n" not in str(caught.value)
    assert clock.slept == []
    assert nothing_left(tmp_path)


def test_a_redirect_is_followed_and_both_addresses_are_noted(site: Site, tmp_path: Path, clock: Clock) -> None:
    path = get(site, tmp_path, clock, Answer(302, {"Location": "/elsewhere.csv"}, b""), Answer())
    assert note_of(path)["final_address"] == f"{site.address}/elsewhere.csv"


def test_a_redirect_in_a_circle_is_said_so(site: Site, tmp_path: Path, clock: Clock) -> None:
    with pytest.raises(FetchError, match="redirects in a circle"):
        get(site, tmp_path, clock, Answer(302, {"Location": "/again"}, b""))
    assert len(site.asked) < 10


def test_a_snapshot_is_never_overwritten(site: Site, tmp_path: Path, clock: Clock) -> None:
    first = get(site, tmp_path, clock, Answer())
    assert get(site, tmp_path, clock, Answer()) == first
    revised = get(site, tmp_path, clock, Answer(body=BODY.replace("1801", "1802").encode()))
    assert revised != first
    assert first.read_text() == BODY
    assert len(expand([tmp_path])) == 2


def test_nobody_there_is_an_error_after_some_attempts(tmp_path: Path, site: Site, clock: Clock) -> None:
    kept = patience(clock, attempts=2)
    with pytest.raises(FetchError, match="gave up after 2 attempts"):
        fetch("tor_bridge_users", "PK", *FEBRUARY, folder=tmp_path, endpoint="http://127.0.0.1:9", patience=kept)


def test_a_proxy_in_the_environment_is_used(
    site: Site, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", site.address)
    monkeypatch.delenv("NO_PROXY", raising=False)
    site.answers = [Answer()]
    kept, mirror = patience(clock), "http://mirror.invalid"
    fetch("tor_bridge_users", "PK", *FEBRUARY, folder=tmp_path, endpoint=mirror, patience=kept)
    assert site.asked[0][0].startswith("http://mirror.invalid/userstats-bridge-country.csv")


def test_a_socks_proxy_in_the_environment_is_used(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The greeting of SOCKS 5 begins with its version; this proxy hangs up after it."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as proxy:

        def hang_up() -> None:
            connection, _ = proxy.accept()
            with connection:
                heard.append(connection.recv(64))

        listener = threading.Thread(target=hang_up, daemon=True)
        listener.start()
        monkeypatch.setenv("ALL_PROXY", f"socks5://127.0.0.1:{proxy.getsockname()[1]}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        kept, mirror = patience(clock, attempts=1), "http://mirror.invalid"
        with pytest.raises(FetchError):
            fetch("tor_bridge_users", "PK", *FEBRUARY, folder=tmp_path, endpoint=mirror, patience=kept)
        listener.join(timeout=5)
    assert heard[0][0] == 5


@pytest.mark.parametrize(
    ("given", "error", "why"),
    [
        (("app_charts_play", "PK", *FEBRUARY), FetchError, "cannot be fetched: save its file by hand"),
        (("tor_bridge_users", "PK", FEBRUARY[1], FEBRUARY[0]), FetchError, "is empty"),
        (("tor_bridge_users", "QQ", *FEBRUARY), UnknownName, "QQ"),
        (("tor_bridge", "PK", *FEBRUARY), UnknownName, "tor_bridge_users"),
    ],
)
def test_what_cannot_be_asked_for_is_said_before_anyone_is_asked(
    tmp_path: Path, given: Any, error: type[Exception], why: str
) -> None:
    with pytest.raises(error, match=why):
        fetch(*given, folder=tmp_path)


def test_an_endpoint_that_is_no_address_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FetchError, match="is no address such as https"):
        fetch("tor_bridge_users", "PK", *FEBRUARY, folder=tmp_path, endpoint="mirror.example.org")


def test_a_folder_that_cannot_be_written_is_said_so(site: Site, tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(FetchError, match="cannot write into"):
        get(site, tmp_path / "file", clock, Answer())
