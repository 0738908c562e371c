"""The Claim as it was submitted, line by line: what an answer repeats of it."""

from __future__ import annotations

from collections.abc import Iterator

from mappers.fhir import Json, codings, extension, object_in, objects, text_in
from mappers.pas import names
from server.authorization.request import Code, ServiceLine

_NO_CODE = {"system": "http://terminology.hl7.org/CodeSystem/data-absent-reason", "code": "not-applicable"}


class SubmittedClaim:
    """Items, diagnoses, dates and care team of a Claim, by what an item says of them."""

    def __init__(self, claim: Json) -> None:
        self.claim = claim
        self._items = {item.get("sequence"): item for item in objects(claim, "item")}

    def item(self, line: ServiceLine) -> Json:
        """The item as it was sent; as it is on record where this Claim does not have it."""
        return self._items.get(line.sequence) or _as_recorded(line)

    def has(self, line: ServiceLine) -> bool:
        """Whether this Claim has the line."""
        return line.sequence in self._items

    @property
    def is_admission(self) -> bool:
        """Whether it is about a stay: one event, whatever its lines are."""
        types = (
            object_in(extension(each, names.REQUEST_TYPE), "valueCodeableConcept") for each in self._items.values()
        )
        return bool(self._dated("admissionDates")) or any(code.code == "AR" for each in types for code in codings(each))

    def diagnoses(self, item: Json) -> list[Json]:
        """The diagnoses that the item points to, all of the Claim's where it points to none, as CodeableConcepts."""
        pointed = item.get("diagnosisSequence") or [each.get("sequence") for each in objects(self.claim, "diagnosis")]
        chosen = (each for each in objects(self.claim, "diagnosis") if each.get("sequence") in pointed)
        return [concept for each in chosen if (concept := object_in(each, "diagnosisCodeableConcept"))]

    def admission(self, item: Json) -> Json:
        """When the patient is admitted, as the value of an extension; {} where the Claim does not say."""
        return self._timing("admissionDates", item)

    def discharge(self, item: Json) -> Json:
        """When the patient is discharged, as the value of an extension; {} where the Claim does not say."""
        timing = self._timing("dischargeDates", item)
        return timing if "valueDate" in timing else {}

    def team(self, item: Json) -> list[Json]:
        """The care team members that the item points to."""
        pointed = item.get("careTeamSequence") or ()
        return [each for each in objects(self.claim, "careTeam") if each.get("sequence") in pointed]

    @property
    def whole_team(self) -> list[Json]:
        """The care team members for the Claim as a whole."""
        return [
            each
            for each in objects(self.claim, "careTeam")
            if extension(each, names.CARE_TEAM_SCOPE).get("valueBoolean") is True
        ]

    def _dated(self, category: str) -> list[Json]:
        """The supporting information of a PAS category."""
        return [
            info
            for info in objects(self.claim, "supportingInfo")
            if Code(names.TEMPORARY_CODES, category) in map(_bare, codings(object_in(info, "category")))
        ]

    def _timing(self, category: str, item: Json) -> Json:
        """The timing of supporting information that the item points to, or that no item points to."""
        pointed_to = {each for one in self._items.values() for each in one.get("informationSequence") or ()}
        for info in self._dated(category):
            if (
                info.get("sequence") in (item.get("informationSequence") or ())
                or info.get("sequence") not in pointed_to
            ):
                if text_in(info, "timingDate"):
                    return {"valueDate": info["timingDate"]}
                if object_in(info, "timingPeriod"):
                    return {"valuePeriod": info["timingPeriod"]}
        return {}


def _bare(code: Code) -> Code:
    return Code(code.system, code.code)


def _as_recorded(line: ServiceLine) -> Json:
    """What is known of an item that an earlier message sent."""
    coding = [_coding(code) for code in line.services] or [_NO_CODE]
    return {
        "sequence": line.sequence,
        "productOrService": {"coding": coding},
        "extension": list(_recorded_traces(line)),
        "modifier": [{"coding": [_coding(code)]} for code in line.modifiers],
    }


def _recorded_traces(line: ServiceLine) -> Iterator[Json]:
    for each in line.trace_numbers:
        yield {"url": names.ITEM_TRACE_NUMBER, "valueIdentifier": {"system": each.system, "value": each.value}}


def _coding(code: Code) -> Json:
    return {name: value for name, value in (("system", code.system), ("code", code.code)) if value}
