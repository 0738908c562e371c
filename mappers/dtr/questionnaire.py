"""A form of the content as a Questionnaire of a dialect: packaged, handed out by itself, or contained in a response."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from mappers.dtr import names
from mappers.dtr.dialects import Dialect
from mappers.fhir import extensions
from mappers.pas.instants import instant
from server.authorization.request import Quantity

Json = dict[str, Any]
_REFERENCE = re.compile(r'^"([^"]+)"\."([^"]+)"$')


@dataclass(frozen=True, slots=True)
class Writing:
    """What a form is written for.

    base         base URL of this server: adaptive forms say it
    recommended  the plan's recommended amount, None where there is none or no plan is known
    changed      when the form last changed, None where that is not said
    """

    dialect: Dialect
    base: str = ""
    recommended: Quantity | None = None
    changed: datetime | None = None


def write_form(form: Mapping[str, Any], id: str, writing: Writing) -> Json:
    """A standard form, whole."""
    written = _written(form, writing, form["item"])
    written["meta"] = writing.dialect.claim(names.STANDARD_FORM)
    written["item"] = write_items(form["item"], writing)
    return _identified(written, id, writing.changed)


def write_search_form(form: Mapping[str, Any], id: str, writing: Writing) -> Json:
    """An adaptive form as it is handed out: without items, with the base where they are asked for (DTR spec-23, 24)."""
    written = _written(form, writing)
    written["meta"] = writing.dialect.claim(names.ADAPTIVE_SEARCH)
    written["extension"] = _with_base(written, writing)
    return _identified(written, id, writing.changed)


def write_contained_form(
    form: Mapping[str, Any], id: str, url: str, writing: Writing, items: Iterable[Mapping[str, Any]] = ()
) -> Json:
    """An adaptive form as it stands in a response, with the items asked so far (DTR spec-25).

    id, url  of this copy; it has no version, and names the form it is derived from with its version
    items    of the form, in the words of the content; under 2.0.1 those of them whose enableWhen holds
    """
    asked, dialect = list(items), writing.dialect
    written = _written(form, writing, asked)
    kept = {name: value for name, value in written.items() if name not in ("url", "version", "date", "identifier")}
    kept["extension"] = [each for each in _with_base(written, writing) if each["url"] != names.VERSION_ALGORITHM]
    kept |= {"meta": dialect.claim(names.ADAPTIVE_FORM), "derivedFrom": [f"{form['url']}|{form['version']}"]}
    kept |= {"url": url} if dialect.form_url else {}
    kept |= {"item": write_items(asked, writing, conditions=dialect.conditions)}
    return _identified(kept, id, None)


def write_items(items: Iterable[Mapping[str, Any]], writing: Writing, *, conditions: bool = True) -> list[Json]:
    """Items at any depth in the words of the dialect; without `conditions` nothing is asked only under conditions."""
    return [_item(each, writing, conditions=conditions) for each in items]


def initial_of(item: Mapping[str, Any], recommended: Quantity | None) -> list[Json]:
    """What an item is filled in with before anybody answers: its values, or the plan's recommended amount (PF-14)."""
    marked = any(True for _ in extensions(dict(item), names.RECOMMENDED))
    if not marked:
        return list(item.get("initial", ()))
    value = None if recommended is None else _recommended(item, recommended)
    return [] if value is None else [value]


def _recommended(item: Mapping[str, Any], recommended: Quantity) -> Json | None:
    amount = recommended.value
    if item["type"] == "integer":
        return {"valueInteger": int(amount)} if amount == amount.to_integral_value() else None
    if item["type"] == "decimal":
        return {"valueDecimal": amount}
    unit = next((each["valueCoding"] for each in extensions(dict(item), names.UNIT_OPTION)), None)
    if item["type"] != "quantity" or unit is None:
        return None
    said = {"unit": unit.get("display", unit["code"]), "system": unit["system"], "code": unit["code"]}
    return {"valueQuantity": {"value": _plain(amount), **said}}


def _plain(amount: Decimal) -> Decimal | int:
    return int(amount) if amount == amount.to_integral_value() else amount


