"""The validator against `fhir.resources` parsing the same Bundle: CPU, start-up, memory, worst invalid cases."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jiter
from rich.console import Console
from rich.table import Table

from profiles import issues_in

ROOT = Path(__file__).parent.parent
OWN = ROOT / "tests/profiles/bases/pas-request.json"
OFFICIAL = ROOT.parent / "shared/ig/davinci_pas_2.2.1.tgz"
REFERRAL = "package/example/Bundle-ReferralAuthorizationBundleExample.json"
REQUEST = "http://hl7.org/fhir/us/davinci-pas/StructureDefinition/profile-pas-request-bundle"
REPETITIONS = 15
Json = dict[str, Any]

STARTED = """
import resource, time
def rss(): return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize() / 2**20
began = time.process_time()
from profiles import issues_in
from profiles.profile_set import profile_set
before = rss()
{steps}
print(time.process_time() - began, rss() - before)
"""


def measure() -> dict[str, float]:
    """Every figure by name: milliseconds of CPU, ratios to fhir.resources, MB."""
    figures: dict[str, float] = {}
    requests = {"largest": largest_request()}
    requests["30 entries, 10 items"] = grown(requests["largest"], entries=30, items=10)
    for name, request in requests.items():
        for kind, bundle in (("", without_narrative(request)), (", with narrative", request)):
            ours, theirs = cpu(lambda: issues_in(bundle, REQUEST), _parsing(bundle))  # noqa: B023 - called at once
            figures[f"{name}{kind}: ms"] = ours
            figures[f"{name}{kind}: fhir.resources ms"] = theirs
            figures[f"{name}{kind}: ratio"] = ours / theirs
    for name, make in WORST.items():
        small, large = make(100), make(1000)
        once, ten_times = cpu(lambda: issues_in(small, REQUEST), lambda: issues_in(large, REQUEST))  # noqa: B023
        figures[f"worst, {name}: ms"] = ten_times
        figures[f"worst, {name}: times for ten times the size"] = ten_times / once
    for name, steps in STEPS.items():
        seconds, memory = started(steps)
        figures[f"{name}: ms"] = seconds * 1000
        figures[f"{name}: MB"] = memory
    return figures


STEPS = {
    "start until the first request is validated": f"""
import json
issues_in(json.load(open({str(OWN)!r})), {REQUEST!r})""",
    "start and compile everything of PAS 2.2.1": """
profile_set("2.2.1").compile_everything()""",
    "start and compile everything of both versions": """
for version in ("2.2.1", "2.0.1"):
    profile_set(version).compile_everything()""",
}


def started(steps: str) -> tuple[float, float]:
    """CPU seconds of a fresh process for importing the validator and for `steps`, MB for `steps`; the least of five."""
    runs = []
    for _ in range(5):
        command = [sys.executable, "-c", STARTED.format(steps=steps)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        runs.append(tuple(float(word) for word in done.stdout.split()))
    return min(run[0] for run in runs), min(run[1] for run in runs)


def cpu(*works: Callable[[], object]) -> list[float]:
    """Milliseconds of CPU per call of each, the least of several turns; in turn, so that a busy machine slows all."""
    for work in works:
        work()
    turns = [[_once(work) for work in works] for _ in range(REPETITIONS)]
    return [min(times) for times in zip(*turns, strict=True)]


def _once(work: Callable[[], object]) -> float:
    calls, began = 0, time.process_time()
    while not calls or time.process_time() - began < 0.01:
        work()
        calls += 1
    return (time.process_time() - began) * 1000 / calls


def _parsing(bundle: Json) -> Callable[[], object]:
    from fhir.resources.R4B.bundle import Bundle

    as_json = json.loads(json.dumps(bundle, default=float))
    return lambda: Bundle.model_validate(as_json)


def largest_request() -> Json:
    """The largest official request where the package is at hand, else the project's own; decimals kept."""
    if not OFFICIAL.exists():
        return jiter.from_json(OWN.read_bytes(), float_mode="decimal")
    with tarfile.open(OFFICIAL) as package:
        stream = package.extractfile(REFERRAL)
        assert stream is not None
        return jiter.from_json(stream.read(), float_mode="decimal")


def without_narrative(bundle: Json) -> Json:
    """The same Bundle, no resource with text."""
    bare = copy.deepcopy(bundle)
    for entry in bare["entry"]:
        entry["resource"].pop("text", None)
    return bare


def grown(bundle: Json, entries: int, items: int) -> Json:
    """A valid Bundle with that many entries and service lines: items repeated, documents added and pointed to."""
    bundle = copy.deepcopy(bundle)
    claim = bundle["entry"][0]["resource"]
    template = claim["item"][0]
    claim["item"] = [{**copy.deepcopy(template), "sequence": n} for n in range(1, items + 1)]
    document = next(e for e in bundle["entry"] if e["resource"]["resourceType"] == "DocumentReference")
    pointer = next(s for s in claim["supportingInfo"] if "valueReference" in s)
    for number in range(entries - len(bundle["entry"])):
        added = copy.deepcopy(document)
        added["resource"]["id"] = f"added-{number}"
        added["fullUrl"] = f"{document['fullUrl'].rsplit('/', 1)[0]}/added-{number}"
        bundle["entry"].append(added)
        info = {**copy.deepcopy(pointer), "sequence": 1000 + number}
        info["valueReference"] = {"reference": added["fullUrl"]}
        claim["supportingInfo"].append(info)
    return bundle


def wide(times: int) -> Json:
    """Many wrong items in many slices, each pointing nowhere."""
    bundle = _own()
    claim = bundle["entry"][0]["resource"]
    claim["supportingInfo"] = [{**info, "sequence": "x"} for info in claim["supportingInfo"] * times]
    claim["item"] = [{**item, "careTeamSequence": [99], "unknown": 1} for item in claim["item"] * times]
    return bundle


def many(times: int) -> Json:
    """Many entries, all of them wrong."""
    bundle = _own()
    wrong = ({"resourceType": "Patient", "id": f"p{number}", "a": 1} for number in range(times * 20))
    bundle["entry"] += [{"fullUrl": "x", "resource": resource} for resource in wrong]
    return bundle


def deep(times: int) -> Json:
    """Extensions inside extensions, as deep as a decoder lets through."""
    bundle = _own()
    inner: Json = {"url": "http://example.org/x", "valueString": "x"}
    for _ in range(times * 5):
        inner = {"url": "http://example.org/x", "extension": [inner]}
    bundle["entry"][0]["resource"]["extension"].append(inner)
    return bundle


def circles(times: int) -> Json:
    """Resources that all refer to each other."""
    bundle = _own()
    role = next(e for e in bundle["entry"] if e["resource"]["resourceType"] == "PractitionerRole")
    for number in range(times * 5):
        added = copy.deepcopy(role)
        added["resource"]["id"] = f"r{number}"
        added["resource"]["practitioner"] = {"reference": f"PractitionerRole/r{number + 1}"}
        added["fullUrl"] = f"{role['fullUrl'].rsplit('/', 1)[0]}/r{number}"
        bundle["entry"].append(added)
    return bundle


WORST = {"wide": wide, "many entries": many, "deep": deep, "circles": circles}


def _own() -> Json:
    return json.loads(OWN.read_text("utf-8"))


def main(console: Console) -> None:
    """Print the figures."""
    table = Table(title="Validator: base R4 and PAS profiles in one pass", title_justify="left")
    table.add_column("figure")
    table.add_column("", justify="right")
    for name, figure in measure().items():
        table.add_row(name, f"{figure:.2f}")
    console.print(table)
