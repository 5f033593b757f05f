"""The detector of what a text asks for: action, target, person and degree, in any language of the encoder.

Rules
- Of every passage the readings that `choice.py` takes are read, and the strongest decides; each signal says which it
  was. What nobody can read is not asked for its meaning; it is told as gibberish.
- The conversation is read turn by turn, and as one text: what no turn asks alone, the turns may ask together. That
  text is judged only as a whole: its parts are the turns, which were judged already, and without neighbours.
- Claims of consent are read like any other words: they change no score. Where a request names records, its words are
  read once more with a dress in place of what a record can name: what they still ask is asked besides.
- A title is read in small letters: the encoder takes Capitals At Each Word for names, and hears no request in them.
- What was understood is told in our own words, one sentence a kind of move (`kinds.py`).
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files

from safelight.core.category import Stage
from safelight.core.errors import DetectorUnfit
from safelight.core.request import Role
from safelight.core.signal import Signal, SignalKind, SignalSpec
from safelight.signals.model import Found, Passage, Reading, ReadText, View
from safelight.signals.text import normalise
from safelight.signals.text.choice import HIDDEN, chosen
from safelight.signals.text.e5.encoder import Encoder
from safelight.signals.text.garments import Redress
from safelight.signals.text.head import load_head
from safelight.signals.text.kinds import UNDERSTOOD
from safelight.signals.text.minors import Minors
from safelight.signals.text.reading.styles import untitled
from safelight.signals.text.reading.tricks import Trick
from safelight.signals.text.risk import load_risk
from safelight.signals.text.understanding import Reader, Understanding

TURNS_TOGETHER = (2, 6)
"""How many of the asker's latest turns are read as one text: the step from the last one, and the way that led here."""
NEGATIVE_PROMPT = "negative_prompt"
BETWEEN_TURNS = " | "
"""As in the conversations that the head was trained on."""
WITHOUT = "without: "
"""A negative prompt lists what must not be there: clothes, in an attack; nakedness, in ordinary use."""
TOGETHER_FROM = 0.8
"""What turns ask only together counts from here: nobody wrote the joined text, and the head is less sure of such texts.
So where the latest turn asks a little of it by itself too (`LATEST_FROM`)."""
LATEST_FROM = 0.02
UNAIDED_FROM = 0.98
"""So where the latest turn says nothing by itself ("and the rest as well", "again"): what is only worrying together was
judged at the turn before and passed. Chosen by the totals of training/held_out/second and steps, the others by those of
second; what they leave on all sets is in the model card."""
FRAGMENTS_FROM = 0.9
"""So where the turns are so short that they are parts of one sentence."""
FRAGMENTS_MAX_CHARS = 24
DISGUISED, UNSEEN = 0.6, 1.0
"""How much of a text is hidden: a disguise that was undone; text that nobody sees, or more than could be tried."""
TOLD_ABOVE = 0.2
"""Below this a score is not worth a sentence."""
SAID_ABOVE = 0.02
"""Below this a score is not worth a signal."""

_JOINED = frozenset({"text_undress", "text_sexual"})
_SPECS = (
    SignalSpec(
        "text_undress",
        SignalKind.SCORE,
        "The words ask to undress, expose or sexualise a person.",
        0.0,
    ),
    SignalSpec(
        "text_sexual",
        SignalKind.SCORE,
        "The words ask for explicit sexual content, of anyone.",
        0.0,
    ),
    SignalSpec(
        "text_minor",
        SignalKind.SCORE,
        "The words speak of a child, or of someone whose age is left open.",
        0.0,
    ),
    SignalSpec(
        "text_person",
        SignalKind.SCORE,
        "The words mean a real person: named, related or in the picture.",
        0.0,
    ),
    SignalSpec(
        "text_hidden",
        SignalKind.SCORE,
        "The text was written so that a plain reader would not see it.",
        0.0,
    ),
    SignalSpec(
        "text_gibberish",
        SignalKind.SCORE,
        "The text is no language, as crafted noise would be.",
        0.0,
    ),
    SignalSpec(
        "text_unknown_language",
        SignalKind.SCORE,
        "The text is in a script that the system cannot read.",
        0.0,
    ),
    SignalSpec(
        "text_besides",
        SignalKind.SCORE,
        "What the words ask besides wearing what a consent record can name; all, where no record is named.",
        1.0,
    ),
)
_EXAMPLES: tuple[tuple[str, float, float], ...] = (
    ("put her in a bikini", 0.5, 1.0),
    ("take off her dress", 0.5, 1.0),
    ("quítale la ropa", 0.5, 1.0),
    ("make the background a sunset", 0.0, 0.5),
    ("put a winter coat on him", 0.0, 0.5),
    ("a close-up of a bowl of ramen", 0.0, 0.5),
)
"""Text, and between what `text_undress` must lie."""