def _written(form: Mapping[str, Any], writing: Writing, items: Iterable[Mapping[str, Any]] = ()) -> Json:
    """The form itself without its items: extensions in the words of the dialect, and a text that tells the items."""
    written: Json = {name: value for name, value in form.items() if name not in ("item", "meta", "text", "id")}
    found = [each for each in form.get("extension", ()) if each.get("url") != names.ADAPTIVE]
    written["extension"] = list(_extensions(found, writing.dialect))
    if writing.dialect.narrative:
        written["text"] = {"status": "generated", "div": _narrative(form, items)}
    return written


def _identified(written: Json, id: str, changed: datetime | None) -> Json:
    """The resource under an id, its parts in the order in which people look for them."""
    if changed is not None:
        written["meta"] = written["meta"] | {"lastUpdated": instant(changed)}
    first = {"resourceType": "Questionnaire", "id": id, "meta": written["meta"]}
    first |= {name: written[name] for name in ("text", "extension") if written.get(name)}
    last = {"item": written["item"]} if written.get("item") else {}
    return first | {name: each for name, each in written.items() if name not in {*first, "extension", "item"}} | last


def _with_base(written: Json, writing: Writing) -> list[Json]:
    return [*written["extension"], {"url": names.ADAPTIVE, "valueUrl": writing.base}]


def _item(item: Mapping[str, Any], writing: Writing, *, conditions: bool) -> Json:
    written = {name: value for name, value in item.items() if name not in ("item", "initial")}
    if not conditions:
        written = {name: value for name, value in written.items() if name not in ("enableWhen", "enableBehavior")}
    found = [each for each in item.get("extension", ()) if each.get("url") != names.RECOMMENDED]
    kept = list(_extensions(found, writing.dialect))
    written = written | {"extension": kept} if kept else {k: v for k, v in written.items() if k != "extension"}
    initial = initial_of(item, writing.recommended)
    inner = write_items(item.get("item", ()), writing, conditions=conditions)
    return written | ({"initial": initial} if initial else {}) | ({"item": inner} if inner else {})


def _extensions(found: Iterable[Mapping[str, Any]], dialect: Dialect) -> Iterator[Json]:
    renamed = dict(dialect.renamed)
    for each in found:
        url = str(each.get("url"))
        if url in dialect.left_out:
            continue
        written = dict(each) | {"url": renamed.get(url, url)}
        if url == names.CQF_LIBRARY and not dialect.versioned_libraries:
            written["valueCanonical"] = written["valueCanonical"].partition("|")[0]
        if "valueExpression" in written:
            written["valueExpression"] = _with_elm(written["valueExpression"], dialect)
        if "extension" in written:
            written["extension"] = list(_extensions(written["extension"], dialect))
        yield written


def _with_elm(expression: Mapping[str, Any], dialect: Dialect) -> Json:
    """A CQL expression with its ELM beside it (DTR spec-96): a reference to a define of a library."""
    reference = _REFERENCE.match(str(expression.get("expression", "")))
    if expression.get("language") != names.CQL or reference is None:
        return dict(expression)
    elm = {"type": "ExpressionRef", "libraryName": reference[1], "name": reference[2]}
    compiled = {"language": names.ELM, "expression": json.dumps(elm, separators=(",", ":"))}
    others = expression.get("extension", ())
    return {"extension": [*others, {"url": dialect.alternative, "valueExpression": compiled}], **_but(expression)}


def _but(expression: Mapping[str, Any]) -> Json:
    return {name: value for name, value in expression.items() if name != "extension"}


def _narrative(form: Mapping[str, Any], items: Iterable[Mapping[str, Any]]) -> str:
    """The form for people: its title and what it asks."""
    asked = "".join(_listed(items))
    title = html.escape(str(form.get("title", "")), quote=False)
    return f'<div xmlns="http://www.w3.org/1999/xhtml"><p>{title}</p>{asked}</div>'


def _listed(items: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Questions and sections as nested lists; help and other words that ask nothing are left out."""
    told = [each for each in items if each.get("type") != "display"]
    if told:
        yield "<ul>"
        for each in told:
            yield f"<li>{html.escape(str(each.get('text', '')), quote=False)}"
            yield from _listed(each.get("item", ()))
            yield "</li>"
        yield "</ul>"
