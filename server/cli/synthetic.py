"""Synthetic requests: the samples with other people, providers, days. Nobody in them exists."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from secrets import token_hex

from conformance.samples import sample, sample_names
from mappers.pas.read import read_request
from mappers.pas.write import write_response
from mappers.wire import from_bytes, to_bytes
from server.authorization.clocks import terms_of
from server.authorization.decision import Decision, Verdict, decide
from server.authorization.history import NOTHING_ON_RECORD
from server.authorization.npi import is_npi
from server.authorization.numbers import new_number
from server.authorization.record import Authorization, Reviewed, open_authorization
from server.authorization.request import Code
from server.authorization.review import review
from server.authorization.systems import DECISION_REASONS
from server.payer import Exchange, Payer

MEMBERS = "https://plan.example.org/members"
"""The system of the identifiers of synthetic members; they begin with SYN."""

LAST_TWO_YEARS = 730
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_WEIGHTS = {"approved-consultation": 40, "modified-test-strips": 20, "several-lines": 15}
"""How often a sample is asked for, of about 100; the others share what is left."""

_VERDICTS = (Verdict.APPROVE,) * 8 + (Verdict.DENY,) * 2
_DECIDED_WITHIN = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample request as text, in which days can be moved and people exchanged.

    words, days  in turn: words, day, words, day, ..., words
    """

    words: tuple[str, ...]
    days: tuple[date, ...]
    created: date

    def text(self, at: date, people: dict[str, str]) -> str:
        """The request as if it were made on the day `at`, for these people."""
        moved = at - self.created
        days = [(day + moved).isoformat() for day in self.days] + [""]
        text = "".join(part for pair in zip(self.words, days, strict=True) for part in pair)
        for name, value in people.items():
            text = text.replace(name, value)
        return text


def samples() -> dict[str, Sample]:
    """Every sample of the project, by its name."""
    return {name: _sample(name) for name in sample_names()}


def _sample(name: str) -> Sample:
    """The sample with places for what is exchanged: @ID@, @MEMBER@, @BORN@, @FAMILY@, @PRACTICE@, @PHYSICIAN@."""
    bundle = sample(name)
    resources = {each["resource"]["resourceType"]: each["resource"] for each in bundle["entry"]}
    created = date.fromisoformat(resources["Claim"]["created"][:10])
    exchanged = {
        name: "@ID@",
        resources["Coverage"]["subscriberId"]: "@MEMBER@",
        resources["Patient"]["birthDate"]: "@BORN@",
        resources["Practitioner"]["identifier"][0]["value"]: "@PHYSICIAN@",
        bundle["entry"][1]["resource"]["identifier"][0]["value"]: "@PRACTICE@",
    }
    resources["Patient"]["name"][0]["family"] = "@FAMILY@"
    text = json.dumps(bundle, separators=(",", ":"))
    for known, place in exchanged.items():
        text = text.replace(known, place)
    text = re.sub(r'"(L-\d+)"', r'"\1-@ID@"', text)
    return Sample(tuple(_DAY.split(text)), tuple(map(date.fromisoformat, _DAY.findall(text))), created)


def filed(
    payer: Payer, base: str, draw: random.Random, members: Iterable[int]
) -> Iterator[tuple[Authorization, Exchange]]:
    """An authorization for each of these member numbers, spread over the last two years, as they stand by now.

    Each went through reading and review by the rules of its day; what was pended then, somebody has decided since.
    `base` is the base URL under which their answers are read.
    """
    known, now = samples(), payer.now()
    rest = max(1, (100 - sum(_WEIGHTS.values())) // max(1, len(known) - len(_WEIGHTS)))
    names, weights = list(known), [_WEIGHTS.get(name, rest) for name in known]
    for member in members:
        name = draw.choices(names, weights)[0]
        at = now - timedelta(seconds=draw.randrange(LAST_TWO_YEARS * 86_400))
        text = known[name].text(at.date(), people(member) | {"@ID@": f"seed-{draw.getrandbits(64):016x}"}).encode()
        yield _filed(payer, text, base, at, now, draw)


def _filed(  # noqa: PLR0917
    payer: Payer, text: bytes, base: str, at: datetime, now: datetime, draw: random.Random
) -> tuple[Authorization, Exchange]:
    bundle, on = from_bytes(text), payer.day(at)
    request = read_request(bundle)
    rules = payer.rules_for(request, on)
    authorization = open_authorization(
        request,
        review(request, rules, on),
        authorization_id=token_hex(16),
        new_number=new_number,
        by="seed",
        at=at,
        reviewed=Reviewed(1, on, rules.content, NOTHING_ON_RECORD),
        terms=terms_of(rules.plan, expedited=request.expedited),
    )
    if authorization.is_pended and at + _DECIDED_WITHIN < now:
        authorization = _decided(authorization, draw)
    return authorization, Exchange(text, to_bytes(write_response(authorization, bundle, base)))


def _decided(authorization: Authorization, draw: random.Random) -> Authorization:
    """What somebody decided within a week. Still the first version: only what it came to is put on record."""
    verdict = draw.choice(_VERDICTS)
    decision = Decision(
        verdict,
        by="seed",
        code=Code(DECISION_REASONS, "0F") if verdict is Verdict.DENY else None,
        criterion="synthetic" if verdict is Verdict.DENY else "",
        words="The record does not show the need yet." if verdict is Verdict.DENY else "",
    )
    at = authorization.created + draw.random() * _DECIDED_WITHIN
    return replace(decide(authorization, decision, line=None, at=at), version=1)


def people(number: int) -> dict[str, str]:
    """The member with this number and their providers: what stands in the places of a `Sample`."""
    provider = number % 97
    return {
        "@MEMBER@": f"SYN{number:07}",
        "@BORN@": (date(1930, 1, 1) + timedelta(days=number * 7919 % 30_000)).isoformat(),
        "@FAMILY@": f"Synthetic-{number}",
        "@PRACTICE@": npi(2 * provider),
        "@PHYSICIAN@": npi(2 * provider + 1),
    }


def npi(number: int) -> str:
    """A well-formed NPI that nobody has: those given out begin with 1."""
    digits = f"2{number:08}"
    return next(f"{digits}{check}" for check in range(10) if is_npi(f"{digits}{check}"))
