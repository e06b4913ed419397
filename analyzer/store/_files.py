"""Files handed to a load: which they are, and what is known of each before its rows are read."""

from __future__ import annotations

import glob
import json
import re
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

from analyzer.errors import BadInput
from analyzer.records import Origin
from analyzer.sources._bytes import Digest

STDIN = "-"
SIDECAR = ".origin.json"  # beside a fetched file: where it came from and when
UNFINISHED = ".part"

_DATE = re.compile(r"(?<![0-9])(20[0-9]{2})-?([01][0-9])-?([0-3][0-9])(?![0-9])")
_ADDRESS = re.compile(r"^# URL: (\S+)", re.MULTILINE)
_RETRIEVED = re.compile(r"^#\s*(?:retrieved|downloaded|accessed)(?:[_ ]at)?:?\s+(\S+)", re.MULTILINE | re.IGNORECASE)
_UPDATED = re.compile(r'"updated"\s*:\s*(?:\{\s*"label"\s*:\s*)?"([^"]{8,60})"')


def expand(paths: Iterable[str | Path]) -> list[str]:
    """Files, folders (every file below, hidden ones and our own side files left out), globs and `-`, as single files.

    Raises BadInput for what does not exist.
    """
    found: dict[str, None] = {}  # in order, each once
    for given in map(str, paths):
        try:
            found |= dict.fromkeys(_expanded(given))
        except OSError as error:
            raise BadInput(f"cannot read {given}: {error.strerror}") from error
    return list(found)


def _expanded(given: str) -> list[str]:
    path = Path(given)
    if given == STDIN or path.is_file():
        return [given]
    if path.is_dir():
        files = sorted(str(p) for p in path.rglob("*") if p.is_file() and _is_data(p.relative_to(path)))
        return files or _refuse(f"{given} is a folder without files")
    files = sorted(p for p in glob.glob(given, recursive=True) if Path(p).is_file() and _is_data(Path(p)))  # noqa: PTH207
    return files or _refuse(f"no such file: {given}")


def _refuse(sentence: str) -> list[str]:
    raise BadInput(sentence)


def _is_data(path: Path) -> bool:
    hidden = any(part.startswith(".") and part not in (".", "..") for part in path.parts)
    return not hidden and not path.name.endswith((SIDECAR, UNFINISHED))


@contextmanager
def received(name: str) -> Iterator[Path]:
    """The file of that name, or a temporary copy of standard input.  Raises BadInput when it cannot be read."""
    if name != STDIN:
        yield _readable(Path(name))
        return
    with tempfile.NamedTemporaryFile(prefix="vpn-uptake-") as spool:
        try:
            shutil.copyfileobj(sys.stdin.buffer, spool)
            spool.flush()
        except OSError as error:
            raise BadInput(f"standard input cannot be kept in {tempfile.gettempdir()}: {error.strerror}") from error
        yield Path(spool.name)


def _readable(path: Path) -> Path:
    try:
        if path.is_dir():
            raise BadInput(f"{path} is a folder; load its files one by one")
        with path.open("rb"):
            return path
    except FileNotFoundError:
        raise BadInput(f"no such file: {path}") from None
    except OSError as error:
        raise BadInput(f"cannot read {path}: {error.strerror}") from error


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a file besides its rows."""

    digest: Digest
    stamp: int  # time of last change, to see that it stays the same
    origin: str
    retrieved_at: datetime | None
    is_certain: bool  # stated by the user, by our own fetch or by the file; a date in the path may mean something else

    @property
    def snapshot_id(self) -> str:
        """First 16 hexadecimal digits of the hash."""
        return self.digest.sha256[:16]

    @property
    def latest(self) -> datetime:
        """No row may begin after this instant: the retrieval, or else now; a day's grace, as a date may be local."""
        if self.retrieved_at and self.is_certain:
            return self.retrieved_at.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        return datetime.now(UTC).replace(tzinfo=None) + timedelta(days=1)

    def retrieved_after(self, last_start: datetime) -> datetime | None:
        """The retrieval time, unless rows are younger: then the date in the path meant something else."""
        if self.retrieved_at and (self.is_certain or self.latest_of_path() >= last_start):
            return self.retrieved_at
        return None

    def latest_of_path(self) -> datetime:
        """The end of the day that the path names."""
        assert self.retrieved_at is not None  # noqa: S101 - only asked when there is one
        return self.retrieved_at + timedelta(days=1)


def facts_of(file: Path, asked: Origin, head: str, digest: Digest) -> Facts:
    """Retrieval and origin: what the user states, what our fetch noted beside the file, the preamble, the path."""
    noted = _noted(file, digest)
    stated = asked.retrieved_at or _time(noted.get("retrieved_at")) or _stated_in(head)
    address = _ADDRESS.search(head[:5000])
    origin = noted.get("address") or (address[1] if address else asked.name)
    guess = None if stated or asked.name == STDIN else _date_in(asked.name)
    return Facts(digest, file.stat().st_mtime_ns, origin, stated or guess, stated is not None)


def _noted(file: Path, digest: Digest) -> dict[str, str]:
    """The note that `fetch` left beside the file, as long as it speaks of these very bytes."""
    try:
        note = json.loads(file.with_name(file.name + SIDECAR).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(note, dict) or note.get("sha256") != digest.sha256:
        return {}
    return {key: value for key, value in note.items() if isinstance(value, str)}


def _stated_in(head: str) -> datetime | None:
    preamble = "\n".join(line for line in head[:5000].splitlines() if line.startswith("#"))
    found = _RETRIEVED.search(preamble) or (_UPDATED.search(head) if head.lstrip().startswith("{") else None)
    return _time(found[1]) if found else None


def _time(text: str | None) -> datetime | None:
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            when = parse(text or "")
        except (ValueError, TypeError):
            continue
        return when.astimezone(UTC).replace(tzinfo=None) if when.tzinfo else when
    return None


def _date_in(name: str) -> datetime | None:
    """The date that a path says it was retrieved at: that of the file name, else of the nearest folder.

    A file name with two dates names the range of its rows.
    """
    path = Path(name)
    in_name = _dates(path.name)
    candidates = [in_name] if len(in_name) == 1 else []
    candidates += [_dates(part) for part in reversed(path.parent.parts)]
    return next((dates[-1] for dates in candidates if dates), None)


def _dates(text: str) -> list[datetime]:
    return [when for found in _DATE.findall(text) if (when := _time("-".join(found)))]
