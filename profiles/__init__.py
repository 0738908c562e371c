"""Constraint tables of the guides, and the validator made from them.

`issues_in(resource, profile, version=...)` gives every problem of a decoded resource at once. Versions: "2.2.1" (PAS
2.2.1 with DTR 2.2.0 and US Core 7.0.0) and "2.0.1" (PAS and DTR 2.0.1 with US Core 3.1.1).
"""

from profiles.issue import Issue
from profiles.profile_set import profile_of
from profiles.validator import issues_in

__all__ = ["Issue", "issues_in", "profile_of"]
