"""Whether libraries, their ELM and the forms that name them fit together. One generator per check, in one table."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from questionnaires.form_valuesets import read_valuesets
from questionnaires.prepopulation import (
    LIBRARY_URL,
    SHARED,
    Library,
    defines_named,
    elm_path,
    line_of,
    read_libraries,
)
from questionnaires.problem import Problem, Severity
from questionnaires.retrieves import definitions

Check = Callable[[tuple[Library, ...]], Iterator[Problem]]
VALUE_SETS = "valuesets"
CQF_LIBRARY = "http://hl7.org/fhir/StructureDefinition/cqf-library"


def problems_of_libraries(directory: Path) -> list[Problem]:
    """Everything that is wrong with the pre-population of a content directory, by file and line."""
    libraries, problems = read_libraries(directory)
    of_sets = _problems_of_value_sets(directory, libraries)
    return sorted({*problems, *problems_among(libraries), *of_sets, *_problems_of_forms(directory, libraries)})


def problems_among(libraries: tuple[Library, ...]) -> Iterator[Problem]:
    """What is wrong with libraries that were read, whatever forms there are."""
    for check in CHECKS:
        yield from check(libraries)


def a_library_has_a_version(libraries: tuple[Library, ...]) -> Iterator[Problem]:
    """Everything in a package is named with its version (DTR oper-16)."""
    for library in libraries:
        if not library.version:
            what = f"library {library.name} has no version"
            yield _error(library, f"library {library.name}", what, f"write library {library.name} version '2026.1.0'")


def names_are_unique(libraries: tuple[Library, ...]) -> Iterator[Problem]:
    """Two libraries of a payer never have one name (DTR spec-98)."""
    seen: dict[str, Library] = {}
    for library in libraries:
        first = seen.setdefault(library.name, library)
        if first is not library:
            what = f"library {library.name} is also in {first.path}"
            yield _error(library, "library ", what, "name it after its topic")


def the_elm_is_of_this_cql(libraries: tuple[Library, ...]) -> Iterator[Problem]:
    """CQL and ELM say the same (DTR spec-95)."""
    for library in libraries:
        elm = str(elm_path(library.path))
        if not library.elm:
            yield _error(library, "library ", f"library {library.name} has no ELM beside it", "run make elm")
        elif library.compiled and not library.made_from:
            what = "the ELM does not say from which CQL it was made"
            yield Problem(elm, 1, Severity.WARNING, what, "run make elm, which writes that down")
        elif library.compiled and not library.is_current:
            what = f"the CQL of library {library.name} was changed and its ELM was not"
            yield Problem(elm, 1, Severity.ERROR, what, "run make elm")


def cql_and_elm_agree(libraries: tuple[Library, ...]) -> Iterator[Problem]:
    """Name, version and every define of the CQL are in the ELM."""
    for library in libraries:
        if not library.compiled:
            continue
        given = library.compiled.get("identifier", {})
        of_elm, of_cql = f"{given.get('id')} {given.get('version', '')}", f"{library.name} {library.version}"
        if of_elm != of_cql:
            what = f"the ELM is of {of_elm}, the CQL of {of_cql}"
            yield Problem(str(elm_path(library.path)), 1, Severity.ERROR, what, "run make elm")
        for define in library.defines:
            if define.name not in library.statements:
                what = f"the ELM does not define '{define.name}'"
                yield Problem(str(library.path), define.line, Severity.ERROR, what, "run make elm")


def what_is_included_is_there(libraries: tuple[Library, ...]) -> Iterator[Problem]:
    """A package brings every library that is depended on, in that version (DTR oper-12)."""
    known = {library.canonical for library in libraries}
    for library in libraries:
        for canonical in library.includes:
            if canonical not in known:
                name, _, version = canonical.removeprefix(LIBRARY_URL).partition("|")
                what = f"there is no library {name} version '{version}' here"
                yield _error(library, f"include {name}", what, "include one that is in libraries/, with its version")


def the_context_is_the_patient(libraries: tuple[Library, ...]) -> Iterator[Problem]:
    """CQL is about one patient (DTR spec-93) in FHIR 4.0.1."""
    for library in libraries:
        for context in definitions(library.compiled, "contexts"):
            if context.get("name") != "Patient":
                what = f"the context {context.get('name')} is not the patient"
                yield _error(library, f"context {context.get('name')}", what, "write context Patient")


def retrieves_are_narrow(libraries: tuple[Library, ...]) -> Iterator[Problem]:
    """No more is asked of the record than the documentation needs (DTR sec-3)."""
    for library in libraries:
        for retrieve in library.retrieves:
            if not retrieve.is_narrow:
                what = f"every {retrieve.type} of the patient is asked for"
                yield _error(library, f"[{retrieve.type}", what, f'name a code or value set: [{retrieve.type}: "..."]')


CHECKS: tuple[Check, ...] = (
    a_library_has_a_version,
    names_are_unique,
    the_elm_is_of_this_cql,
    cql_and_elm_agree,
    what_is_included_is_there,
    the_context_is_the_patient,
    retrieves_are_narrow,
)


def _problems_of_value_sets(directory: Path, libraries: tuple[Library, ...]) -> Iterator[Problem]:
    """A package brings every value set that a library names, in that version (DTR oper-14, oper-16)."""
    shared = read_valuesets(directory / SHARED / VALUE_SETS, [])
    for library in libraries:
        named = library.value_sets
        known = shared.joined(read_valuesets(library.path.parent / VALUE_SETS, [])) if named else shared
        for canonical in named:
            url, _, version = canonical.partition("|")
            if not version or known.get(canonical) is None:
                what = f"there is no value set {canonical} here" if version else f"value set {url} has no version"
                mend = "write it in valuesets/ of the topic or of libraries/, and name it with its version"
                yield _error(library, f"'{url}'", what, mend)


def _problems_of_forms(directory: Path, libraries: tuple[Library, ...]) -> Iterator[Problem]:
    for path in sorted(directory.glob("*/questionnaire.json")):
        text = path.read_text("utf-8", errors="replace")
        yield from _problems_of_form(path, text, libraries) if '"text/cql' in text or CQF_LIBRARY in text else ()


def _problems_of_form(path: Path, text: str, libraries: tuple[Library, ...]) -> Iterator[Problem]:
    """A form names libraries that are here, with version, and defines that are in them (DTR spec-87, spec-97)."""
    try:
        form = json.loads(text)
    except ValueError:  # said by read_form
        return
    named = {str(each.get("valueCanonical", "")) for each in _extensions(form) if each.get("url") == CQF_LIBRARY}
    by_canonical = {library.canonical: library for library in libraries}
    for canonical in sorted(named - set(by_canonical)):
        yield _form_error(path, text, canonical, f"there is no library {canonical}", "name one with its version")
    defined = {by_canonical[each].name: by_canonical[each] for each in named & set(by_canonical)}
    for link_id, name, define in defines_named(form):
        yield from _problems_of_reference(path, text, (link_id, name, define), defined)


def _problems_of_reference(
    path: Path, text: str, reference: tuple[str, str, str], defined: dict[str, Library]
) -> Iterator[Problem]:
    link_id, name, define = reference
    if not name:
        what = f"question '{link_id}' is filled by something else than a define"
        yield _form_error(path, text, f'"{link_id}"', what, 'write "Library"."Define", both quoted')
    elif name not in defined:
        what = f"question '{link_id}' is filled by library {name}, which the form does not name"
        yield _form_error(path, text, f'"{link_id}"', what, "name it in a cqf-library extension of the form")
    elif define not in {each.name for each in defined[name].defines}:
        what = f"question '{link_id}' is filled by '{define}', which {name} does not define"
        yield _form_error(path, text, f'"{link_id}"', what, f"define it in {defined[name].path.name}")


def _extensions(form: Any) -> list[dict[str, Any]]:
    found = form.get("extension", []) if isinstance(form, dict) else []
    return [each for each in found if isinstance(each, dict)]


def _form_error(path: Path, text: str, words: str, what: str, mend: str) -> Problem:
    return Problem(str(path), line_of(text, words), Severity.ERROR, what, mend)


def _error(library: Library, words: str, what: str, mend: str) -> Problem:
    return Problem(str(library.path), library.line_of(words), Severity.ERROR, what, mend)
