"""What bytes are, by what stands in them and not by their label, and which kinds nobody takes."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

Blocks = Callable[[], Iterable[bytes]]
"""Gives the bytes from their beginning, in blocks, as often as it is called."""

PDF, RTF, TEXT, XML, JSON = "application/pdf", "application/rtf", "text/plain", "application/xml", "application/json"
FHIR = "application/fhir+json"

_LOOKED_AT = 64 * 1024
"""Bytes at the beginning in which signatures and tags are looked for."""

_MOST_MEMBERS = 5_000
"""Members of an office document; more is no letter."""


@dataclass(frozen=True, slots=True)
class Found:
    """What bytes are: a media type that is taken, or the words for why it is not."""

    media_type: str = ""
    refused: str = ""


_PROGRAM, _ARCHIVE = "a program", "an archive"
_SIGNATURES: tuple[tuple[int, bytes, Found], ...] = (
    (0, b"%PDF-", Found(PDF)),
    (0, b"\xff\xd8\xff", Found("image/jpeg")),
    (0, b"\x89PNG\r\n\x1a\n", Found("image/png")),
    (0, b"II*\x00", Found("image/tiff")),
    (0, b"MM\x00*", Found("image/tiff")),
    (0, b"GIF87a", Found("image/gif")),
    (0, b"GIF89a", Found("image/gif")),
    (128, b"DICM", Found("application/dicom")),
    (0, b"{\\rtf", Found(RTF)),
    (0, b"MZ", Found(refused=_PROGRAM)),
    (0, b"\x7fELF", Found(refused=_PROGRAM)),
    (0, b"\xfe\xed\xfa\xce", Found(refused=_PROGRAM)),
    (0, b"\xfe\xed\xfa\xcf", Found(refused=_PROGRAM)),
    (0, b"\xce\xfa\xed\xfe", Found(refused=_PROGRAM)),
    (0, b"\xcf\xfa\xed\xfe", Found(refused=_PROGRAM)),
    (0, b"\xca\xfe\xba\xbe", Found(refused=_PROGRAM)),
    (0, b"\x00asm", Found(refused=_PROGRAM)),
    (0, b"dex\n", Found(refused=_PROGRAM)),
    (0, b"L\x00\x00\x00\x01\x14\x02\x00", Found(refused=_PROGRAM)),
    (0, b"#!", Found(refused="a script")),
    (
        0,
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        Found(refused="an office document of the old kind, which may hold macros"),
    ),
    (0, b"\x1f\x8b", Found(refused=_ARCHIVE)),
    (0, b"BZh", Found(refused=_ARCHIVE)),
    (0, b"\xfd7zXZ\x00", Found(refused=_ARCHIVE)),
    (0, b"7z\xbc\xaf\x27\x1c", Found(refused=_ARCHIVE)),
    (0, b"Rar!\x1a\x07", Found(refused=_ARCHIVE)),
    (0, b"\x28\xb5\x2f\xfd", Found(refused=_ARCHIVE)),
    (0, b"MSCF", Found(refused=_ARCHIVE)),
    (257, b"ustar", Found(refused=_ARCHIVE)),
    (32769, b"CD001", Found(refused=_ARCHIVE)),
)
"""Where a signature stands, the signature, and what it means; the first that fits counts."""

_OFFICE = {
    "word/document.xml": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xl/workbook.xml": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "ppt/presentation.xml": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}
_MACROS = ("vbaproject.bin", "vbadata.xml")

_NOT_TEXT = bytes(set(range(0x20)) - set(b"\t\n\x0c\r")) + b"\x7f"
_NAMES = rb"html|head|body|script|iframe|object|embed|applet|frameset|form|meta|link|style|img|div|table|svg"
_TAG = re.compile(rb"<\s*(?:!doctype\s+html|/?(?:" + _NAMES + rb"))\b", re.IGNORECASE)
_ROOT = re.compile(
    rb"(?:<\?[^>]*\?>|<!--.*?-->|\s)*+<\s*(?:[\w.-]+:)?(?:" + _NAMES + rb")\b", re.IGNORECASE | re.DOTALL
)
_RUNS = re.compile(rb"<\s*(?:!doctype\s+html|(?:[\w.-]+:)?(?:script|iframe|embed|applet)\b)", re.IGNORECASE)
_SVG = re.compile(rb"<\s*(?:[a-z]+:)?svg\b|http://www\.w3\.org/2000/svg", re.IGNORECASE)
_DTD = re.compile(rb"<!(?:DOCTYPE|ENTITY)\b", re.IGNORECASE)
_COMMANDS = re.compile(rb"@?echo off\b|<\?php|<%|on error resume next\b", re.IGNORECASE)

EXTENSIONS = {
    PDF: "pdf",
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/tiff": "tiff",
    "image/gif": "gif",
    "application/dicom": "dcm",
    RTF: "rtf",
    XML: "xml",
    JSON: "json",
    FHIR: "json",
    TEXT: "txt",
    _OFFICE["word/document.xml"]: "docx",
    _OFFICE["xl/workbook.xml"]: "xlsx",
    _OFFICE["ppt/presentation.xml"]: "pptx",
}
"""How the name of a file of each kind ends."""

LABELS: dict[str, frozenset[str]] = {
    PDF: frozenset({"application/x-pdf"}),
    "image/jpeg": frozenset({"image/jpg", "image/pjpeg"}),
    "image/tiff": frozenset({"image/tif"}),
    RTF: frozenset({"text/rtf", "text/richtext"}),
    XML: frozenset(
        {"text/xml", "text/plain", "application/hl7-cda+xml", "application/hl7-sda+xml", "text/x-hl7-text+xml"}
    ),
    JSON: frozenset({FHIR, "text/json", "text/plain"}),
    TEXT: frozenset(
        {"text/csv", "text/markdown", "text/tab-separated-values", "text/x-hl7-ft", "x-application/hl7-v2+er7"}
    ),
}
"""What each kind may be labelled besides its own name."""

_SAYS_NOTHING = frozenset({"", "application/octet-stream", "binary/octet-stream"})


def found_in(blocks: Blocks) -> Found:
    """What the bytes are; a kind that is not known is not taken."""
    head = _head(blocks)
    for place, signature, found in _SIGNATURES:
        if head.startswith(signature, place):
            return found
    if head.startswith(b"PK"):
        return _zipped(blocks)
    if not head.strip():
        return Found(refused="empty")
    if not all(_is_text(block) for block in blocks()):
        return Found(refused="of no kind that is known here")
    return _written(head.removeprefix(b"\xef\xbb\xbf").lstrip())


def fits(label: str, media_type: str) -> bool:
    """Whether bytes of this kind may carry this label; one that says nothing fits all."""
    plain = label.partition(";")[0].strip().lower()
    return plain in _SAYS_NOTHING or plain == media_type or plain in LABELS.get(media_type, frozenset())


def _head(blocks: Blocks) -> bytes:
    head = b""
    for block in blocks():
        head += block[:_LOOKED_AT]
        if len(head) >= _LOOKED_AT:
            break
    return head[:_LOOKED_AT]


def _is_text(block: bytes) -> bool:
    return len(block.translate(None, _NOT_TEXT)) == len(block)


def _written(text: bytes) -> Found:
    """What a text is: markup that something would run or draw is none."""
    if _SVG.search(text):
        return Found(refused="an SVG drawing")
    marked_up = text.startswith(b"<")  # of XML the root decides: FHIR has a <meta> too
    if _RUNS.search(text) or (_ROOT.match(text) if marked_up else _TAG.search(text)):
        return Found(refused="HTML")
    if _COMMANDS.match(text):
        return Found(refused="a script")
    if marked_up:
        return Found(refused="XML with a document type definition") if _DTD.search(text) else Found(XML)
    return Found(JSON if text.startswith((b"{", b"[")) else TEXT)


def _zipped(blocks: Blocks) -> Found:
    """An office document without macros; any other archive is not taken. Nothing of it is unpacked."""
    try:
        with zipfile.ZipFile(io.BytesIO(b"".join(blocks()))) as archive:
            names = [each.filename for each in archive.infolist()]
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, RuntimeError):
        return Found(refused=_ARCHIVE)
    if "[Content_Types].xml" not in names or len(names) > _MOST_MEMBERS:
        return Found(refused=_ARCHIVE)
    if any(_last_part(name) in _MACROS for name in names):
        return Found(refused="an office document with macros")
    return next((Found(kind) for part, kind in _OFFICE.items() if part in names), Found(refused=_ARCHIVE))


def _last_part(name: str) -> str:
    return name.replace("\\", "/").rpartition("/")[2].lower()


def taken() -> Iterator[str]:
    """The media types that are taken."""
    yield from dict.fromkeys(found.media_type for _, _, found in _SIGNATURES if found.media_type)
    yield from (*_OFFICE.values(), XML, JSON, TEXT)
