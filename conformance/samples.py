"""The sample requests of this project: PAS request Bundles with synthetic people, one file each in `requests/`."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any
from uuid import uuid4

Json = dict[str, Any]


def sample_names() -> list[str]:
    """The names of the sample requests, in alphabetical order."""
    folder = files(__package__) / "requests"
    return sorted(each.name.removesuffix(".json") for each in folder.iterdir() if each.name.endswith(".json"))


def sample(name: str) -> Json:
    """A sample request as it stands in the repository."""
    read: Json = json.loads((files(__package__) / "requests" / f"{name}.json").read_text("utf-8"))
    return read


def fresh_sample(name: str) -> Json:
    """A sample request as a new message: its own identifier and the present time."""
    bundle = sample(name)
    bundle["identifier"] = bundle["identifier"] | {"value": str(uuid4())}
    bundle["timestamp"] = datetime.now(UTC).isoformat(timespec="seconds")
    return bundle
