"""Documented files of public sources into dated snapshot folders, politely.

One request at a time, with our name; Retry-After is honoured, failures are retried with growing pauses, a cut body is
resumed, and the whole is bounded in time.  Proxies are taken from the environment (HTTPS_PROXY, ALL_PROXY=socks5://...).
What is saved is what was sent, byte for byte, with a note beside it that `load` reads: address, time, hash, headers.

Sources that revise their last days (`revised_days`) should be fetched with an overlap: asking from 10 days before the
last one held is the caller's choice, because only the caller knows what is held.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from analyzer import places, sources
from analyzer.errors import BadInput, FetchError
from analyzer.records import Origin, Request, Source
from analyzer.sources import _bytes
from analyzer.store._files import SIDECAR, UNFINISHED
from analyzer.version import __version__

if TYPE_CHECKING:
    import httpx

USER_AGENT = f"vpn-uptake/{__version__} (research; one request at a time)"
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
# What a table or chart may come as; anything else is a page, an image or a login form.
_TYPES = ("text/csv", "text/plain", "text/tab-separated-values", "application/", "binary/octet-stream")
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_KEPT_HEADERS = ("etag", "last-modified", "content-type", "content-length", "content-encoding", "date")

Progress = Callable[[int, int], None]  # bytes done, bytes in all (0 when not known)


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None, microsecond=0)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long and how often; the clocks are arguments so that tests need not wait."""

    attempts: int = 6
    pause: float = 2.0  # seconds before the second attempt; doubled each time, with jitter against stampedes
    longest_pause: float = 60.0
    silence: float = 30.0  # without a byte
    total: float = 900.0  # for all downloads of one call: a full Tor Metrics file takes about a minute
    seed: int = 0
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = _now


def planned(source: Source, cc: str, start: date, end: date, *, endpoint: str | None = None) -> list[Request]:
    """The downloads for a country and the half-open range of days, at a mirror when one is named.

    Raises FetchError when the source has no documented address or the range is empty.
    """
    if source.requests is None:
        able = ", ".join(s.name for s in sources.all_sources() if s.requests)
        raise FetchError(f"{source.name} cannot be fetched: save its file by hand and load it (can be fetched: {able})")
    if start >= end:
        raise FetchError(f"the range of days from {start} to {end} (exclusive) is empty")
    found = source.requests(places.check_country(cc), start, end)
    dated = [replace(r, filename=_dated(r.filename, start, end)) for r in found]
    return [replace(r, url=_at(endpoint, r.url)) for r in dated] if endpoint else dated


def _dated(filename: str, start: date, end: date) -> str:
    """Two ranges asked for on one day are two files."""
    name = Path(filename)
    return f"{name.stem}-{start}_{end}{name.suffix}"


def _at(endpoint: str, url: str) -> str:
    """The same path and query at another scheme and host (and below a path, when the endpoint has one)."""
    mirror, asked = urlsplit(endpoint), urlsplit(url)
    if mirror.scheme not in ("http", "https") or not mirror.netloc:
        raise FetchError(f"--endpoint {endpoint!r} is no address such as https://mirror.example.org")
    return f"{mirror.scheme}://{mirror.netloc}{mirror.path.rstrip('/')}{asked.path}?{asked.query}"


def fetch(
    source: Source | str,
    cc: str,
    start: date,
    end: date,
    *,
    folder: str | Path,
    endpoint: str | None = None,
    progress: Progress | None = None,
    dry_run: bool = False,
    patience: Patience | None = None,
) -> list[Path]:
    """Download into `<folder>/<source>/<today>/` and return the files; with `dry_run` only where they would be.

    Raises FetchError when an answer is not the documented file; nothing of that answer is left behind.
    """
    declared = sources.source_named(source) if isinstance(source, str) else source
    patience = patience or Patience()
    requests = planned(declared, cc, start, end, endpoint=endpoint)
    keys = {} if dry_run else {r.token_in: _key(r) for r in requests if r.token_in}
    into = Path(folder) / declared.name / f"{patience.now():%Y-%m-%d}"
    if dry_run:
        return [into / request.filename for request in requests]
    try:
        into.mkdir(parents=True, exist_ok=True)
        with _client(patience) as client:
            visit = _Visit(client, declared, patience, patience.clock() + patience.total, progress, keys)
            return [visit.get(request, into) for request in requests]
    except OSError as error:
        raise FetchError(f"cannot write into {into}: {error.strerror or error}") from error


