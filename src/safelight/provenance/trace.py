"""From a picture in hand to the request that made it: credentials, watermark and fingerprint, weighed together.

Rules of this module
- An account is named only where two things agree: something that leads to one output (our signature over this very
  file, the file itself, or our watermark), and, for a watermark, that the picture looks like that output. Whoever has a
  marked picture can lay its mark over another one, so a mark alone accuses nobody.
- Looking alike alone accuses nobody either: two people may ask for the same, and an edit looks like the photo that it
  was made from. It is told as "unsure", with the requests and without accounts.
- Where the means name different requests, the answer is "unsure", unless our signature binds the file to one of them.
- Everything that was found is told, in words, with what it is worth.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from safelight.provenance import register
from safelight.provenance.credentials.read import CredentialReader
from safelight.provenance.model import Credentials, CredentialState
from safelight.provenance.pixels import media_type_of
from safelight.provenance.register import Fingerprints, Output
from safelight.provenance.watermark import NotRead, Reading, WatermarkKey, WhyNotRead, carried, read

Frame = NDArray[np.uint8]
NEAR_MAX_BITS = 31
"""Of 256: what PDQ's authors take as the same picture."""
_SURE, _MARK_ONLY, _DAMAGED_MARK = 0.999, 0.95, 0.9
_LOOKS_ALIKE, _CONFLICT, _NOT_COMPARABLE = 0.5, 0.3, 0.6
_CANDIDATES_MAX = 5


class Answer(StrEnum):
    """Whether the picture was made here."""

    YES = "yes"
    UNSURE = "unsure"
    NO = "no"


class Means(StrEnum):
    """What spoke."""

    FILE = "file"
    CREDENTIALS = "credentials"
    WATERMARK = "watermark"
    FINGERPRINT = "fingerprint"
    FEATURES = "features"


@dataclass(frozen=True, slots=True)
class Clue:
    """What one of the means says."""

    means: Means
    says: str
    """A sentence for a person."""
    outputs: tuple[str, ...] = ()
    """The pictures that it leads to."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A request that the picture may come from; without its account."""

    request_id: str
    output_id: str
    made_at: str
    distance_bits: int | None
    """Of 256; None where one of the two has too little detail to be compared."""


