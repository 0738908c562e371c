"""`make bench`: every measurement, or the ones named: `make bench ARGS=submit`, `make bench ARGS="inquire 100000"`."""

from __future__ import annotations

import sys

from rich.console import Console

from bench import inquire, next_question, notices, packages, profiles, review, submit

BENCHES = {
    "submit": submit.main,
    "profiles": profiles.main,
    "inquire": inquire.main,
    "review": review.main,
    "packages": packages.main,
    "next-question": next_question.main,
    "notices": notices.main,
}


def main(names: list[str]) -> int:
    """Run the named measurements (all where none is named) and print their tables."""
    console = Console(width=110)
    names, sizes = [each for each in names if not each.isdigit()], [int(each) for each in names if each.isdigit()]
    if sizes:
        return _of_sizes(console, names, sizes)
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        console.print(f"There is no bench {', '.join(unknown)}; there are {', '.join(BENCHES)}.")
        return 2
    for name in names or BENCHES:
        BENCHES[name](console)
    return 0


def _of_sizes(console: Console, names: list[str], sizes: list[int]) -> int:
    if names != ["inquire"]:
        console.print("Only one bench takes numbers, of authorizations on record: inquire.")
        return 2
    inquire.main(console, sizes)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
