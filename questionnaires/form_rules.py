"""What DTR asks of a form beyond being a Questionnaire (DTR 2.2.0 and 2.0.1): one generator per rule, in one table.

A form's own file is held against the rules here; as it is handed out, in the words of each dialect, it is held against
the profiles by whoever can write it (`placet lint`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from questionnaires.answer_values import Value, value_in
from questionnaires.json_file import read_json
from questionnaires.problem import Problem
from questionnaires.written import Place, Written
from server.authorization.request import Code

Json = Mapping[str, Any]
Check = Callable[[Written], Iterator[Problem]]

CORE, SDC = "http://hl7.org/fhir/StructureDefinition/", "http://hl7.org/fhir/uv/sdc/StructureDefinition/"
DTR = "http://hl7.org/fhir/us/davinci-dtr/StructureDefinition/"
INITIAL, CALCULATED = SDC + "sdc-questionnaire-initialExpression", SDC + "sdc-questionnaire-calculatedExpression"
ENABLE, VARIABLE = SDC + "sdc-questionnaire-enableWhenExpression", CORE + "variable"
LAUNCH, ADAPTIVE = SDC + "sdc-questionnaire-launchContext", SDC + "sdc-questionnaire-questionnaireAdaptive"
HIDDEN, AUDIENCE = CORE + "questionnaire-hidden", DTR + "questionnaireAudience"
ALGORITHM, SENSITIVE = CORE + "artifact-versionAlgorithm", CORE + "rendering-styleSensitive"
SEMVER = ("http://hl7.org/fhir/version-algorithm", "semver")

LONGEST_LINK_ID = 255
MANY_QUESTIONS = 12
"""From so many questions on some of them surely depend on others."""

NEVER = {
    SDC + "sdc-questionnaire-assemble-expectation": "assemble the form first: modular forms are not handed out",
    SDC + "sdc-questionnaire-endpoint": "leave it out: answers come with the request",
    SDC + "sdc-questionnaire-optionalDisplay": "leave it out: what is asked is shown",
}
"""Extensions that a form of DTR does not have, and what to do instead."""

LANGUAGES = ("text/cql", "text/cql-identifier", "text/fhirpath")


def problems_of_forms(directory: Path) -> list[Problem]:
    """Everything in the forms of a content directory that DTR does not allow or advises against."""
    found: set[Problem] = set()
    for path in sorted(directory.glob("*/questionnaire.json")):
        written, unreadable = read_json(path)
        if not unreadable and isinstance(written.value, dict):
            found |= {problem for check in FORM_RULES for problem in check(written)}
    return sorted(found)


def the_version_says_how_it_counts(written: Written) -> Iterator[Problem]:
    """sdc-2: a version has an algorithm; sdc-3: semver is the one that everybody knows."""
    given = _extension(written.value, ALGORITHM)
    coding = (given or {}).get("valueCoding", {})
    if given is None:
        what = "the form does not say how its versions are compared (sdc-2)"
        yield written.error(("version",), what, f"add the extension {ALGORITHM}")
    elif (coding.get("system"), coding.get("code")) != SEMVER:
        what = "the versions of the form are compared in a way that not everybody knows (sdc-3)"
        yield written.warning(("extension",), what, f"write {SEMVER[0]}#{SEMVER[1]} and three numbers as version")


def it_is_about_the_patient(written: Written) -> Iterator[Problem]:
    """DTR base profile: subjectType is Patient."""
    if written.value.get("subjectType") != ["Patient"]:
        yield written.error(("subjectType",), "the form is not about a patient", 'write "subjectType": ["Patient"]')


def it_is_in_use_for_a_time(written: Written) -> Iterator[Problem]:
    """A retired form is not handed out; spec-53: a form says from when on it holds."""
    if written.value.get("status") == "retired":
        what = "the form is retired and would be handed out"
        yield written.error(("status",), what, "make it active, or take it out of the topic")
    if not (written.value.get("effectivePeriod") or {}).get("start"):
        what = "the form does not say from when on it holds (DTR spec-53)"
        yield written.warning((), what, 'write "effectivePeriod": {"start": "2026-01-01"}')


def link_ids_are_short(written: Written) -> Iterator[Problem]:
    """que-15."""
    for item, place in _items(written.value):
        if len(str(item.get("linkId", ""))) > LONGEST_LINK_ID:
            yield written.error(place, f"a linkId is longer than {LONGEST_LINK_ID} characters", "shorten it")


def no_extension_is_out_of_place(written: Written) -> Iterator[Problem]:
    """No extension that forms of DTR do not have, no look that matters; an adaptive form is only marked as one."""
    for node, place in _nodes(written.value):
        for number, each in enumerate(_extensions(node)):
            where, url = (*place, "extension", number), str(each.get("url"))
            if url in NEVER:
                yield written.error(where, f"{url.rpartition('/')[2]} is not for forms of DTR", NEVER[url])
            if url == SENSITIVE and each.get("valueBoolean") is not False:
                yield written.error(where, "the look of the form must not matter", "write false, or leave it out")
            if url == ADAPTIVE and each.get("valueBoolean") is not True:
                mend = 'write "valueBoolean": true; the server writes its own address when it hands the form out'
                yield written.error(where, "an adaptive form is marked by true in its file", mend)


def one_way_to_fill_in(written: Written) -> Iterator[Problem]:
    """What is filled in beforehand has one source; what the EHR fills in is seen and can be changed (DTR sec-4)."""
    for item, place in _items(written.value):
        name, filled = item.get("linkId"), _extension(item, INITIAL) is not None
        if filled and item.get("initial"):
            yield written.error(place, f"item '{name}' has initial and initialExpression", "keep one of them")
        if _extension(item, CALCULATED) is not None and item.get("initial"):
            yield written.error(place, f"item '{name}' is calculated and has initial", "leave initial out")
        hidden = (_extension(item, HIDDEN) or {}).get("valueBoolean") is True
        if filled and (hidden or item.get("readOnly") is True):
            what = f"item '{name}' is filled from the record and cannot be seen or changed (DTR sec-4)"
            yield written.error(place, what, "show it, and let people correct it")


def expressions_are_in_languages_of_dtr(written: Written) -> Iterator[Problem]:
    """DTR spec-18, spec-61: CQL, or FHIRPath that says so; a query never decides what is asked."""
    for node, place in _nodes(written.value):
        for number, each in enumerate(_extensions(node)):
            expression = each.get("valueExpression")
            if isinstance(expression, dict) and expression.get("language") not in LANGUAGES:
                what = f"an expression is in {expression.get('language') or 'no language'}"
                yield written.error((*place, "extension", number), what, f"write one of {', '.join(LANGUAGES)}")


def names_are_used_once(written: Written) -> Iterator[Problem]:
    """Launch contexts and variables of one element have names of their own; a variable has one at all."""
    for node, place in _nodes(written.value):
        names = [name for each in _extensions(node) for name in _names_in(each)]
        for name, times in Counter(names).items():
            if times > 1 or not name:
                what = f"'{name}' names {times} things" if name else "a variable has no name"
                yield written.error((*place, "extension"), what, "give each a name of its own")


def conditions_can_be_met(written: Written) -> Iterator[Problem]:
    """What an item depends on is a question that can have the answer; `exists` is true or false (que-7)."""
    items = {item.get("linkId"): item for item, _ in _items(written.value)}
    for item, place in _items(written.value):
        for number, each in enumerate(item.get("enableWhen") or ()):
            asked, wanted = items.get(each.get("question")), value_in(each, "answer")
            if asked is None or wanted is None:
                continue  # said where the form is read
            what = _why_never(asked, each.get("operator"), *wanted)
            if what:
                found = f"item '{item.get('linkId')}' depends on '{each['question']}', which {what}"
                yield written.error((*place, "enableWhen", number), found, "correct the question or the answer")


_ANSWERS = {
    "boolean": ("Boolean",),
    "integer": ("Integer", "Decimal"),
    "decimal": ("Decimal", "Integer"),
    "quantity": ("Quantity",),
    "choice": ("Coding", "String", "Integer", "Date"),
    "open-choice": ("Coding", "String", "Integer", "Date"),
    "date": ("Date", "DateTime"),
    "dateTime": ("DateTime", "Date"),
    "time": ("Time",),
    "string": ("String",),
    "text": ("String",),
    "url": ("Uri", "String"),
    "reference": ("Reference",),
}


def _why_never(asked: Json, operator: Any, kind: str, wanted: Value) -> str:
    if asked.get("type") in ("group", "display"):
        return "is no question"
    if operator == "exists":
        return "" if kind == "Boolean" else "exists or not: the answer is true or false (que-7)"
    if kind not in _ANSWERS.get(str(asked.get("type")), (kind,)):
        return f"is a {asked.get('type')} and never has such an answer"
    options = [found[1] for each in asked.get("answerOption") or () if (found := value_in(each))]
    codes = {(code.system, code.code) for code in options if isinstance(code, Code)}
    if isinstance(wanted, Code) and codes and (wanted.system, wanted.code) not in codes:
        return f"has no option '{wanted.code}'"
    return ""


def only_what_is_needed_is_asked(written: Written) -> Iterator[Problem]:
    """DTR spec-17: questions that depend on others are asked only then."""
    questions = [item for item, _ in _items(written.value) if item.get("type") not in ("group", "display")]
    depends = any(item.get("enableWhen") or _extension(item, ENABLE) for item, _ in _items(written.value))
    if len(questions) >= MANY_QUESTIONS and not depends:
        what = f"all {len(questions)} questions are always asked (DTR spec-17)"
        yield written.warning(("item",), what, "say with enableWhen when a question matters")


def parts_are_apart(written: Written) -> Iterator[Problem]:
    """DTR spec-22: where clinical and administrative people answer, words tell where the clinical part ends."""
    audience = {each.get("valueCode") for each in _extensions(written.value) if each.get("url") == AUDIENCE}
    outermost = [item.get("type") for item in written.value.get("item") or ()]
    if {"clinical", "admin"} <= audience and "display" not in outermost[1:-1]:
        what = "the form does not say where its clinical part ends (DTR spec-22)"
        yield written.error(("item",), what, "put the clinical part first, and an item of type display after it")


FORM_RULES: tuple[Check, ...] = (
    the_version_says_how_it_counts,
    it_is_about_the_patient,
    it_is_in_use_for_a_time,
    link_ids_are_short,
    no_extension_is_out_of_place,
    one_way_to_fill_in,
    expressions_are_in_languages_of_dtr,
    names_are_used_once,
    conditions_can_be_met,
    only_what_is_needed_is_asked,
    parts_are_apart,
)


def _items(node: Json, place: Place = ()) -> Iterator[tuple[Json, Place]]:
    inner = node.get("item")
    for number, item in enumerate(inner if isinstance(inner, list) else ()):
        if isinstance(item, dict):
            where = (*place, "item", number)
            yield item, where
            yield from _items(item, where)


def _nodes(form: Json) -> Iterator[tuple[Json, Place]]:
    yield form, ()
    yield from _items(form)


def _extensions(node: Json) -> list[Json]:
    found = node.get("extension")
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _extension(node: Json, url: str) -> Json | None:
    return next((each for each in _extensions(node) if each.get("url") == url), None)


def _names_in(extension: Json) -> Iterator[str]:
    if extension.get("url") == VARIABLE:
        yield str((extension.get("valueExpression") or {}).get("name") or "")
    if extension.get("url") == LAUNCH:
        yield from (
            str(part.get("valueCoding", {}).get("code")) for part in _extensions(extension) if part.get("url") == "name"
        )
