"""Plans and topics that are or were in use: their files stay, so that an old review can be made again (PF-19)."""

from __future__ import annotations

import zlib
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson
from pymongo.database import Database

from questionnaires.content import Content, content_of
from questionnaires.current import CurrentContent
from questionnaires.files import read_files
from questionnaires.forms import Forms
from server.authorization.policy import Rules
from server.authorization.request import AuthorizationRequest
from server.payer import RulesFor
from server.stores.connection import insert, store_answers
from server.stores.documents import Row, Write
from server.stores.filters import key, lit
from server.stores.raw import PART, Damaged

DECIDING = (
    "plans/*.yaml",
    "valuesets.yaml",
    "*/topic.yaml",
    "*/questionnaire.json",
    "*/earlier/*.yaml",
    "*/earlier/*.json",
    "*/valuesets/*.json",
)
"""The files of a content directory that say what is decided (`questionnaires.files`); cases do not."""

Files = Mapping[str, bytes]
"""The bytes of files by their path in the content directory."""


class Contents:
    """The kept versions of one tenant's plans and topics. `_id` is ``TENANT|FINGERPRINT``; put there once."""

    def __init__(self, database: Database[Row], *, tenant: str = "payer") -> None:
        self._tenant = lit(tenant)
        self._collection = database["content"]

    @store_answers()
    def has(self, fingerprint: str) -> bool:
        """True when this version is kept."""
        return self._collection.find_one(key(self._id(fingerprint))) is not None

    @store_answers()
    def keep(self, fingerprint: str, files: Files, at: datetime) -> None:
        """Keep a version; one that is kept already stays as it is.

        Raises:
            ValueError: the files are more than a document can hold (12 MiB compressed).
        """
        body = orjson.dumps({path: b64encode(body).decode() for path, body in sorted(files.items())})
        data = zlib.compress(body, 9)
        if len(data) > PART:
            raise ValueError(f"plans and topics of {len(data)} bytes, compressed, are more than can be kept ({PART})")
        write = Write(self._tenant, self._id(fingerprint), at)
        digest = sha256(body).hexdigest()
        insert(self._collection, {"_id": write.owner, **write.marks, "at": at, "sha256": digest, "data": data})

    @store_answers()
    def files(self, fingerprint: str) -> Files | None:
        """The files of a version, or None.

        Raises:
            Damaged: they are not those that were kept.
        """
        found = self._collection.find_one(key(self._id(fingerprint)))
        if found is None:
            return None
        body = zlib.decompress(found["data"])
        if sha256(body).hexdigest() != found["sha256"]:
            raise Damaged(found["_id"])
        return {path: b64decode(text) for path, text in orjson.loads(body).items()}

    def _id(self, fingerprint: str) -> str:
        return f"{self._tenant}|{lit(fingerprint)}"


class RulesInUse:
    """The rules that hold now, and by their fingerprint those that held: what a payer decides and replays by.

    `current` loads the content when it is first asked: who only looks at the record needs none that can be used.
    """

    def __init__(self, current: Callable[[], CurrentContent], directory: Path, contents: Contents) -> None:
        self._current = current
        self._directory = directory
        self._contents = contents
        self._again = lru_cache(maxsize=8)(self._made_again)

    def rules_for(self, request: AuthorizationRequest, on: date) -> Rules:
        """The rules for the request by the content that holds, with its fingerprint."""
        return _rules_by(self._current().content, request, on)

    def rules_kept(self, fingerprint: str) -> RulesFor | None:
        """How the content with this fingerprint rules; None where it was never kept."""
        try:
            content = self._again(fingerprint)
        except LookupError:
            return None
        return lambda request, on: _rules_by(content, request, on)

    def forms_kept(self, fingerprint: str) -> Forms:
        """The forms of the content with this fingerprint; none where it was never kept."""
        current = self._current().content
        if current.fingerprint == fingerprint:
            return current.forms
        try:
            return self._again(fingerprint).forms
        except LookupError:
            return Forms()

    def keep(self, at: datetime) -> bool:
        """Keep the content that holds; False when the directory has changed since it was loaded."""
        fingerprint = self._current().fingerprint
        if self._contents.has(fingerprint):
            return True
        files = deciding_files(self._directory)
        if content_from(files).fingerprint != fingerprint:
            return False
        self._contents.keep(fingerprint, files, at)
        return True

    def reload(self) -> list[str]:
        """Load the directory again and keep what it says now; what changed, one line each.

        Raises:
            ContentProblems: the directory cannot be used; the content that held still holds.
        """
        changes = self._current().reload()
        self.keep(datetime.now(UTC))
        return changes

    def _made_again(self, fingerprint: str) -> Content:
        files = self._contents.files(fingerprint)
        if files is None:
            raise LookupError(fingerprint)  # not remembered: another process may keep it any moment
        return content_from(files)


def deciding_files(directory: Path) -> Files:
    """The bytes of every file of a content directory that decides."""
    return {path.relative_to(directory).as_posix(): path.read_bytes() for path in _paths(directory)}


def content_from(files: Files) -> Content:
    """The content that these files say; they were checked when they were taken into use."""
    with TemporaryDirectory(prefix="placet-content-") as folder:
        for name, body in files.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(body)
        return content_of(read_files(Path(folder), with_cases=False)[0])


def _paths(directory: Path) -> Iterator[Path]:
    for pattern in DECIDING:
        yield from sorted(directory.glob(pattern))


def _rules_by(content: Content, request: AuthorizationRequest, on: date) -> Rules:
    rules = content.rules_for(request, on)
    return Rules(rules.plan, rules.topics, content.fingerprint)
