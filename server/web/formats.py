"""What the caller wants to read: JSON is the only format spoken here."""

from __future__ import annotations

from flask import Request

from server.errors import NotAcceptable, refusal

_SPOKEN = {"application/fhir+json", "application/json", "application/*", "*/*"}
_FORMATS = {"json", "application/json", "application/fhir+json", "application/fhir json"}  # a + in a URL is a space


def check_format(request: Request) -> None:
    """Refuse a caller who can read no FHIR JSON; `_format` comes before Accept (R4 http.html#parameters).

    Raises:
        NotAcceptable: only XML or other formats, or another version of FHIR, would do.
    """
    wanted = request.args.get("_format")
    if wanted is not None:
        acceptable = wanted.partition(";")[0].strip().lower() in _FORMATS
    else:
        accept = request.headers.get("Accept", "")
        acceptable = not accept.strip() or any(_speaks(choice) for choice in accept.split(","))
    if not acceptable:
        raise refusal(
            NotAcceptable,
            "not-supported",
            "Answers are FHIR R4 JSON only.",
            "R4 http.html#mime-type",
            repair="Send Accept: application/fhir+json, or leave it out.",
        )


def _speaks(choice: str) -> bool:
    kind, *parameters = (part.strip().lower() for part in choice.split(";"))
    options = dict(part.partition("=")[::2] for part in parameters)
    refused = options.get("q", "1").strip().rstrip("0") in ("", ".", "0.")
    return kind in _SPOKEN and not refused and options.get("fhirversion", "4.0").strip('"').startswith("4.0")
