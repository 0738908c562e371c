"""Authorization numbers: unguessable, readable aloud, checked, needing no counter (PF-1)."""

from __future__ import annotations

import secrets
from base64 import b32encode
from hashlib import sha256

ALPHABET = "23456789BCDFGHJKLMNPQRSTVWXYZ"
"""29 characters: no 0/O, 1/I, no vowels (no accidental words); a prime count makes the check find every slip."""

DRAWN = 12
_GROUP = 4


def new_number() -> str:
    """A fresh number such as ``K7M2-94QX-TR8W-5``: 12 random characters (58 bits) and a check character."""
    drawn = "".join(secrets.choice(ALPHABET) for _ in range(DRAWN))
    return _grouped(drawn + check_character(drawn))


def check_character(drawn: str) -> str:
    """The character that makes the weighted sum of all a multiple of 29.

    With distinct weights modulo a prime every single wrong character and every swap of two is found.
    """
    weighted = sum(weight * ALPHABET.index(character) for weight, character in enumerate(drawn, start=2))
    return ALPHABET[-weighted % len(ALPHABET)]


def as_number(text: str) -> str | None:
    """The number as it was issued, however it was typed (case, blanks, dashes), or None when it can't be one."""
    compact = "".join(text.upper().replace("-", " ").split())
    if len(compact) != DRAWN + 1 or any(character not in ALPHABET for character in compact):
        return None
    return _grouped(compact) if check_character(compact[:-1]) == compact[-1] else None


def trace_number(authorization_id: str, number: str) -> str:
    """The trace number that the payer gives a line whose submitter gave none: 20 characters, the same every time.

    It stands for the line in a form's context (PAS ainfo-3). Only who knows both the id and the number can make it.
    """
    return b32encode(sha256(f"{authorization_id}|{number}|trace".encode()).digest())[:20].decode()


def _grouped(compact: str) -> str:
    return "-".join(compact[place : place + _GROUP] for place in range(0, len(compact), _GROUP))
