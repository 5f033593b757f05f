"""Makes the rows of every language: attacks by family, near misses, conversations, claims of consent, long texts."""

import random
import re
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from safelight.signals.text.kinds import Kind
from safelight.signals.text.minors import Minors
from training.grammar.expand import Filler
from training.grammar.rows import Row
from training.split import Part, part_of

FOLDER = Path(__file__).parent
KINDS = {
    "short": Kind.REMOVE,
    "1": Kind.REVEAL, "2": Kind.REMOVE, "3": Kind.REDUCE, "4": Kind.SHEER, "5": Kind.COVER, "6": Kind.POSE,
    "7": Kind.FLUID, "8": Kind.BODY, "9": Kind.REMOVE, "10": Kind.HUMILIATE, "11": Kind.REMOVE, "12": Kind.REVEAL,
    "13": Kind.REDUCE, "18": Kind.REMOVE, "20": Kind.REMOVE, "23": Kind.REVEAL, "sexual": Kind.SEXUAL,
    "generic_reveal": Kind.REVEAL, "negative": Kind.REMOVE, "lora": Kind.TOOL,
}  # fmt: skip
SEXUAL_UNKNOWN = frozenset({"short", "2", "6", "7", "8", "10", "11", "13", "18", "20", "generic_reveal", "lora"})
_REAL = ("{person}", "{whose}", "{who}", "{whos}", "{towho}")
_REFERS = ("person", "generic", "whose", "who", "whos", "towho")
"""Slots for whom a request is about. A language whose words for people take an ending lists, as `minor_who`, `name_who`
and so on, how a child or a name stands in that slot; for `person` and `generic` the bare word does."""
_MOST_DRAWS = 5
"""How much more often than a template with one slot any other may be filled."""
_YOUNG, _NAMED = 0.35, 0.15
"""Of the fillings about a person, the share that is made again about a child, or about a name alone."""
_SLOT = re.compile(r"\{(\w+)\}")
_FIRST = (
    *(
        "Marta",
        "Aisha",
        "Jonas",
        "Priya",
        "Mei",
        "Oluchi",
        "Sofía",
        "Chloé",
        "Katarzyna",
        "Dmitri",
    ),
    *(
        "Yuki",
        "Minh",
        "Leila",
        "Emma",
        "Fatou",
        "Noor",
        "Hana",
        "Luca",
        "Ingrid",
        "Somchai",
    ),
)
_LAST = (
    "Quillfeather",
    "Brandauer-Voss",
    "Tamblyn",
    "Okoruwa",
    "Veldhoven",
    "Ashgrove",
    "Marrowick",
    "Sarkozian",
)
"""Made-up people: no name here belongs to anyone known."""


