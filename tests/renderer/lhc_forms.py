"""LHC-Forms, a renderer that providers' systems use, in a headless Chromium: forms are filled in by mouse and keys."""

from __future__ import annotations

import base64
import fcntl
import hashlib
import json
import shutil
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from questionnaires.forms import Item
from tests.renderer import chromium
from tests.renderer.chromium import Page

Json = dict[str, Any]

VERSION = "40.1.3"
INTEGRITY = "WLruTm+BcVnafC0rSAQ3/cNqhxvclBUxyBG68aub/uha2NaK9H8ZZcEXTTuORuGzzCt0wa7fvhuieZtcDIdPzQ=="
"""sha512 of the package, base64."""

KEPT = Path(__file__).parents[2] / "tools" / "renderer" / "node_modules"
"""Where the package is unpacked; never committed."""

PAGE = """<!doctype html><meta charset="utf-8"><link rel="stylesheet" href="webcomponent/styles.css">
<body><div id="form"></div>
<script src="webcomponent/assets/lib/zone.min.js"></script><script src="webcomponent/runtime.js"></script>
<script src="webcomponent/polyfills.js"></script><script src="webcomponent/main.js"></script>
<script src="fhir/R4/lformsFHIR.min.js"></script></body>"""

_FIELDS = (("input", ""), ("textarea", ""), ("nz-date-picker", " input"))
"""Where things are typed."""

ENTER, TAB = ("Enter", 13), ("Tab", 9)


@cache
def unavailable() -> str:
    """Why there is no renderer here; "" where there is. Fetches the package once, which takes seconds."""
    npm = shutil.which("npm")
    if chromium.program() is None:
        return "forms are rendered in Chromium, which is not installed here"
    if npm is None:
        return "LHC-Forms comes from npm, which is not installed here"
    KEPT.mkdir(parents=True, exist_ok=True)
    with (KEPT / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return "" if _folder().exists() or _fetched(npm) else "the package lforms cannot be fetched here"


def _folder() -> Path:
    return KEPT / f"lforms-{VERSION}" / "package" / "dist" / "lforms"


def _fetched(npm: str) -> bool:
    command = [npm, "pack", f"lforms@{VERSION}", "--silent", "--fetch-retries=1"]
    done = subprocess.run(command, cwd=KEPT, capture_output=True, timeout=300, check=False)
    packed = KEPT / f"lforms-{VERSION}.tgz"
    if done.returncode != 0 or not packed.exists():
        return False
    digest = base64.b64encode(hashlib.sha512(packed.read_bytes()).digest()).decode()
    assert digest == INTEGRITY, "this is not the package that was meant"
    unpacked = KEPT / f"lforms-{VERSION}.part"
    shutil.rmtree(unpacked, ignore_errors=True)
    with tarfile.open(packed) as archive:
        archive.extractall(unpacked, filter="data")
    unpacked.rename(KEPT / f"lforms-{VERSION}")
    return True


class _Quiet(SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path != "/":
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(PAGE.encode())

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@contextmanager
def served() -> Iterator[str]:
    """The page with the renderer, on this machine; its URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(_folder())))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


class Rendered:
    """A form as the renderer shows it."""

    def __init__(self, page: Page, url: str, questionnaire: Json) -> None:
        self._page = page
        page.open(url)
        options = "{fhirVersion: 'R4', prepopulate: false}"
        shown = page.run(
            f"LForms.Util.addFormToPage({json.dumps(questionnaire, default=float)}, 'form', {options})"
            ".then(() => '', problem => String(problem))"
        )
        assert shown == "", shown

    def shows(self, link_id: str) -> bool:
        """True while the question is asked."""
        return bool(self._page.run(f"!!document.querySelector('[id^=\"item-{link_id}/\"]')"))

    def words(self) -> str:
        """Everything that is to be read."""
        return str(self._page.run("document.getElementById('form').innerText"))

    def answer(self, item: Item, values: list[str]) -> None:
        """Answer a question as a person does: click what is to be clicked, type what is to be typed."""
        if item.type == "boolean":
            self._click(f"{item.link_id}/", f"|{values[0]}")
            return
        for value in values:
            self._focus(f"{item.link_id}/")
            self._page.type_text(value)
            if item.type in ("choice", "open-choice", "date"):
                self._settled()
                self._page.press(*ENTER)
        self._page.press(*TAB)
        self._settled()

    def response(self) -> Json:
        """The QuestionnaireResponse that the renderer exports."""
        exported: Json = json.loads(
            self._page.run("JSON.stringify(LForms.Util.getFormFHIRData('QuestionnaireResponse', 'R4'))")
        )
        return exported

    def picture(self, path: Path) -> None:
        """What it looks like."""
        self._page.picture(path)

    def _click(self, start: str, end: str) -> None:
        self._page.run(f'document.querySelector(\'[id^="{start}"][id$="{end}"] input\').click()')
        self._settled()

    def _focus(self, start: str) -> None:
        places = ", ".join(f'{kind}[id^="{start}"]{inner}' for kind, inner in _FIELDS)
        found = self._page.run(
            f"(() => {{const field = document.querySelector({json.dumps(places)});"
            "if (!field) return false; field.focus(); if (field.select) field.select(); return true})()"
        )
        assert found, f"there is no field for {start}"

    def _settled(self) -> None:
        """Until the renderer has worked out what else is asked now."""
        self._page.run("new Promise(done => setTimeout(done, 120))")
