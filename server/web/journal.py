"""What is logged: one line per answer and per bug, on stderr. Never bodies, URLs with ids, tokens, names or str(exc).

Fields of an answer: time, level, event, request_id, method, route (the pattern), status, ms, caller, issues (codes),
bytes_in, bytes_out. A second net takes out what looks like an identifier, a token or an attachment all the same.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import time
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from typing import Any

from flask import Response, g, request

JOURNAL = logging.getLogger("placet")
_OURS = Path(__file__).resolve().parents[2]
_SECRETS = re.compile(
    r"eyJ[\w-]*\.[\w-]*\.[\w-]*"  # JWT
    r"|\b\d{3}-\d{2}-\d{4}\b"  # SSN
    r"|\b\d{10}\b"  # NPI
    r"|[A-Za-z0-9+/]{200,}"  # base64
)


def keep_journal(*, readable: bool = False) -> None:
    """Send every log line of this process to stderr: JSON, or one short line for people."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Readable() if readable else JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    JOURNAL.setLevel(logging.INFO)


class JsonLines(logging.Formatter):
    """One JSON object per line. Of an exception: its type and our frames."""

    def format(self, record: logging.LogRecord) -> str:
        when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {"time": when, "level": record.levelname.lower(), **_facts(record)}
        return _SECRETS.sub("[removed]", json.dumps(line, ensure_ascii=True))


class Readable(logging.Formatter):
    """A short line for the sandbox's terminal."""

    def format(self, record: logging.LogRecord) -> str:
        facts = _facts(record)
        if facts["event"] == "answered":
            line = "{method:4} {route}  {status}  {ms:.0f} ms".format_map(facts)
            return line + (f"  ({', '.join(facts['issues'])})" if facts.get("issues") else "")
        return _SECRETS.sub("[removed]", " ".join(f"{name}={value}" for name, value in facts.items()))


def note_answer(response: Response) -> None:
    """Log the answer to the current request."""
    rule = request.url_rule
    facts = {
        "request_id": g.request_id,
        "method": request.method if request.method in _METHODS else "other",
        "route": re.sub(r"<(?:\w+:)?(\w+)>", r"[\1]", rule.rule) if rule else "unknown",
        "status": response.status_code,
        "ms": round((time.perf_counter() - g.started) * 1000, 1),
        "caller": g.caller.name if "caller" in g else None,
        "issues": g.get("issue_codes", []),
        "bytes_in": g.get("bytes_in", request.content_length),
        "bytes_out": response.content_length,
    }
    JOURNAL.info("answered", extra={"facts": facts})


def new_request_id() -> str:
    """An id for a request that brought none; it is also the reference of a bug."""
    return token_hex(16)


def note_unreadable(error: BaseException, request_id: str) -> None:
    """Log that something arrived that is not HTTP."""
    JOURNAL.info("unreadable", extra={"facts": {"request_id": request_id, "exception": list(_types(error))}})


def note_bug(error: BaseException, request_id: str) -> None:
    """Log an exception nobody expected: the types along its causes and our own frames, never its words."""
    facts = {"request_id": request_id, "exception": list(_types(error)), "frames": list(_frames(error))}
    JOURNAL.error("bug", extra={"facts": facts})


_METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"}


def _facts(record: logging.LogRecord) -> dict[str, Any]:
    facts: dict[str, Any] | None = getattr(record, "facts", None)
    if facts is not None:
        return {"event": record.getMessage(), **facts}
    error = record.exc_info[1] if record.exc_info else None
    # A library's words may quote what was sent: its template may not, but an exception in place of one does.
    message = record.msg if isinstance(record.msg, str) else type(record.msg).__qualname__
    words = {"event": "library", "logger": record.name, "message": message}
    return words | ({"exception": list(_types(error)), "frames": list(_frames(error))} if error else {})


def _types(error: BaseException) -> Iterator[str]:
    chain: BaseException | None = error
    for _ in range(5):
        if chain is None:
            return
        yield f"{type(chain).__module__}.{type(chain).__qualname__}"
        chain = chain.__cause__ or chain.__context__


def _frames(error: BaseException) -> Iterator[str]:
    for frame in traceback.extract_tb(error.__traceback__):
        path = Path(frame.filename)
        if path.is_relative_to(_OURS) and "site-packages" not in path.parts:
            yield f"{path.relative_to(_OURS)}:{frame.lineno} {frame.name}"
