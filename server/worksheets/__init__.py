"""Worksheets as people print them: text, HTML, PDF (PF-11)."""

from __future__ import annotations

from server.authorization.policy import Plan, Topic


def about(plan: Plan, topic: Topic) -> tuple[str, ...]:
    """The lines under the title: whose form it is, by which guideline, in which version."""
    guideline = ", ".join(filter(None, (topic.source.document, topic.source.page)))
    return f"{plan.title}. Guideline: {guideline}.", f"Form {topic.form}"
