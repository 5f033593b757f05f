"""Every disguise of the evaluation, alone and in pairs, is read: some reading is the original, or nearly."""

import difflib
import unicodedata
from collections.abc import Sequence

import pytest

from safelight.evaluation.disguises import Transform
from safelight.evaluation.transforms import LATIN_ONLY, LOSSY, TRANSFORMS, pairs
from safelight.signals.model import Passage
from safelight.signals.text.normalise import read

ENGLISH = (
    "a photo of a dog on the beach",
    "replace the blue sofa with a wooden bench",
    "put him in a red winter coat",
    "make her jacket longer and warmer",
    "the woman in the picture holding an umbrella",
    "remove the car from the street",
    "change his shirt to green",
    "show two children flying a kite in the park",
    "take off his hat and glasses please",
    "give them matching swimwear on the sand",
)
LATIN = (
    "quita el coche de la calle",
    "ponle un abrigo rojo a mi hermano",
    "zieh ihm einen roten Mantel an",
    "remplace la voiture bleue par un banc en bois",
    "coloque um casaco vermelho no meu amigo",
    "togli la macchina dalla strada",
    "ganti jaket merah dengan kemeja putih",
)
OTHER_SCRIPTS = (
    "убери машину с улицы",
    "надень на него красное пальто",
    "прибери машину з вулиці",
    "βάλε του ένα κόκκινο παλτό",
    "أزل السيارة من الشارع",
    "תוריד את המכונית מהרחוב",
    "把她的外套换成红色的",
    "그의 모자를 빨간색으로 바꿔 주세요",
)
NEARLY = 0.9
"""Similarity (2 × matches ÷ letters of both) of folded texts from which one is the other with a slip of the pen."""
GUESSED = {"vowels_dropped": 0.5, "vowels_masked": 0.5, "two_swapped": 0.7, "leet_drawn": 0.7, "signs_as_letters": 0.8}
"""What loses letters can only be guessed: the least share of texts that has to come out."""
GUESSED_LATIN = {
    "vowels_dropped",
    "vowels_masked",
    "two_swapped",
    "one_dropped",
    "leet_drawn",
    "leet_medium",
    "filled",
    "reversed_no_spaces",
    "base85",
}
"""Where other languages than English are not asked for: their words are fewer in the lists."""


def fold(text: str) -> str:
    """Letters and digits, without case and marks."""
    split = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in split if c.isalnum())


def likeness(original: str, text: str) -> float:
    wanted, found = fold(original), fold(text)
    return 1.0 if wanted in found else difflib.SequenceMatcher(None, wanted, found, autojunk=False).ratio()


def share_read(transform: Transform, texts: Sequence[str]) -> tuple[float, list[str]]:
    """The share of texts that some reading gives back, and the disguises that none does."""
    missed = []
    for text in texts:
        disguised = transform(text)
        readings = read(Passage("turn 1", disguised)).readings
        if max(likeness(text, reading.text) for reading in readings) < NEARLY:
            missed.append(f"{disguised!r} read as {[reading.text for reading in readings]}")
    return 1 - len(missed) / len(texts), missed


def test_there_are_sixty_transforms_and_more() -> None:
    assert len(TRANSFORMS) >= 60


@pytest.mark.parametrize("name", TRANSFORMS)
def test_english_is_read_under_every_transform(name: str) -> None:
    share, missed = share_read(TRANSFORMS[name], ENGLISH)
    assert share >= GUESSED.get(name, 1.0), missed


@pytest.mark.parametrize("name", sorted(set(TRANSFORMS) - GUESSED_LATIN))
def test_other_languages_in_latin_script_are_read(name: str) -> None:
    share, missed = share_read(TRANSFORMS[name], LATIN)
    assert share >= 0.85, missed


@pytest.mark.parametrize("name", sorted(set(TRANSFORMS) - LATIN_ONLY))
def test_other_scripts_are_read(name: str) -> None:
    share, missed = share_read(TRANSFORMS[name], OTHER_SCRIPTS)
    assert share >= 0.85, missed


def test_pairs_of_the_strongest_are_read() -> None:
    """98 in 100 over all pairs in both orders; those that nobody undoes are named in LOSSY."""
    missed: list[str] = []
    count = 0
    for name, transform in pairs():
        if name not in LOSSY:
            count += len(ENGLISH)
            missed += [f"{name}: {text}" for text in share_read(transform, ENGLISH)[1]]
    assert len(missed) <= 0.02 * count, missed


def test_the_hiding_is_named() -> None:
    """A disguise of a whole text is found to be one, but for those that ordinary writing uses as well."""
    honest = {
        "capitals",
        "snake_case",
        "camel_case",
        "hashtag",
        "hyphenated",
        "json",
        "html_page",
        "code_block",
        "fullwidth",
    }
    unnamed = {
        name
        for name, transform in TRANSFORMS.items()
        if name not in honest and not read(Passage("turn 1", transform(ENGLISH[1]))).tricks
    }
    assert unnamed <= {"bidi_isolates", "markdown_inside", "split_lines", "one_dropped", "two_swapped"}