def _key(request: Request) -> dict[str, str]:
    """The header that shows the user's token; the token stands in no message and no file of ours.

    Raises FetchError where the environment holds none, or where it would travel in the clear.
    """
    name, asked = request.token_in, urlsplit(request.url)
    token = os.environ.get(name, "").strip()
    if not token:
        raise FetchError(f"{asked.hostname} asks for a token: put yours into the environment variable {name}")
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise FetchError(f"what stands in the environment variable {name} is no token: copy it again")
    if asked.scheme != "https" and asked.hostname not in _LOOPBACK:
        raise FetchError(f"the token in {name} is not sent to {asked.hostname} in the clear: name an https address")
    return {"Authorization": f"Bearer {token}"}


def _client(patience: Patience) -> httpx.Client:
    import httpx

    # Uncompressed, because a length and a range then count the bytes that are saved.
    headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
    try:
        return httpx.Client(headers=headers, timeout=patience.silence, follow_redirects=True, max_redirects=5)
    except (ValueError, ImportError) as error:
        raise FetchError(f"the proxy in the environment cannot be used: {error}") from error


class _Again(Exception):
    """This attempt failed in a way that the next may not; never leaves this module."""

    def __init__(self, why: str, wait: float | None = None) -> None:
        super().__init__(why)
        self.why, self.wait = why, wait