@dataclass(frozen=True, slots=True)
class Trace:
    """What is known of where a picture comes from."""

    answer: Answer
    confidence: float
    """0 to 1, that `answer` is right."""
    clues: tuple[Clue, ...]
    output: Output | None = None
    """With "yes", unless the register has forgotten it."""
    chain: tuple[Output, ...] = ()
    """Its edit chain, oldest first, itself included."""
    candidates: tuple[Candidate, ...] = ()
    """With "unsure", what its mark says, then what it resembles, the nearest first."""


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What can be seen of a picture without the register."""

    credentials: Credentials
    watermark: Reading | NotRead
    forms: tuple[bytes, ...]
    """Its fingerprint, then those of its mirrored and turned forms; none for a picture without detail."""
    content_digest: str
    frame: Frame


@dataclass(frozen=True, slots=True)
class Seeing:
    """What this room borrows from others; `wiring/` hands it in."""

    fingerprints: Callable[[Frame], tuple[bytes, ...]]
    digest: Callable[[bytes], str]
    """Keyed, of a file, as the register has it."""
    same: Callable[[Frame, bytes], bool] | None = None
    """Whether a picture shows what packed local features were made from."""


@dataclass(slots=True)
class _Found:
    """The outputs that each of the means leads to."""

    bound: Output | None = None
    """By the file itself, or by our signature over it."""
    marked: Output | None = None
    near: Mapping[int, int] = field(default_factory=dict)
    outputs: dict[int, Output] = field(default_factory=dict)
    clues: list[Clue] = field(default_factory=list)


class Tracer:
    """Traces pictures."""

    def __init__(self, reader: CredentialReader, keys: Sequence[WatermarkKey], seeing: Seeing) -> None:
        self._reader = reader
        self._keys = keys
        self._seeing = seeing
        self._fingerprints = Fingerprints()

    def look(self, content: bytes, frame: Frame) -> Look:
        """Look at a file and its first frame, (height, width, 3) RGB. CPU work of a tenth of a second."""
        return Look(
            credentials=self._reader.read(content, media_type_of(content)),
            watermark=read(frame, self._keys),
            forms=self._seeing.fingerprints(frame),
            content_digest=self._seeing.digest(content),
            frame=frame,
        )

    def find(self, connection: Connection, look: Look, now: datetime) -> Trace:
        """What the register knows of a picture."""
        found = _Found()
        self._by_file(connection, look, now, found)
        self._by_watermark(connection, look, now, found)
        self._by_fingerprint(connection, look, now, found)
        return self._weigh(connection, look, now, found)

    def _by_file(self, connection: Connection, look: Look, now: datetime, found: _Found) -> None:
        if output := register.by_content(connection, look.content_digest, now):
            found.bound = output
            found.clues.append(Clue(Means.FILE, "This is the very file that left here.", (output.id,)))
        told = look.credentials
        if told.state is CredentialState.NONE:
            return
        says = CREDENTIALS_SAY[told.state]
        if told.state is not CredentialState.TRUSTED or not told.output_id:
            found.clues.append(Clue(Means.CREDENTIALS, says))
            return
        output = register.by_id(connection, told.output_id, now)
        if output and output.request_id == told.request_id:
            found.bound = found.bound or output
            found.clues.append(Clue(Means.CREDENTIALS, says, (output.id,)))
        else:
            says += f" They name the request {told.request_id}, which the register does not know (any more)."
            found.clues.append(Clue(Means.CREDENTIALS, says))

    def _by_watermark(self, connection: Connection, look: Look, now: datetime, found: _Found) -> None:
        mark = look.watermark
        if isinstance(mark, NotRead):
            if mark.why is WhyNotRead.DAMAGED:
                found.clues.append(Clue(Means.WATERMARK, "Traces of our watermark, too damaged to be read."))
            return
        output = register.by_watermark(connection, mark.payload, now)
        if output is None:
            says = "Our watermark, whose id the register does not know (any more)."
            found.clues.append(Clue(Means.WATERMARK, says))
            return
        found.marked = output
        chance = f"by chance once in 10^{-mark.false_log10:.0f} pictures"
        says = f"Our watermark{' in its mirror image' if mark.mirrored else ''}, read without a doubt ({chance})."
        found.clues.append(Clue(Means.WATERMARK, says, (output.id,)))

    def _by_fingerprint(self, connection: Connection, look: Look, now: datetime, found: _Found) -> None:
        if not look.forms:
            found.clues.append(Clue(Means.FINGERPRINT, "The picture has too little detail for a fingerprint."))
            return
        self._fingerprints.update(connection)
        near = self._fingerprints.near(look.forms, NEAR_MAX_BITS)
        nearest = sorted(near, key=lambda number: near[number])[: 4 * _CANDIDATES_MAX]
        found.outputs = {output.number: output for output in register.by_numbers(connection, nearest, now)}
        found.near = {number: near[number] for number in nearest if number in found.outputs}
        if found.near:
            ids = tuple(found.outputs[number].id for number in found.near)
            bits = min(found.near.values())
            says = f"It looks like pictures that were made here; the nearest differs in {bits} of 256 bits."
            found.clues.append(Clue(Means.FINGERPRINT, says, ids))

    def _weigh(self, connection: Connection, look: Look, now: datetime, found: _Found) -> Trace:
        if found.bound:
            return self._yes(connection, found.bound, _SURE, now, found)
        if look.credentials.state is CredentialState.TRUSTED and look.credentials.output_id:
            return Trace(Answer.YES, _SURE, tuple(found.clues))
        if found.marked:
            return self._weigh_mark(connection, look, found.marked, now, found)
        damaged = isinstance(look.watermark, NotRead) and look.watermark.why is WhyNotRead.DAMAGED
        if found.near and isinstance(look.watermark, NotRead) and (output := self._left_of(look, found)):
            return self._yes(connection, output, _DAMAGED_MARK, now, found)
        if found.near:
            return self._unsure(_LOOKS_ALIKE, look, found)
        if damaged or isinstance(look.watermark, Reading):
            return self._unsure(_NOT_COMPARABLE, look, found)
        if look.credentials.state is CredentialState.BROKEN and look.credentials.software == "Safelight":
            return self._unsure(_CONFLICT, look, found)
        return Trace(Answer.NO, _no_confidence(look), tuple(found.clues))

    def _weigh_mark(self, connection: Connection, look: Look, marked: Output, now: datetime, found: _Found) -> Trace:
        alike = marked.number in found.near or self._shows(look, marked, found)
        if not alike:
            if look.forms:  # also where that one had no detail: then it did not look like this
                says = "But it does not look like the picture that this mark was put on: it may have been laid over it."
                found.clues.append(Clue(Means.FINGERPRINT, says))
                return self._unsure(_CONFLICT, look, found)
            return self._yes(connection, marked, _MARK_ONLY, now, found)
        mine = found.near.get(marked.number, NEAR_MAX_BITS + 1)
        for number, bits in found.near.items():
            other = found.outputs[number]
            if (
                other.request_id != marked.request_id
                and bits < mine
                and register.is_made_from(connection, other, marked, now)
            ):
                says = "But a later edit of that picture resembles it more."
                found.clues.append(Clue(Means.FINGERPRINT, says, (other.id,)))
                return self._unsure(_CONFLICT, look, found)
        return self._yes(connection, marked, _SURE, now, found)

    def _left_of(self, look: Look, found: _Found) -> Output | None:
        """The output that the picture looks like and whose very mark is what is left of one in it.

        Traces of some mark and a likeness are not enough: the mark may be that of another picture, which the register
        has forgotten or which resembles it, or have been laid over a photo that somebody else's output was made from.
        """
        marked = {output.watermark: output for output in found.outputs.values() if output.watermark}
        payload = carried(look.frame, list(marked), self._keys)
        if payload is None:
            return None
        says = "What is left of our watermark fits the one that was put on a picture that it looks like."
        found.clues.append(Clue(Means.WATERMARK, says, (marked[payload].id,)))
        return marked[payload]

    def _shows(self, look: Look, output: Output, found: _Found) -> bool:
        """Whether the picture's local features are those of `output`, as it is or mirrored."""
        if self._seeing.same is None or output.features is None:
            return False
        if not self._seeing.same(look.frame, output.features):
            return False
        says = "Its details lie as they do in the picture that the mark was put on, at least in a part of it."
        found.clues.append(Clue(Means.FEATURES, says, (output.id,)))
        return True

    def _yes(self, connection: Connection, output: Output, confidence: float, now: datetime, found: _Found) -> Trace:
        chain = register.chain_of(connection, output, now)
        return Trace(Answer.YES, confidence, tuple(found.clues), output, tuple(chain))

    def _unsure(self, confidence: float, look: Look, found: _Found) -> Trace:
        nearest = sorted(found.near, key=lambda number: found.near[number])
        outputs: list[tuple[int | None, Output]] = [(found.near[number], found.outputs[number]) for number in nearest]
        if (marked := found.marked) and marked.number not in found.near:
            # What the mark says comes first, however little the picture looks like it.
            outputs.insert(0, (_apart(look.forms, marked.fingerprint), marked))
        candidates = tuple(
            Candidate(output.request_id, output.id, output.made_at, bits) for bits, output in outputs[:_CANDIDATES_MAX]
        )
        return Trace(Answer.UNSURE, confidence, tuple(found.clues), candidates=candidates)


CREDENTIALS_SAY = {
    CredentialState.TRUSTED: "Content credentials signed by this service, whole.",
    CredentialState.VALID: "Content credentials that somebody else signed, whole.",
    CredentialState.EXPIRED: "Content credentials, whole, under a certificate that is past its time.",
    CredentialState.BROKEN: "Content credentials that do not fit the picture: one or the other was changed.",
    CredentialState.UNREADABLE: "Something that looks like content credentials and cannot be read.",
}


def _apart(forms: Sequence[bytes], fingerprint: bytes | None) -> int | None:
    """By how many bits the nearest of `forms` differs from `fingerprint`."""
    if not forms or fingerprint is None:
        return None
    known = int.from_bytes(fingerprint)
    return min((int.from_bytes(form) ^ known).bit_count() for form in forms)


def _no_confidence(look: Look) -> float:
    """How sure a "no" is: less where the picture could not have held a mark that is read."""
    too_small = isinstance(look.watermark, NotRead) and look.watermark.why is WhyNotRead.TOO_SMALL
    return 0.6 if too_small or not look.forms else 0.95
