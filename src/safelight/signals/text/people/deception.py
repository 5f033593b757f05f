"""The detector of scenes that never were: an arrest, a statement, a crime, a death, a ballot that burns.

It looks for the scene only; whether a public figure is in it is `names.py`, and both together are the policy's matter.
Off the sexual path: nothing here adds to any other score.
"""

import re
import tomllib
from importlib.resources import files

from safelight.core.errors import DetectorUnfit
from safelight.core.signal import Signal, SignalKind, SignalSpec
from safelight.signals.model import Found, Passage, Reading, ReadText, View
from safelight.signals.text.phrases import Phrases, fold

SCENE, MADE_UP = 0.9, 0.2
LAST_PAST_CENTURY = 19
"""Of a later one there are photographs that look like today's."""
_ROMAN = {"i": 1, "v": 5, "x": 10}
_SCENES = {
    "arrest": "asks for a scene of an arrest or of prison",
    "statement": "asks for a scene of a statement, a resignation or a concession",
    "crime": "asks for a scene of a crime or of disgrace",
    "death": "asks for a scene of illness, attack or death",
}
_SPECS = (
    SignalSpec(
        "text_deceptive_scene",
        SignalKind.SCORE,
        "The words ask for a scene that would deceive if it showed a public figure and never was.",
        0.0,
    ),
    SignalSpec(
        "text_fake_ballot", SignalKind.SCORE, "The words ask for a scene of an election being tampered with.", 0.0
    ),
)
_EXAMPLES: tuple[tuple[str, dict[str, float]], ...] = (
    ("the mayor in handcuffs outside the town hall", {"text_deceptive_scene": SCENE}),
    ("poll workers burning ballots behind the school", {"text_fake_ballot": SCENE}),
    ("a cartoon of the mayor in handcuffs", {"text_deceptive_scene": MADE_UP}),
    ("the mayor opens a new bridge", {}),
)


class DeceptionDetector:
    """`text_deception`. See the module; one instance serves all threads."""

    name = "text_deception"
    version = "2"
    emits = _SPECS

    def __init__(self) -> None:
        self._phrases: Phrases | None = None
        self._centuries: re.Pattern[str] | None = None

    def load(self) -> None:
        """Read the lexicon."""
        lists: dict[str, list[str]] = {}
        source = files("safelight.signals.text.lexicon").joinpath("deception.toml").read_text("utf-8")
        for language in tomllib.loads(source).values():
            for label, phrases in language.items():
                lists.setdefault(label, []).extend(phrases)
        beginnings = "|".join(re.escape(fold(word)) for word in lists.pop("century"))
        self._centuries = re.compile(
            rf"(?<![^\W_])([0-9]{{1,2}}|[ivx]{{1,5}})[^\W\d_]{{0,4}}[\s.'’-]{{0,3}}(?:{beginnings})"
            rf"|(?<![^\W_])(?:{beginnings})[^\W\d_]{{0,4}}\s{{1,3}}([0-9]{{1,2}}|[ivx]{{1,5}})(?![^\W_])"
        )
        self._phrases = Phrases(lists)

    def verify(self) -> None:
        """Read the examples. Raises DetectorUnfit with the one that was wrong."""
        for text, expected in _EXAMPLES:
            passage = ReadText(Passage("prompt", text), (Reading("plain", text),))
            found = {signal.name: signal.value for signal in self._signals(passage)}
            if found != expected:
                raise DetectorUnfit(f"text_deception gave an example {found}, not {expected}: install safelight again")

    def wants(self, view: View) -> bool:
        """Whether there is any text."""
        return any(text.passage.text.strip() for text in view.texts)

    def observe(self, view: View) -> Found:
        """Look every passage through."""
        return Found(tuple(signal for text in view.texts for signal in self._signals(text)))

    def _signals(self, text: ReadText) -> list[Signal]:
        if self._phrases is None:
            raise DetectorUnfit("text_deception was asked before it was loaded: call load() first")
        found: dict[str, tuple[float, str, str]] = {}
        for reading in text.readings:
            folded = fold(reading.text)
            labels = self._phrases.find(folded)
            score = MADE_UP if "made_up" in labels or self._is_long_past(folded) else SCENE
            told = next((said for label, said in _SCENES.items() if label in labels), "")
            ballot = "asks for a scene of an election being tampered with" if "ballot" in labels else ""
            for name, said in (("text_deceptive_scene", told), ("text_fake_ballot", ballot)):
                if said and score > found.get(name, (0.0,))[0]:
                    found[name] = (score, said, reading.name)
        source = f"{self.name}@{self.version}"
        return [
            Signal(name, score, source, text.passage.where, said, reading)
            for name, (score, said, reading) in found.items()
        ]

    def _is_long_past(self, folded: str) -> bool:
        """Whether a century is named in which nobody took such photographs."""
        found = self._centuries.finditer(folded) if self._centuries else ()
        return any(1 <= _number(match[1] or match[2]) <= LAST_PAST_CENTURY for match in found)


def _number(written: str) -> int:
    """In Arabic digits or Roman ones up to X; 0 where it is no number."""
    if written.isdigit():
        return int(written)
    values = [_ROMAN[letter] for letter in written]
    return sum(-one if one < after else one for one, after in zip(values, [*values[1:], 0], strict=True))
