"""What is said besides the packages: why a form is there or not, each with its place, rule and what to do."""

from __future__ import annotations

from profiles.issue import Issue, Severity

WARNING: Severity = "warning"
INFORMATION: Severity = "information"


def unknown_form(canonical: str) -> Issue:
    """A form that was asked for by name is not here (DTR oper-9)."""
    return Issue(
        WARNING,
        "not-found",
        "Parameters.parameter.where(name='questionnaire')",
        f"There is no form {_quoted(canonical)} here.",
        "DTR oper-9",
        "Leave the version out for the current one, or ask by order.",
    )


def expired_form(canonical: str) -> Issue:
    """A form that was asked for by name is over (DTR spec-124); it is handed out all the same."""
    return Issue(
        WARNING,
        "expired",
        "Parameters.parameter.where(name='questionnaire')",
        f"The form {_quoted(canonical)} is not in use today.",
        "DTR spec-124",
        "Leave the version out for the current one.",
    )


def order_without_code(path: str) -> Issue:
    """Nobody can tell what is ordered."""
    words = "The order names no code that can be read, so no form was looked for."
    return Issue(WARNING, "code-invalid", path, words, "DTR spec-130", "Code what is ordered, for example by HCPCS.")


def no_form_for(path: str, topic: str) -> Issue:
    """The order needs no form: no topic names its codes, or the topic has none."""
    what = f"Topic {topic} has no form" if topic else "No form belongs to the codes of this order"
    return Issue(INFORMATION, "not-found", path, f"{what}: nothing has to be filled in for it.", "DTR oper-8")


def chosen_without_age(path: str) -> Issue:
    """Members of different ages have different forms."""
    words = "There is another form for another age, and the age of the member is not known."
    return Issue(WARNING, "incomplete", path, words, "R4 Patient.birthDate", "Send the Patient with its birth date.")


def order_not_named(path: str, kind: str) -> Issue:
    """The draft cannot refer to the order."""
    why = "has no id" if not kind else f"is a {kind}, which answers cannot name as their context"
    return Issue(
        INFORMATION, "informational", path, f"The draft does not refer to this order: it {why}.", "DTR qr-context"
    )


def no_form_any_more() -> Issue:
    """The answer to a request asked for a form that is not here any more (DTR oper-8)."""
    return Issue(
        WARNING,
        "not-found",
        "Parameters.parameter.where(name='context')",
        "The form that was asked for is not in use any more.",
        "DTR oper-8",
        "Send the documentation as an attachment to the request, or ask the payer by phone.",
    )


def newer_form(canonical: str) -> Issue:
    """The answer to a request asked for an earlier version than the one handed out (DTR prof-1)."""
    return Issue(
        INFORMATION,
        "informational",
        "Parameters.parameter.where(name='context')",
        f"The form has changed since it was asked for: fill in {_quoted(canonical)}.",
        "DTR prof-1",
    )


def unconfirmed_member(path: str) -> Issue:
    """Whether the person is a member could not be found out."""
    return Issue(
        WARNING,
        "incomplete",
        path,
        "The coverage could not be confirmed; the forms are those of the plan that it names.",
        "DTR spec-130",
        "Give the member id: Coverage.subscriberId, or an identifier of the beneficiary.",
    )


def not_covered(path: str) -> Issue:
    """The member has no plan in force."""
    words = "The coverage is not in force today; the forms are those of the last plan."
    return Issue(WARNING, "business-rule", path, words, "DTR spec-130")


def missing_part(canonical: str, form: str) -> Issue:
    """Something that a form needs is not here (DTR oper-12, oper-14)."""
    words = f"{_quoted(canonical)}, which the form {_quoted(form)} names, is not here; the package is without it."
    return Issue(WARNING, "not-found", "Parameters", words, "DTR oper-12")


def not_expanded(canonical: str) -> Issue:
    """The codes of a value set cannot be listed here."""
    return Issue(WARNING, "not-supported", "Parameters", f"{_quoted(canonical)} could not be expanded.", "DTR oper-15")


def unchanged() -> Issue:
    """Nothing that is asked for has changed since."""
    words = "Nothing has changed since: the packages that you have are the current ones."
    return Issue(INFORMATION, "informational", "Parameters.parameter.where(name='changedsince')", words, "DTR oper-10")


def nothing_to_fill_in() -> Issue:
    """There is no form to hand out."""
    return Issue(INFORMATION, "informational", "Parameters", "No form has to be filled in.", "DTR oper-8")


def _quoted(canonical: str) -> str:
    """A canonical as it may stand in a message: no longer than a URL is."""
    return canonical if len(canonical) <= 200 else f"{canonical[:200]}..."