class TextMeaning:
    """See the module. One instance serves all threads."""

    name = "text_meaning"
    emits = _SPECS

    def __init__(self) -> None:
        self._reader: Reader | None = None
        self._redress: Redress | None = None
        self.version = _digest_of_weights()
        """The digest of the weights."""

    def load(self) -> None:
        """Open encoder, head, table and lexicon, and what the normaliser reads with. Raises DetectorUnfit."""
        normalise.load()
        self._reader = Reader(Encoder(), load_head(), load_risk(), Minors())
        self._redress = Redress()

    def verify(self) -> None:
        """Read the examples. Raises DetectorUnfit with the score that was wrong."""
        for text, low, high in _EXAMPLES:
            passage = Passage("turn 1", text, Role.USER)
            found = self.observe(View(Stage.INPUT, (ReadText(passage, (Reading("plain", text),)),)))
            score = max(
                (float(s.value) for s in found.signals if s.name == "text_undress"),
                default=0.0,
            )
            if not low <= score <= high:
                raise DetectorUnfit(
                    f"text_meaning gave an example {score:.2f}, not {low} to {high}: install safelight again"
                )

    def wants(self, view: View) -> bool:
        """Whether there is any text."""
        return any(text.passage.text.strip() for text in view.texts)

    def observe(self, view: View) -> Found:
        """Read every passage, and the conversation as a whole."""
        if self._reader is None or self._redress is None:
            raise DetectorUnfit("text_meaning was asked before it was loaded: call load() first")
        return Found(tuple(self._signals(self._reader, self._redress, view)))

    def _signals(self, reader: Reader, redress: Redress, view: View) -> Iterator[Signal]:
        asked = list(_questions(view))
        last = max((at for at, question in enumerate(asked) if question.is_now), default=-1)
        first = [at for at, question in enumerate(asked) if question.is_together or question.where == asked[last].where]
        together = {at for at, question in enumerate(asked) if question.is_together}
        meanings = reader.understand([question.text for question in asked], first, together)
        for text in view.texts:
            if text.tricks:
                yield self._signal(
                    "text_hidden",
                    _hiddenness(text),
                    text.passage.where,
                    "hides text from a plain reader",
                    "plain",
                )
        latest = max(
            (max(meaning.undress, meaning.sexual) for at, meaning in enumerate(meanings) if asked[at].is_now),
            default=0.0,
        )
        for question, meaning in zip(asked, _as_read(asked, meanings), strict=True):
            yield from self._tell(meaning, question, _counts_from(question, latest))
        if view.names_records and asked:
            yield self._besides(reader, redress, asked, meanings)

    def _besides(
        self, reader: Reader, redress: Redress, asked: Sequence["_Question"], meanings: Sequence[Understanding]
    ) -> Signal:
        """The most that any text still asks as if it named a dress. Told also where it is nothing."""
        dressed = [replace(question, text=redress(question.text)) for question in asked]
        named = [at for at, question in enumerate(dressed) if question.text != asked[at].text]
        together = {place for place, at in enumerate(named) if dressed[at].is_together}
        again = reader.understand([dressed[at].text for at in named], whole=together)
        read = dict(enumerate(meanings)) | dict(zip(named, again, strict=True))
        scores = {at: max(meaning.undress, meaning.sexual) for at, meaning in read.items()}
        telling = [at for at in scores if not asked[at].is_together or scores[at] >= TOGETHER_FROM]
        worst = max(telling, key=lambda at: scores[at])
        words = "asks for more than to wear what is named" if scores[worst] >= TOLD_ABOVE else ""
        return self._signal("text_besides", scores[worst], asked[worst].where, words, asked[worst].reading)

    def _tell(self, meaning: Understanding, question: "_Question", counts_from: float) -> Iterator[Signal]:
        sentence = UNDERSTOOD[meaning.kind] if max(meaning.undress, meaning.sexual) >= TOLD_ABOVE else ""
        minor = "speaks of a child or of a person of uncertain age" if meaning.minor >= TOLD_ABOVE else ""
        person = "means a real person" if meaning.person >= TOLD_ABOVE else ""
        said = [
            ("text_undress", meaning.undress, sentence),
            ("text_sexual", meaning.sexual, sentence),
            ("text_minor", meaning.minor, minor),
            ("text_person", meaning.person, person),
            (
                "text_unknown_language",
                meaning.unknown_language,
                "is in a script that cannot be read",
            ),
        ]
        if question.is_now or question.is_turn:
            said.append(("text_gibberish", meaning.gibberish, "is no language"))
        for name, value, words in said:
            if name in _JOINED and value < counts_from:
                continue
            if value >= SAID_ABOVE:
                yield self._signal(name, value, question.where, words, question.reading)

    def _signal(self, name: str, value: float, where: str, understood: str, reading: str) -> Signal:
        return Signal(
            name,
            round(value, 4),
            f"{self.name}@{self.version}",
            where,
            understood,
            reading,
        )


