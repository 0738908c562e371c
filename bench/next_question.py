"""Questionnaire/$next-question: CPU of every step of a session of the adaptive forms, bytes in to bytes out."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from random import Random
from statistics import median, quantiles
from typing import Any

from rich.console import Console
from rich.table import Table

from mappers.wire import from_bytes, to_bytes
from questionnaires.content import Content, load_content
from questionnaires.forms import Form
from server.operations.next_question import next_question
from server.payer import Authorizations, Call, Caller, Payer
from tests.dtr_client import Json, begun, contained_items, fill, values_for

SESSIONS, MOST_STEPS = 60, 20
TARGET_MS = 10.0
NOW = datetime(2026, 11, 23, 15, tzinfo=UTC)
CALLER = Caller("bench", "bench")


def main(console: Console) -> None:
    """Print the CPU per step, and whether the 99th percentile is under the target."""
    content = load_content()
    table = Table(title=f"{SESSIONS} sessions with answers at random, after one to warm up", title_justify="left")
    for name in ("form", "items", "dialect", "steps", "CPU ms p50", "CPU ms p99", "target"):
        table.add_column(name, justify="left" if name in ("form", "dialect", "target") else "right")
    for form in (each for each in content.forms if each.adaptive):
        for dialect in ("2.2.0", "2.0.1"):
            taken = sorted(measured(content, form, dialect))
            p99 = quantiles(taken, n=100)[98]
            verdict = f"{'under' if p99 < TARGET_MS else 'OVER'} {TARGET_MS:.0f} ms"
            figures = (str(len(form.items)), dialect, str(len(taken)), f"{median(taken):.2f}", f"{p99:.2f}", verdict)
            table.add_row(form.title, *figures)
    console.print(table)


def measured(content: Content, form: Form, dialect: str) -> Iterator[float]:
    """The CPU of every step, in milliseconds."""
    payer = Payer(Unasked(), content.rules_for, lambda: NOW, content=lambda: content)
    for number in range(SESSIONS + 1):
        random = Random(number)
        response = begun(form.canonical, dialect)
        for _ in range(MOST_STEPS):
            raw = to_bytes(response)
            began = time.process_time()
            call = Call(CALLER, "https://payer.example.org/fhir", raw, from_bytes(raw), dialect=dialect)
            answer = to_bytes(next_question(call, payer))
            if number:
                yield (time.process_time() - began) * 1000
            response = from_bytes(answer)
            if response["status"] == "completed":
                break
            response = fill(contained_items(response), response, partial(_values, random=random, form=form))


def _values(item: Json, random: Random, form: Form) -> list[Json]:
    options = form.items[item["linkId"]].options
    if "answerValueSet" in item and options:
        option = random.choice(options)
        return [{"valueCoding": {"system": option.system, "code": option.code}}]
    return values_for(item, random.choice)


class Unasked(Authorizations):
    """No record: a next question needs none."""

    def __getattr__(self, name: str) -> Any:
        raise NotImplementedError(name)