@dataclass(slots=True)
class _Body:
    """What has arrived of a file: where it lies, and by which mark the server would know it again."""

    part: Path
    mark: str = ""  # a strong ETag or a date of change: only then may a body be continued
    response: httpx.Response | None = None

    @property
    def size(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0


@dataclass(frozen=True, slots=True)
class _Visit:
    """The downloads of one call."""

    client: httpx.Client
    source: Source
    patience: Patience
    deadline: float
    progress: Progress | None
    keys: dict[str, dict[str, str]]  # by the name of the variable that holds the token

    def get(self, request: Request, into: Path) -> Path:
        body = _Body(into / f"{request.filename}.{os.getpid()}{UNFINISHED}")
        try:
            self._arrive(request, body)
            _check_content(body, request.url, Origin(request.filename, self.patience.now()))
            return self._keep(request, body, into)
        finally:
            body.part.unlink(missing_ok=True)

    def _arrive(self, request: Request, body: _Body) -> None:
        """Attempts until the body is whole."""
        jitter = random.Random(self.patience.seed)  # noqa: S311 - spreads requests, hides nothing
        for attempt in range(self.patience.attempts):
            try:
                self._attempt(request, body)
            except _Again as again:
                last = attempt + 1 == self.patience.attempts
                self._pause(again, attempt, jitter, f"{request.url}: {again.why}", last=last)
            else:
                return

    def _pause(self, again: _Again, attempt: int, jitter: random.Random, what: str, *, last: bool) -> None:
        """Wait as long as the server asks, or else longer each time; FetchError when there is no use or time."""
        growing = min(self.patience.pause * 2**attempt, self.patience.longest_pause) * jitter.uniform(0.5, 1.5)
        wait = growing if again.wait is None else again.wait
        if last:
            raise FetchError(f"{what}; gave up after {self.patience.attempts} attempts: try again later")
        if self.patience.clock() + wait > self.deadline:
            raise FetchError(f"{what}; the next attempt would come after {wait:.0f} s, beyond the time for this call")
        self.patience.sleep(wait)

    def _attempt(self, request: Request, body: _Body) -> None:
        import httpx
        from socksio.exceptions import SOCKSError

        url = request.url
        have = body.size if body.mark else 0
        headers = {"Range": f"bytes={have}-", "If-Range": body.mark} if have else {}
        headers |= self.keys.get(request.token_in, {})
        try:
            with self.client.stream("GET", url, headers=headers) as response:
                _judge(response, request)
                self._save(response, body, have)
        except httpx.TooManyRedirects as error:
            raise FetchError(f"{url} redirects in a circle: a login page or a broken mirror") from error
        except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
            raise FetchError(f"{url} leads to no web address: {error}") from error
        except httpx.TimeoutException as error:
            raise _Again(f"no byte within {self.patience.silence:g} s") from error
        except httpx.TransportError as error:
            raise _Again(str(error) or type(error).__name__) from error
        except SOCKSError as error:  # httpx lets these pass as they are
            raise _Again(f"the SOCKS proxy answered with something else: {error}") from error

    def _save(self, response: httpx.Response, body: _Body, have: int) -> None:
        """Append to what is there when the server continues it, else begin again; the whole length is checked."""
        continued = response.status_code == 206 and have > 0
        if continued and not response.headers.get("content-range", "").startswith(f"bytes {have}-"):
            body.mark = ""
            raise _Again("the server continued at another byte")
        at = have if continued else 0
        total = at + int(response.headers.get("content-length") or 0)
        body.mark, body.response = _mark(response), response
        with body.part.open("ab" if continued else "wb") as file:
            for block in response.iter_raw():  # as it comes: a fixed size would lose what came before a break
                at += file.write(block)
                self._tick(at, total, str(response.url))
        if "content-length" in response.headers and at != total:
            raise _Again(f"{at} of {total} bytes came")
        # A connection that just ends is how a body without a length ends, and also how it is cut.
        if not {"content-length", "transfer-encoding"} & response.headers.keys() and not _ends_a_line(body.part):
            raise _Again("the answer breaks off in the middle of a line")

    def _tick(self, done: int, total: int, url: str) -> None:
        if self.progress:
            self.progress(done, total)
        if self.patience.clock() > self.deadline:
            raise FetchError(f"{url}: not complete within {self.patience.total:g} s; try again later")

    def _keep(self, request: Request, body: _Body, into: Path) -> Path:
        """The body under its name, once its note is written; the same bytes fetched before stay as they are."""
        sha256 = _sha256(body.part)
        target = _free(into / request.filename, sha256)
        if not target.exists():
            _write_whole(target.with_name(target.name + SIDECAR), self._note(request, body, sha256))
            body.part.replace(target)
        return target

    def _note(self, request: Request, body: _Body, sha256: str) -> str:
        response = body.response
        assert response is not None  # noqa: S101 - a body came from a response
        note: dict[str, Any] = {
            "address": request.url,
            "final_address": str(response.url),
            "retrieved_at": self.patience.now().isoformat() + "Z",
            "sha256": sha256,
            "bytes": body.size,
            "status": response.status_code,
            "headers": {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers},
            "source": self.source.name,
            "licence": self.source.licence,
            "attribution": self.source.attribution,
            "tool_version": __version__,
        }
        return json.dumps(note, indent=1, sort_keys=True) + "\n"


def _judge(response: httpx.Response, request: Request) -> None:
    """Raises _Again for what may pass, FetchError for what will not."""
    status, url = response.status_code, request.url
    if status in _AGAIN:
        raise _Again(f"answered {status}", _retry_after(response.headers.get("retry-after", "")))
    if status == 416:
        raise _Again("the server has another file now")
    if status in (400, 401, 403) and request.token_in:
        also = "; or the range of days is one that it does not serve" if status == 400 else ""
        raise FetchError(
            f"{url} answered {status}: the token in {request.token_in} is expired, wrong or not allowed to read this: "
            f"make a new one{also}"
        )
    if status not in (200, 206):
        raise FetchError(f"{url} answered {status}; check the country and the dates, or name a mirror with --endpoint")
    kind = response.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind in ("text/html", "application/xhtml+xml"):
        raise FetchError(f"{url} answered with a web page, not with data: a portal, a block page or a moved address")
    if kind and not kind.startswith(_TYPES):
        raise FetchError(f"{url} answered with {kind}, not with a table")


def _retry_after(text: str) -> float | None:
    """Seconds to wait as the server states them, as a number or as a date."""
    if text.strip().isdigit():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def _mark(response: httpx.Response) -> str:
    """What If-Range needs; '' when the server would not continue this body."""
    if response.headers.get("accept-ranges", "bytes" if response.status_code == 206 else "") != "bytes":
        return ""
    etag = str(response.headers.get("etag", ""))
    return etag if etag and not etag.startswith("W/") else str(response.headers.get("last-modified", ""))


def _ends_a_line(part: Path) -> bool:
    with part.open("rb") as file:
        file.seek(max(0, part.stat().st_size - 1))
        return file.read() in (b"\n", b"")


def _check_content(body: _Body, url: str, origin: Origin) -> None:
    """Raises FetchError unless the body is a text that some source knows and begins to read."""
    name = "the answer"
    try:
        head = _bytes.head(body.part, name)
        source = sources.recognise(head, name)
        limit = _bytes.JSON_LIMIT if _bytes.is_json(head) else _bytes.LINE_LIMIT
        with closing(_bytes.Received(body.part)) as raw:
            lines = _bytes.numbered(_bytes.chunks(raw, name), name, limit, f"a file of {source.name}")
            next(source.read(lines, origin), None)  # an error that came with status 200 has no first row
    except BadInput as error:
        raise FetchError(f"{url} did not give the documented file: {error}") from error


def _free(target: Path, sha256: str) -> Path:
    """A name that is free or holds these very bytes: a snapshot is never overwritten."""
    candidate, count = target, 1
    while candidate.exists() and _sha256(candidate) != sha256:
        count += 1
        candidate = target.with_name(f"{target.stem}-{count}{target.suffix}")
    return candidate


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_whole(path: Path, text: str) -> None:
    unfinished = path.with_name(path.name + UNFINISHED)
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)