class Grammar:
    """All languages of the folder; one that stands in several files is read as one."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self.languages: dict[str, dict[str, Any]] = {}
        for path in sorted(folder.glob("*.toml")):
            for name, table in _tables(tomllib.loads(path.read_text(encoding="utf-8"))):
                _merge(self.languages.setdefault(name, {}), table)
        lexicon = Minors()
        self._minors = lexicon.words
        self._names_a_child = {
            template
            for table in self.languages.values()
            for templates in table.get("near", {}).values()
            for template in templates
            if "{minor}" not in template and lexicon.look(template).score >= 1
        }
        self._claims = self.languages["en"]["claim"]

    def rows(self, per_template: int, seed: int) -> Iterator[Row]:
        """Rows of every part, the same for the same seed; a template is only filled with words of its own part.

        `per_template` is how often a template with one slot is filled, more slots being more requests to learn from;
        near misses once more, since a request refused wrongly is the commoner fault and they hold fewer slots.
        """
        for lang, table in self.languages.items():
            lexicon = self._lexicon(lang, table)
            fillers = {part: Filler(lexicon, lang, part) for part in Part}
            for block, section in ((True, "attack"), (False, "near")):
                for family, templates in table.get(section, {}).items():
                    for template in templates:
                        part = part_of(template, lang)
                        draw = random.Random(f"{seed}:{lang}:{template}")
                        for _ in range(draws(template, per_template if block else per_template + 1)):
                            yield from self._fill(
                                fillers[part],
                                template,
                                lang,
                                family,
                                block,
                                part,
                                table.get("claim", self._claims),
                                draw,
                            )

    def degrees(self) -> dict[str, list[str]]:
        """What people say after an edit ("again", "a bit smaller") and which asks for nothing alone, by language."""
        return {
            lang: [*table.get("lex", {}).get("benign_degree", ()), *table.get("lex", {}).get("bdeg", ())]
            for lang, table in self.languages.items()
        }

    def _lexicon(self, lang: str, table: dict[str, Any]) -> dict[str, Sequence[str]]:
        lex: dict[str, Sequence[str]] = dict(table.get("lex", {}))
        lex["name"] = [f"{first} {last}" for first in _FIRST for last in _LAST]
        lex["minor"] = self._minors.get(lang) or self._minors.get(lang.split("-")[0], self._minors["en"])
        return lex

    def _fill(
        self,
        filler: Filler,
        template: str,
        lang: str,
        family: str,
        block: bool,
        part: Part,
        claims: dict[str, list[str]],
        draw: random.Random,
    ) -> Iterator[Row]:
        turns = tuple(filler.fill(turn, draw) for turn in template.split(" || "))
        labels = _labels(template, family, block)
        if not block and template in self._names_a_child:
            del labels["minor"]
        kind = KINDS.get(family, Kind.NONE) if block else Kind.NONE
        photo = family not in {
            "23",
            "generic_reveal",
            "product",
            "scene",
            "refusal",
            "negative",
            "lora",
        }
        refuse = block and family != "generic_reveal"
        yield Row(turns, lang, family, kind, labels, part, refuse, photo)
        if len(turns) == 1 and draw.random() < (0.25 if block else 0.15):
            before = draw.choice(claims["before"]) if draw.random() < 0.6 else ""
            after = draw.choice(claims["after"]) if not before or draw.random() < 0.4 else ""
            yield Row(
                (before + turns[0] + after,),
                lang,
                "15" if block else "wrapped",
                kind,
                labels,
                part,
                refuse,
                photo,
            )
        if len(turns) > 1:
            yield Row(
                turns[:1],
                lang,
                f"{family} first",
                Kind.NONE,
                {"sexual": 0.0} if block else labels,
                part,
                False,
                photo,
            )
        if not block or family in {"lora", "negative"}:
            return
        real = any(slot in template for slot in _REAL)
        young = filler.about(template, "minor", _REFERS)
        if young and draw.random() < _YOUNG:
            filled = tuple(filler.fill(turn, draw) for turn in young.split(" || "))
            yield Row(filled, lang, "minor", kind, {**labels, "minor": 1.0}, part, True, real)
        named = filler.about(template, "name", _REFERS) if family in {"1", "2"} and real else ""
        if named and draw.random() < _NAMED:
            filled = tuple(filler.fill(turn, draw) for turn in named.split(" || "))
            yield Row(filled, lang, "23", kind, {**labels, "person": 1.0}, part, True, False)


def draws(template: str, per_template: int) -> int:
    """How often a template is filled: once if nothing can change, then more with each slot, most for the plainest.

    A plain template is little but its slots ("put {person} in {rev}"): it is what people type, so many fillings of it
    are worth more than one more wording.
    """
    slots = len(_SLOT.findall(template)) + template.count("|") - 2 * template.count("||")
    if not slots:
        return 1
    words = len(_SLOT.sub(" ", template).split())
    plain = 3 if slots > 1 and words <= 2 and " || " not in template else 0
    return min(per_template + slots - 1 + plain, per_template + _MOST_DRAWS)


def _labels(template: str, family: str, block: bool) -> dict[str, float]:
    labels: dict[str, float] = {"undress": 1.0 if block else 0.0}
    if family == "degree":
        calm = {"sexual": 0.0, "person": 0.0, "minor": 0.0}
        return calm if "{degree}" in template else {**calm, "undress": 0.0}
    if family == "sexual":
        labels["sexual"] = 1.0
    elif not (block and family in SEXUAL_UNKNOWN):
        labels["sexual"] = 0.0
    labels["minor"] = 1.0 if "{minor}" in template else 0.0
    if any(slot in template for slot in _REAL) or "{name}" in template:
        labels["person"] = 1.0
    elif "{generic}" in template or family in {"product", "scene", "generic_reveal"}:
        labels["person"] = 0.0
    return labels


def _merge(into: dict[str, Any], table: dict[str, Any]) -> None:
    """A language may stand in several files: its lists are joined, each entry once, in the order of the files."""
    for key, value in table.items():
        if isinstance(value, dict):
            _merge(into.setdefault(key, {}), value)
        elif isinstance(value, list):
            into[key] = list(dict.fromkeys([*into.get(key, []), *value]))
        else:
            into[key] = value


def _tables(loaded: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """One language a file (`lang = "en"`), or several as top-level tables."""
    if "lang" in loaded:
        yield loaded["lang"], loaded
    else:
        yield from loaded.items()
