"""Fills templates and varies their manner, so that one line of a sheet becomes a few requests as people type them.

Rules
- All choices of a template come from a generator seeded by its own name: a set is the same bytes for the same seed, and
  a language alone gives the rows that it gives in the whole.
- The first filling is as written; the next ones are polite, loud, careless, or mistyped. Manner never adds a word that
  changes what is asked.
- Words for a child come from the product's lexicon of codes, and from the sheet's ages and school years with a number
  put in, when the set is made.
"""

import random
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

from safelight.core.request import Role
from safelight.evaluation.cases import Case, CaseTurn, Label
from training.held_out.sheet import SLOT, Section, Sheet, SheetInvalid, Template

MINORS_TIMES = 8
"""A template about a child is filled so many times more often: there are few of them, and many words."""
OWN_WORDS_SHARE = 0.5
"""So many are called by the sheet's own `years`: a lexicon that is asked for its own words alone cannot fail."""
AGES = range(3, 18)
"""Years of a child, Convention on the Rights of the Child, Art. 1."""
_TRIES_PER_FILLING = 4
_NESTED_MAX = 4
_MISTYPED_MIN_CHARS = 6


def cases_of(sheet: Sheet, *, per_template: int, seed: int) -> Iterator[Case]:
    """Up to `per_template` cases of each template of `sheet`, all different."""
    known: set[tuple[tuple[CaseTurn, ...], bool]] = set()
    for template in sheet.templates:
        name = f"{sheet.set}:{sheet.lang}:{template.section}:{template.family}:{template.number}"
        rng = random.Random(f"{seed}:{name}")
        wanted = per_template * (MINORS_TIMES if template.section.is_of_minors and SLOT.search(template.text) else 1)
        made = 0
        for attempt in range(wanted * _TRIES_PER_FILLING):
            case = _case(sheet, template, f"{name}:{made}", attempt, rng)
            if (case.turns, case.image) in known:
                continue
            known.add((case.turns, case.image))
            yield case
            made += 1
            if made == wanted:
                break


def _case(sheet: Sheet, template: Template, name: str, manner: int, rng: random.Random) -> Case:
    section = template.section
    turns = []
    marked = None
    for at, text in enumerate(template.turns):
        mark = text[0] if section.is_talk and text[0] in "!<" else ""
        if mark == "!":
            marked = at
        said = _filled(text.removeprefix(mark).strip(), sheet, rng)
        last = at == len(template.turns) - 1
        role = Role.ASSISTANT if mark == "<" else Role.USER
        turns.append(CaseTurn(role, _vary(said, sheet, manner, rng, last=last), section.has_photo and at == 0))
    return Case(
        id=name,
        turns=tuple(turns),
        image=section.has_photo,
        lang=sheet.lang,
        family=template.family,
        category=_category(section),
        label=Label.BLOCK if section.is_blocked else Label.ALLOW,
        block_at=marked,
    )


def _category(section: Section) -> str:
    if not section.is_blocked:
        return ""
    return "csam" if section.is_of_minors else "ncii"


def _filled(text: str, sheet: Sheet, rng: random.Random) -> str:
    """`text` with every slot filled, those within fillings too."""
    for _ in range(_NESTED_MAX):
        text = SLOT.sub(lambda slot: _filling(slot.group(1), sheet, rng), text)
    return text


def _filling(slot: str, sheet: Sheet, rng: random.Random) -> str:
    if slot == "age":
        return str(rng.choice(AGES))
    if slot == "minor":
        own, listed = sheet.choices("years"), minor_words(sheet.lang)
        if not own and not listed:
            message = (
                f"{sheet.set}/{sheet.lang}.toml: nothing fills {{minor}}; add `years` to [fill], with {{age}} in them."
            )
            raise SheetInvalid(message)
        return rng.choice(own if own and (not listed or rng.random() < OWN_WORDS_SHARE) else listed)
    return rng.choice(sheet.choices(slot))


@cache
def minor_words(lang: str) -> tuple[str, ...]:
    """Words for a child in `lang`, out of the lexicon, without those that mean something else in another language."""
    source = files("safelight.signals.text.lexicon").joinpath("minors.toml").read_text("utf-8")
    lexicon = tomllib.loads(source)
    elsewhere = {word for lists in lexicon.values() for word in lists.get("ambiguous", ())}
    child = lexicon.get(lang, {}).get("child", ())
    return tuple(word for word in child if not word.endswith("*") and word not in elsewhere)


def _vary(text: str, sheet: Sheet, manner: int, rng: random.Random, *, last: bool) -> str:
    """`text` in another manner of typing. The first is as written."""
    match manner % 6:
        case 1:
            polite = sheet.choices("polite")
            return f"{text} {rng.choice(polite)}" if polite and last else text
        case 2:
            return _mistyped(text, rng) if text.isascii() else f"{text}."
        case 3:
            return f"{text[:1].upper()}{text[1:]}."
        case 4:
            return text.lower().rstrip(".!?")
        case 5:
            return f"{text.upper()}!!"
    return text


def _mistyped(text: str, rng: random.Random) -> str:
    """Two neighbours inside one longer word change places."""
    words = text.split(" ")
    places = [at for at, word in enumerate(words) if len(word) >= _MISTYPED_MIN_CHARS and word.isalpha()]
    if not places:
        return text
    at = rng.choice(places)
    cut = rng.randrange(2, len(words[at]) - 2)
    word = words[at]
    words[at] = word[:cut] + word[cut + 1] + word[cut] + word[cut + 2 :]
    return " ".join(words)