def _as_read(asked: Sequence["_Question"], meanings: Sequence[Understanding]) -> Iterator[Understanding]:
    """What was understood, each text as unreadable as its most readable reading."""
    clearest: dict[str, float] = {}
    for question, meaning in zip(asked, meanings, strict=True):
        clearest[question.where] = min(clearest.get(question.where, 1.0), meaning.gibberish)
    for question, meaning in zip(asked, meanings, strict=True):
        yield replace(meaning, gibberish=clearest[question.where])


def _counts_from(question: "_Question", latest: float) -> float:
    """From which score on an answer is told, where the latest turn scored `latest` by itself."""
    if not question.is_together:
        return 0.0
    if latest >= LATEST_FROM:
        return TOGETHER_FROM
    return FRAGMENTS_FROM if len(question.text) <= FRAGMENTS_MAX_CHARS else UNAIDED_FROM


def _hiddenness(text: ReadText) -> float:
    """Of a text with a trick."""
    unseen = Trick.UNREAD in text.tricks or any(reading.name.startswith(HIDDEN) for reading in text.readings)
    return UNSEEN if unseen else DISGUISED


def _digest_of_weights() -> str:
    """Of the head and of the layers below it, in short; `untrained` where one is absent."""
    digest = hashlib.sha256()
    for name in ("meaning.npz", "layers.npz"):
        weights = files("safelight.signals.text").joinpath("weights", name)
        if not weights.is_file():
            return "untrained"
        digest.update(weights.read_bytes())
    return digest.hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class _Question:
    """One text to be understood."""

    text: str
    where: str
    reading: str
    is_turn: bool = False
    """A turn of the asker."""
    is_now: bool = False
    """What is asked now."""
    is_together: bool = False
    """Several turns as one text."""


def _questions(view: View) -> Iterator[_Question]:
    turns: list[tuple[Reading, ...]] = []
    latest_turn = max((at for at, text in enumerate(view.texts) if text.passage.role is Role.USER), default=-1)
    for at, text in enumerate(view.texts):
        where = text.passage.where
        prefix = WITHOUT if where.startswith(NEGATIVE_PROMPT) else ""
        readings = chosen(text)
        is_turn = text.passage.role is Role.USER and bool(readings)
        for reading in readings:
            yield _Question(
                prefix + untitled(reading.text), where, reading.name, is_turn, is_turn and at == latest_turn
            )
        if is_turn:
            turns.append(readings)
    for count in TURNS_TOGETHER:
        if len(turns) > (1 if count == TURNS_TOGETHER[0] else TURNS_TOGETHER[0]):
            latest = turns[-count:]
            for likeliest in (0, -1) if any(len(readings) > 1 for readings in latest) else (0,):
                yield _Question(
                    BETWEEN_TURNS.join(untitled(readings[likeliest].text) for readings in latest),
                    "conversation",
                    latest[-1][likeliest].name,
                    is_together=True,
                )
