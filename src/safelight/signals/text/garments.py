"""The detector that says how far the words go, for requests that rest on a consent record. It refuses nothing.

Rules
- The only use of `text_reveals` is to hold a request against what a person has agreed to. So it leans upward: a word
  that might ask for more counts as more, and what it does not know has no level that any record covers.
- A negative prompt says what must not be there, and may mean the clothes: it is beyond every record.
"""

import tomllib
from importlib.resources import files

from safelight.core.errors import DetectorUnfit
from safelight.core.signal import Signal, SignalKind, SignalSpec
from safelight.signals.model import Found, Passage, Reading, ReadText, View
from safelight.signals.text.phrases import Phrases, fold

LEVELS = {"swimwear": 1, "underwear": 2, "nude": 3, "beyond": 4}
_SAID = {
    1: "names swimwear",
    2: "names underwear",
    3: "names nudity",
    4: "goes further than any consent record",
}
_EXAMPLES = (
    ("the model wears our blue bikini on a beach", 1),
    ("she wears a lace bra", 2),
    ("a bikini, wet and see-through", 4),
    ("трусы и бикини", 2),
    ("a mountain at dawn", 0),
)
_SPEC = SignalSpec(
    "text_reveals",
    SignalKind.COUNT,
    "How far the words go: 0 names nothing, 1 swimwear, 2 underwear, 3 nudity, 4 more than any consent record covers.",
    0,
)


DRESS = "dress"
_OTHERWISE_MEANT = frozenset({"body", "slip", "string*"})
"""Garments of one language that are other words of another: an undergarment in French, a movement in English."""


class Redress:
    """Puts a text as if it named a dress wherever it names what a record can name.

    What is then still asked for is asked besides: `in a bikini that slips` asks more of a dress than `in a bikini`.
    """

    def __init__(self) -> None:
        named = {label: phrases for label, phrases in _lists().items() if LEVELS[label] < LEVELS["beyond"]}
        self._phrases = Phrases({label: set(phrases) - _OTHERWISE_MEANT for label, phrases in named.items()})

    def __call__(self, text: str) -> str:
        """`text` with a dress in it; as it stands where it names nothing of the kind."""
        return self._phrases.replaced(text, DRESS)


def _lists() -> dict[str, list[str]]:
    source = files("safelight.signals.text.lexicon").joinpath("garments.toml").read_text("utf-8")
    lists: dict[str, list[str]] = {}
    for language in tomllib.loads(source).values():
        for label, phrases in language.items():
            lists.setdefault(label, []).extend(phrases)
    return lists


class GarmentsDetector:
    """`text_garments`. See the module; one instance serves all threads."""

    name = "text_garments"
    version = "1"
    emits = (_SPEC,)

    def __init__(self) -> None:
        self._phrases: Phrases | None = None

    def load(self) -> None:
        """Read the lexicon."""
        self._phrases = Phrases(_lists())

    def verify(self) -> None:
        """Weigh the examples. Raises DetectorUnfit with the one that was wrong."""
        for text, level in _EXAMPLES:
            if (found := self._level(ReadText(Passage("prompt", text), (Reading("plain", text),)))) != level:
                raise DetectorUnfit(f"text_garments gave an example {found}, not {level}: install safelight again")

    def wants(self, view: View) -> bool:
        """Whether there is any text."""
        return any(text.passage.text.strip() for text in view.texts)

    def observe(self, view: View) -> Found:
        """Every reading of every passage; the furthest stands for its passage."""
        signals = []
        for text in view.texts:
            if level := self._level(text):
                signals.append(
                    Signal(_SPEC.name, level, f"{self.name}@{self.version}", text.passage.where, _SAID[level], "plain")
                )
        return Found(tuple(signals))

    def _level(self, text: ReadText) -> int:
        if self._phrases is None:
            raise DetectorUnfit("text_garments was asked before it was loaded: call load() first")
        if text.passage.where.startswith("negative_prompt"):
            return LEVELS["beyond"]
        found = {label for reading in text.readings for label in self._phrases.find(fold(reading.text))}
        return max((LEVELS[label] for label in found), default=0)
