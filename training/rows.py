"""The rows that are learnt from: the grammar's, the same in longer texts, in conversations, badly typed, and noise."""

import random
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from safelight.signals.text.kinds import Kind
from training.grammar.rows import Row
from training.noise import disguised, gibberish, mistyped, numbered
from training.ordinary import Ordinary
from training.romanise import LANGUAGES, romanised
from training.split import Part

SEED = 1
_CALM = {"undress": 0.0, "sexual": 0.0}
_CALM_FAMILIES = frozenset({"edit", "more", "keep", "scene", "talk", "short", "wrapped", "near: photo", "near: scenes"})
_JOINTS = (". ", ", ", "\n", ". ", " - ", "; ")


def unique(rows: Iterable[Row]) -> list[Row]:
    """Each conversation once."""
    return list({row.turns: row for row in rows}.values())


def _pools(
    rows: Sequence[Row], plain: Sequence[Ordinary], part: Part
) -> tuple[dict[str, list[Row]], dict[str, list[str]]]:
    """Single attacks, and calm texts, of one part by language."""
    hot: dict[str, list[Row]] = defaultdict(list)
    calm: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        if row.part is not part or len(row.turns) != 1 or len(row.text) > 110:
            continue
        if row.block and row.labels.get("undress") == 1.0:
            hot[row.lang].append(row)
        elif not row.block and row.family in _CALM_FAMILIES and row.labels.get("undress") == 0.0:
            calm[row.lang].append(row.text)
    calm["en"] += [line.text for line in plain if line.part is part and len(line.text) < 90 and not line.bare]
    return hot, calm


def longer(rows: Sequence[Row], plain: Sequence[Ordinary], count: int) -> list[Row]:
    """Ordinary sentences with one request among them, and as many with none: the part decides, wherever it stands."""
    draw = random.Random(SEED)
    made: list[Row] = []
    for part in Part:
        hot, calm = _pools(rows, plain, part)
        langs = sorted(lang for lang in hot if len(calm[lang]) > 3)
        for at in range(count if part is Part.TRAIN else count // 4):
            lang = draw.choice(langs) if draw.random() < 0.65 else "en"
            if lang not in langs:
                continue
            around = lang if draw.random() < 0.8 else "en"
            sentences = [draw.choice(calm[around]) for _ in range(draw.randint(1, 4))]
            joint = draw.choice(_JOINTS)
            if at % 2:
                sentences.append(draw.choice(calm[lang]))
                made.append(Row((joint.join(sentences),), lang, "long", Kind.NONE, _CALM, part, False, True))
                continue
            row = draw.choice(hot[lang])
            sentences.insert(draw.randint(0, len(sentences)), row.text)
            text = joint.join(sentences)
            made.append(Row((text,), row.lang, "18", row.kind, row.labels, part, row.block, row.image))
    return made


def conversations(
    rows: Sequence[Row], plain: Sequence[Ordinary], count: int, again: Mapping[str, Sequence[str]]
) -> list[Row]:
    """Turns drawn together: calm ones, which must stay calm, and as many with one request among them.

    Half go on as people do, with a word of degree (`again`, by language) for each further turn: what it means is what
    came before.
    """
    draw = random.Random(SEED + 1)
    made: list[Row] = []
    for part in Part:
        hot, calm = _pools(rows, plain, part)
        langs = sorted(lang for lang in hot if len(calm[lang]) > 3)
        for at in range(count if part is Part.TRAIN else count // 4):
            lang = draw.choice(langs) if draw.random() < 0.75 else "en"
            if lang not in langs:
                continue
            turns = [draw.choice(calm[lang]) for _ in range(draw.randint(2, 5))]
            if again.get(lang) and draw.random() < 0.5:
                turns[1:] = [draw.choice(again[lang]) for _ in turns[1:]]
            if at % 2:
                made.append(Row(tuple(turns), lang, "talk", Kind.NONE, _CALM, part, False, True))
                continue
            row = draw.choice(hot[lang])
            turns[draw.randrange(len(turns))] = row.text
            made.append(Row(tuple(turns), lang, "13", row.kind, row.labels, part, row.block, row.image))
    return made


def in_latin_letters(rows: Sequence[Row], share: float) -> list[Row]:
    """A share of the rows in Greek and Cyrillic scripts again, as they are typed in Latin letters."""
    draw = random.Random(SEED + 3)
    made: list[Row] = []
    for row in rows:
        if row.lang in LANGUAGES and draw.random() < share:
            seed = draw.random()  # one habit for all turns
            turns = tuple(romanised(turn, row.lang, random.Random(seed)) for turn in row.turns)
            made.append(replace(row, turns=turns, lang=f"{row.lang}-latn"))
    return made


def noisy(rows: Sequence[Row], plain: Sequence[Ordinary], share: float) -> list[Row]:
    """A share of the rows and lines again, mistyped or disguised, with what is true of them; and noise itself."""
    draw = random.Random(SEED + 2)
    made: list[Row] = []
    for row in rows:
        if draw.random() >= share:
            continue
        spoil = draw.choices((mistyped, disguised, numbered), (0.55, 0.3, 0.15))[0]
        made.append(replace(row, turns=tuple(spoil(turn, draw) for turn in row.turns), family=f"{row.family} noisy"))
    for line in plain:
        if not line.bare and draw.random() < share:
            spoil = draw.choices((mistyped, disguised, numbered), (0.35, 0.45, 0.2))[0]
            text = spoil(line.text, draw)
            made.append(Row((text,), "en", "noisy", Kind.NONE, _CALM, line.part, False, True))
    for _ in range(int(len(plain) * share)):
        labels = {**_CALM, "minor": 0.0, "person": 0.0}
        part = draw.choices(tuple(Part), (0.7, 0.1, 0.2))[0]
        made.append(Row((gibberish(draw),), "none", "noise", Kind.NONE, labels, part, False, True))
    return made
