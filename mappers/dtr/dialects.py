"""How DTR 2.2.0 and 2.0.1 differ on the wire, as data. Content is written once, in the words of 2.2.0."""

from __future__ import annotations

from dataclasses import dataclass

from mappers.dtr import names


@dataclass(frozen=True, slots=True)
class Dialect:
    """One version of the guide.

    package, outcome    names of the output parameters
    origin              code of an answer that the payer filled in
    alternative         extension that carries the ELM of a CQL expression
    uses                code system of what answers are for
    versioned_libraries whether a form names its libraries with version: a widely used test kit of 2.0.1 compares them
                        with Library.url as they are
    expanded_below      value sets with fewer codes are expanded in a package; None = all
    narrative           forms have a text
    left_out            extensions that this version does not know
    renamed             extensions that it knows under another name
    coverage_in_context the coverage stands among the contexts of an answered form, at least one of them an order
    several_coverages   a package may be asked for with more than one coverage
    adaptive_response   profile of the draft of an adaptive form
    form_url            a form that is contained in a response has a url of its own
    conditions          such a form may have enableWhen
    empty_answers       a draft may be without items
    """

    version: str
    package: str
    outcome: str
    origin: str
    alternative: str
    uses: str
    versioned_libraries: bool
    expanded_below: int | None
    narrative: bool
    left_out: frozenset[str]
    renamed: tuple[tuple[str, str], ...]
    coverage_in_context: bool
    several_coverages: bool
    adaptive_response: str
    form_url: bool
    conditions: bool
    empty_answers: bool

    def claim(self, profile: str) -> dict[str, list[str]]:
        """`meta` that claims a profile; those of DTR in this version."""
        version = f"|{self.version}" if profile.startswith(names.DTR) else ""
        return {"profile": [f"{profile}{version}"]}


V2_2_0 = Dialect(
    version="2.2.0",
    package="packagebundle",
    outcome="outcome",
    origin="auto-server",
    alternative=names.ALTERNATIVE_EXPRESSION,
    uses=names.CRD_CODES + "coverage-information-codes",
    versioned_libraries=True,
    expanded_below=40,
    narrative=False,
    left_out=frozenset(),
    renamed=(),
    coverage_in_context=False,
    several_coverages=False,
    adaptive_response=names.ADAPTIVE_RESPONSE,
    form_url=True,
    conditions=True,
    empty_answers=True,
)

V2_0_1 = Dialect(
    version="2.0.1",
    package="PackageBundle",
    outcome="operationOutcome",
    origin="auto",
    alternative=names.ALTERNATIVE_EXPRESSION_2_0_1,
    uses=names.CRD_CODES + "temp",
    versioned_libraries=False,
    expanded_below=None,
    narrative=True,
    left_out=frozenset(
        {
            names.VERSION_ALGORITHM,
            names.AUDIENCE,
            names.COMPLETION_TIME,
            names.REQUEST_SPECIFIC,
            names.TARGET_CONSTRAINT,
        }
    ),
    renamed=((names.SUPPORT_HYPERLINK, names.SUPPORT_LINK),),
    coverage_in_context=True,
    several_coverages=True,
    adaptive_response=names.SDC_ADAPTIVE_RESPONSE,
    form_url=False,
    conditions=False,
    empty_answers=False,
)

DIALECTS = {each.version: each for each in (V2_2_0, V2_0_1)}
