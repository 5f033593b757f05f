"""Writes a held-out set as JSONL: `python -m training.held_out.make --set final --out final.jsonl`.

The same set, language, count and seed give the same bytes. What is written may hold readable requests about children:
keep it out of the repository and delete it after measuring.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from safelight.evaluation.cases import Case, write_case
from training.held_out.fill import cases_of
from training.held_out.sheet import SETS, STEPS, read_sheets

PER_TEMPLATE = 3
SEED = 20261122


def held_out(
    name: str, *, lang: str | None = None, per_template: int = PER_TEMPLATE, seed: int = SEED
) -> Iterator[Case]:
    """Every case of the set `name`, language by language. Raises SheetInvalid."""
    for sheet in read_sheets(name, lang):
        yield from cases_of(sheet, per_template=per_template, seed=seed)


def line(case: Case) -> str:
    """`case` as one line, with its end. To be scored a case must say its category, if only that there is none."""
    return json.dumps({"category": ""} | json.loads(write_case(case))) + "\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m training.held_out.make", description=__doc__)
    parser.add_argument("--set", required=True, choices=(*SETS, STEPS), dest="name")
    parser.add_argument("--out", required=True, type=Path, help="the file to write")
    parser.add_argument("--lang", help="one language only, named as its sheet")
    parser.add_argument("--per-template", type=int, default=PER_TEMPLATE, help="at most so many cases of a template")
    parser.add_argument("--seed", type=int, default=SEED)
    given = parser.parse_args(arguments)
    if given.per_template < 1:
        parser.error("--per-template is at least 1")
    cases = held_out(given.name, lang=given.lang, per_template=given.per_template, seed=given.seed)
    with given.out.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(line(case) for case in cases)
    print(f"{given.name} written to {given.out.name}")


if __name__ == "__main__":
    main()
