"""SSH identification strings (RFC 4253 section 4.2)."""

from __future__ import annotations

import re

from analyzer.capture.dissect import fields

BEFORE = 4096  # bytes of other lines that a server may send first, our bound

_line = re.compile(rb"SSH-(?:1\.\d{1,2}|2\.0)-[^\r\n\0]{0,246}").match


def banner(data: bytes) -> str | None:
    """The identification string without its line end; cut where the data is.  None: there is none."""
    at = 0 if data.startswith(b"SSH-") else data.find(b"\nSSH-", 0, BEFORE) + 1
    found = _line(data, at)
    if not found or not _is_text(data[:at]):
        return None
    return fields.text(found.group())


def _is_text(before: bytes) -> bool:
    """Lines before the string are UTF-8 without control characters."""
    try:
        return before.translate(None, b"\r\n\t").decode("utf-8").isprintable()
    except UnicodeDecodeError:
        return False
