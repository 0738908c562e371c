"""What bytes are is read from the bytes; what a program would run or draw is not taken, whatever its label says."""

from __future__ import annotations

import io
import time
import zipfile

import pytest

from mappers.cdex.media_types import JSON, PDF, RTF, TEXT, XML, Found, fits, found_in, taken

CDA = (
    b'<?xml version="1.0"?><?xml-stylesheet type="text/xsl" href="CDA.xsl"?><ClinicalDocument xmlns="urn:hl7-org:v3"/>'
)
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def zipped(*names: str) -> bytes:
    """An archive with members of these names."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return file.getvalue()


def what_is(content: bytes) -> Found:
    return found_in(lambda: [content[start : start + 7] for start in range(0, len(content), 7)] or [b""])


TAKEN = {
    "a PDF": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", PDF),
    "a JPEG": (b"\xff\xd8\xff\xe0\x00\x10JFIF", "image/jpeg"),
    "a PNG": (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "image/png"),
    "a TIFF of Intel": (b"II*\x00\x08\x00\x00\x00", "image/tiff"),
    "a TIFF of Motorola": (b"MM\x00*\x00\x00\x00\x08", "image/tiff"),
    "a DICOM image": (b"\0" * 128 + b"DICM\x02\x00", "application/dicom"),
    "an RTF": (rb"{\rtf1\ansi Gait is steady.}", RTF),
    "plain text": (b"Gait is steady; 3 < 5 and <no tag>.", TEXT),
    "plain text with an umlaut in Latin-1": (b"Herr M\xfcller geht sicher.", TEXT),
    "HL7 v2": (b"MSH|^~\\&|LAB|NORTH\rOBX|1|", TEXT),
    "a CDA with its style sheet": (CDA, XML),
    "FHIR in XML, which has a meta": (b'<Observation xmlns="http://hl7.org/fhir"><meta/></Observation>', XML),
    "FHIR in JSON": (b'{"resourceType": "Observation"}', JSON),
    "an office document": (zipped("[Content_Types].xml", "word/document.xml"), DOCX),
}
REFUSED = {
    "a Windows program": (b"MZ\x90\x00\x03", "a program"),
    "a Linux program": (b"\x7fELF\x02\x01", "a program"),
    "Java": (b"\xca\xfe\xba\xbe\x00\x00", "a program"),
    "a shell script": (b"#!/bin/sh\nrm -rf /\n", "a script"),
    "a batch file": (b"@echo off\r\n", "a script"),
    "PHP": (b"<?php system('id');", "a script"),
    "HTML": (b"<!DOCTYPE html><html><p>x</html>", "HTML"),
    "HTML after a comment": (b"<!-- x --> <!-- y -->\n<html>", "HTML"),
    "HTML in the middle of a text": (b"Findings: none.\n<script>alert(1)</script>", "HTML"),
    "XHTML": (b'<?xml version="1.0"?><h:html xmlns:h="http://www.w3.org/1999/xhtml"/>', "HTML"),
    "a CDA that runs something": (CDA.replace(b"/>", b"><x:script/></ClinicalDocument>"), "HTML"),
    "an SVG": (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "an SVG drawing"),
    "XML with entities": (b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>', "XML with a document type definition"),
    "a zip": (zipped("a.txt"), "an archive"),
    "a zip without its end": (zipped("a.txt")[:20], "an archive"),
    "a Java archive": (zipped("META-INF/MANIFEST.MF", "A.class"), "an archive"),
    "gzip": (b"\x1f\x8b\x08\x00", "an archive"),
    "7z": (b"7z\xbc\xaf\x27\x1c\x00", "an archive"),
    "tar": (b"a.txt".ljust(257, b"\0") + b"ustar\x00", "an archive"),
    "macros": (
        zipped("[Content_Types].xml", "word/document.xml", "word/vbaProject.bin"),
        "an office document with macros",
    ),
    "an old office document": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00", "an office document of the old kind"),
    "nothing": (b"", "empty"),
    "blanks": (b" \n\t", "empty"),
    "bytes of no kind": (b"\x01\x02\x03\x04", "of no kind that is known here"),
    "text with a NUL": (b"abc\0def", "of no kind that is known here"),
}


@pytest.mark.parametrize("name", TAKEN)
def test_what_is_taken_has_its_media_type(name: str) -> None:
    content, media_type = TAKEN[name]
    assert what_is(content) == Found(media_type)
    assert media_type in taken()


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_taken_is_told_in_words(name: str) -> None:
    content, words = REFUSED[name]
    found = what_is(content)
    assert found.media_type == ""
    assert found.refused.startswith(words)


@pytest.mark.parametrize(
    ("label", "media_type", "fit"),
    [
        ("application/pdf", PDF, True),
        ("Application/PDF; x=1", PDF, True),
        ("", PDF, True),
        ("application/octet-stream", PDF, True),
        ("text/plain", PDF, False),
        ("text/xml", XML, True),
        ("image/jpg", "image/jpeg", True),
        ("image/png", "image/jpeg", False),
        ("text/html", TEXT, False),
    ],
)
def test_a_label_fits_what_the_bytes_are(label: str, media_type: str, fit: bool) -> None:
    assert fits(label, media_type) is fit


@pytest.mark.parametrize("piece", [b"<!---->", b"<?a?>", b"<!--", b"< ", b" ", b"<a"])
def test_markup_without_end_costs_no_time(piece: bytes) -> None:
    content = b"<" + piece * 20_000
    started = time.perf_counter()
    found_in(lambda: [content])
    assert time.perf_counter() - started < 2
