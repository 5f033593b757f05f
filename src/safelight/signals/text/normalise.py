"""Step 2 of the gate for text: one spelling of every text field, and a small set of readings of it.

Rules
- The first reading is always `plain`: NFKC, nothing unseen, one blank between words, no data or program around it, case
  kept. Further readings are
  named by the tricks undone, joined with `+`; a text written in unseen characters is its own reading, `hidden`.
- `read` never raises, whatever the string, keeps nothing between calls, and costs at most `work.bound` steps, which is
  linear in the text's length. What that did not suffice for is a trick of its own, `unread`.
- Ordinary text has one reading: a detector is paid for each, and a trick that is not there must not be found.
- A further reading is the whole text with every disguise in it undone: one disguised word in a plain sentence gives one
  reading, in which the rest stands as it was. What stood in a code is a reading by itself besides, `decoded`: "decode
  this and draw it" around it is about nothing.
What is left to others: which readings are asked is `choice.py`; what a text means is `meaning.py`; what hiding it says
about a request is policy.
"""

import re
from collections.abc import Callable
from functools import partial

from safelight.signals.model import Passage, Reading, ReadText
from safelight.signals.text.reading import (
    backwards,
    ciphers,
    codes,
    escapes,
    letters,
    masks,
    repairs,
    spacing,
    strange,
    typos,
)
from safelight.signals.text.reading.characters import calm, clean, tidy
from safelight.signals.text.reading.shells import unwrapped
from safelight.signals.text.reading.styles import parted, quiet
from safelight.signals.text.reading.tricks import CODES, Trick
from safelight.signals.text.reading.words import lexicon
from safelight.signals.text.reading.work import Work

LAYERS = 3
"""Rounds of undoing: a trick inside a trick inside a trick."""
LONG_CHARS = 600
"""From this length on, a further round looks only at the sentences that the one before it changed."""
GROWTH = 2
"""No reading is longer than this many times the passage: what would be, is left undone."""
ROUND_STEPS_PER_CHAR = 2
"""What one round over the text costs before anything is tried: patterns, and a look at each word."""
Step = Callable[[str, Work], tuple[str, frozenset[Trick]]]
ON_THE_SURFACE: tuple[Step, ...] = (
    masks.undo,
    ciphers.undo_rot47,
    escapes.undo,
    codes.undo,
    letters.undo,
    spacing.undo_lines,
    spacing.undo,
    repairs.undo,
)
"""What leaves a trace that a pattern finds, outer layers first."""
SENTENCE = re.compile(r"[^.!?\n;。！？]*[.!?\n;。！？]+|[^.!?\n;。！？]+$")


def load() -> None:
    """Open the language resources, so that the first request does not wait for them."""
    lexicon()
    read(Passage("warm-up", "r3m0ve th¡s"))


def read(passage: Passage) -> ReadText:
    """Every way to read `passage` that is worth a detector's time, `plain` first."""
    return measured(passage)[0]


def measured(passage: Passage) -> tuple[ReadText, int]:
    """As `read`, with the steps that it took."""
    work = Work(len(passage.text))
    cleaned = clean(passage.text)
    seen_text = parted(cleaned.text)
    plain, alternates = _calmed(seen_text)
    readings = [Reading("plain", plain)]
    seen = {plain.casefold()}
    tricks = set(cleaned.tricks)
    if alternates:
        tricks.add(Trick.CASE)

    def add(source: str, prefix: str, *, by_word: bool = False) -> frozenset[Trick]:
        found, undone = undo(source, work, by_word=by_word)
        text = _calmed(found)[0]
        if (undone or prefix) and text and text.casefold() not in seen:
            seen.add(text.casefold())
            name = "+".join(filter(None, [prefix, *sorted(trick.value for trick in undone)]))
            readings.append(Reading(name, text))
        tricks.update(undone)
        return undone

    # A direction override turns everything round; otherwise each word may have been turned for itself.
    undone = add(seen_text, "")
    if undone & CODES and (decoded := _new(readings[-1].text, plain)).casefold() not in {"", *seen}:
        readings.append(Reading("decoded", decoded))
    if Trick.REVERSED in undone and Trick.BIDI not in tricks:
        add(seen_text, "", by_word=True)
    if cleaned.shown:
        add(parted(cleaned.shown), Trick.BIDI.value)
    if cleaned.hidden:
        add(cleaned.hidden, "hidden")
    if work.unread:
        tricks.add(Trick.UNREAD)
    return ReadText(passage, tuple(readings), tuple(sorted(trick.value for trick in tricks))), work.spent


def _new(text: str, plain: str) -> str:
    """The words of `text` that `plain` lacks."""
    known = set(plain.split())
    return " ".join(word for word in text.split() if word not in known)


def _calmed(text: str) -> tuple[str, bool]:
    """As a detector reads it, and whether case alternated."""
    calmed, alternates = calm(tidy(unwrapped(tidy(text))))  # what is unwrapped leaves blanks
    return quiet(calmed), alternates


def undo(text: str, work: Work, *, by_word: bool = False) -> tuple[str, frozenset[Trick]]:
    """The text with every trick undone, and which. The same text and none where there is none."""
    tricks: set[Trick] = set()
    longest = max(64, GROWTH * len(text))

    def apply(step: Step) -> None:
        nonlocal text, tricks
        changed, found = step(text, work)
        if found and changed != text and len(changed) <= longest:
            cleaned = clean(changed)
            text = cleaned.text
            tricks |= found | cleaned.tricks

    settled = [""]
    for _ in range(LAYERS):
        before = text
        if not work.may(ROUND_STEPS_PER_CHAR * len(text)):
            break
        for step in ON_THE_SURFACE:
            apply(step)
        if not ordinary(text, work):
            apply(spacing.undo_filled)
            apply(partial(backwards.undo, by_word=by_word))
            apply(spacing.undo_joined)
            apply(typos.undo)
        if text == before:
            break
        if len(text) >= LONG_CHARS:
            # What did not change in this round hides nothing that the next one would find.
            text = _unsettled(text, before, settled)
    return "".join([settled[0], text, *settled[1:]]), frozenset(tricks)


def ordinary(text: str, work: Work) -> bool:
    """Whether every stretch of the text is made of known words of usual length: then nothing lies below."""
    return len(text) >= 4 * len(text.split()) and not work.spans(text, strange.stretches)


def _unsettled(text: str, before: str, settled: list[str]) -> str:
    """The sentences of `text` that were not there before, as one; the others go to `settled`, around it."""
    known = set(SENTENCE.findall(before))
    sentences = SENTENCE.findall(text)
    changed = [at for at, sentence in enumerate(sentences) if sentence not in known]
    if not changed:
        return text
    first = changed[0]
    settled[0] += "".join(sentences[:first])
    settled.insert(1, "".join(s for s in sentences[first:] if s in known))
    return "".join(sentences[at] for at in changed)
