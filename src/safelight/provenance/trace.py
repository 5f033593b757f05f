"""From a picture in hand to the request that made it: credentials, watermark and fingerprint, weighed together.

Rules of this module
- An account is named only where two things agree: something that leads to one output (our signature over this very
  file, the file itself, or our watermark), and, for a watermark, that the picture looks like that output. Whoever has a
  marked picture can lay its mark over another one, so a mark alone accuses nobody, also where there is no detail to
  compare. Nor does a file that left here for several requests.
- Looking alike alone accuses nobody either: two people may ask for the same, and an edit looks like the photo that it
  was made from. It is told as "unsure", with the requests and without accounts.
- A turned picture, and a part of one, cost seconds to find, so they are looked for only where nothing else leads home.
- Where the means name different requests, the answer is "unsure", unless our signature binds the file to one of them.
- Everything that was found is told, in words, with what it is worth.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
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
_SURE, _DAMAGED_MARK = 0.999, 0.9
_SEVERAL, _LOOKS_ALIKE, _CONFLICT, _NOT_COMPARABLE = 0.5, 0.5, 0.3, 0.6
_NO_MARK, _NO_DETAIL = 0.8, 0.6
"""Of a "no". Small parts, and marks that somebody destroyed, are not found; how many of these come nobody can know."""
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
    """With "unsure", what left as this very file, what its mark says, then what it resembles, the nearest first."""


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
    finder: Callable[[Frame], Callable[[bytes], bool]] | None = None
    """As `same`, for one picture that is compared with many."""


@dataclass(slots=True)
class _Found:
    """The outputs that each of the means leads to."""

    bound: Output | None = None
    """By the file itself, or by our signature over it."""
    equal: Sequence[Output] = ()
    """That left as this very file, where it left for several requests."""
    marked: Output | None = None
    near: Mapping[int, int] = field(default_factory=dict)
    outputs: dict[int, Output] = field(default_factory=dict)
    shown: Sequence[Output] = ()
    """By local features alone."""
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

    def turned(self, look: Look) -> Look:
        """`look` with the watermark of a picture that was turned by up to 5°, where it has one. CPU work of seconds."""
        if isinstance(look.watermark, Reading):
            return look
        # Traces of a mark are not told: among so many ways to turn a picture, chance gives some.
        mark = read(look.frame, self._keys, turns=True)
        return replace(look, watermark=mark) if isinstance(mark, Reading) else look

    def finder(self, look: Look) -> Callable[[bytes], bool] | None:
        """Tells whether a picture shows what packed local features were made from; None where nobody can."""
        return self._seeing.finder(look.frame) if self._seeing.finder else None

    def find(self, connection: Connection, look: Look, now: datetime, shown: Collection[int] = ()) -> Trace:
        """What the register knows of a picture; `shown` are the outputs that `finder` knows it by."""
        found = _Found()
        self._by_file(connection, look, now, found)
        self._by_watermark(connection, look, now, found)
        self._by_fingerprint(connection, look, now, found)
        self._by_features(connection, shown, now, found)
        return self._weigh(connection, look, now, found)

    def _by_file(self, connection: Connection, look: Look, now: datetime, found: _Found) -> None:
        equal = register.by_content(connection, look.content_digest, now)
        if len({output.request_id for output in equal}) > 1:
            found.equal = equal
            says = "This very file left here for several requests; nothing in it says for which of them."
            found.clues.append(Clue(Means.FILE, says, tuple(output.id for output in equal)))
        elif equal:
            found.bound = equal[0]
            found.clues.append(Clue(Means.FILE, "This is the very file that left here.", (equal[0].id,)))
        told = look.credentials
        if told.state is CredentialState.NONE:
            return
        says = CREDENTIALS_SAY[told.state]
        if told.state is not CredentialState.TRUSTED or not told.output_id:
            if told.state is CredentialState.TRUSTED:
                says += " They lack what is written into every picture that leaves here."
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
            if says := _NOT_READ_SAY.get(mark.why):
                found.clues.append(Clue(Means.WATERMARK, says))
            return
        output = register.by_watermark(connection, mark.payload, now)
        if output is None:
            says = "Our watermark, whose id the register does not know (any more)."
            found.clues.append(Clue(Means.WATERMARK, says))
            return
        found.marked = output
        chance = f"by chance once in 10^{-mark.false_log10:.0f} pictures"
        turned = f", in a picture turned by {abs(mark.turned_deg):.1f}°" if mark.turned_deg else ""
        says = (
            f"Our watermark{' in its mirror image' if mark.mirrored else ''}{turned}, read without a doubt ({chance})."
        )
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

    def _by_features(self, connection: Connection, shown: Collection[int], now: datetime, found: _Found) -> None:
        found.shown = register.by_numbers(connection, shown, now) if shown else []
        if found.shown:
            says = "It shows pictures that were made here, at least a part of them: its details lie as they do there."
            found.clues.append(Clue(Means.FEATURES, says, tuple(output.id for output in found.shown)))

    def _weigh(self, connection: Connection, look: Look, now: datetime, found: _Found) -> Trace:
        if found.bound:
            return self._yes(connection, found.bound, _SURE, now, found)
        if look.credentials.are_ours:
            return Trace(Answer.YES, _SURE, tuple(found.clues))
        if found.equal:
            return self._unsure(_SEVERAL, look, found)
        if found.marked:
            return self._weigh_mark(connection, look, found.marked, now, found)
        if found.near and isinstance(look.watermark, NotRead) and (output := self._left_of(look, found)):
            return self._yes(connection, output, _DAMAGED_MARK, now, found)
        if found.near or found.shown:
            return self._unsure(_LOOKS_ALIKE, look, found)
        if isinstance(look.watermark, Reading) or look.watermark.why is not WhyNotRead.NOTHING_FOUND:
            return self._unsure(_NOT_COMPARABLE, look, found)
        if look.credentials.may_be_ours:
            return self._unsure(_CONFLICT, look, found)
        return Trace(Answer.NO, _NO_MARK if look.forms else _NO_DETAIL, tuple(found.clues))

    def _weigh_mark(self, connection: Connection, look: Look, marked: Output, now: datetime, found: _Found) -> Trace:
        alike = marked.number in found.near or self._shows(look, marked, found)
        if not alike:
            if not look.forms and marked.fingerprint is None:
                says = "Nor had the picture that this mark was put on, so whether it was laid over it cannot be told."
                found.clues.append(Clue(Means.FINGERPRINT, says))
                return self._unsure(_NOT_COMPARABLE, look, found)
            # Also where one of the two has no detail: then it does not look like the other.
            says = (
                "But it does not look like the picture that this mark was put on: it may have been laid over it, "
                "or only a small part of that picture is left."
            )
            found.clues.append(Clue(Means.FINGERPRINT, says))
            return self._unsure(_CONFLICT, look, found)
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
        if found.equal:
            outputs = [(_apart(look.forms, output.fingerprint), output) for output in found.equal]
        if (marked := found.marked) and marked.number not in found.near:
            # What the mark says comes first, however little the picture looks like it.
            outputs.insert(0, (_apart(look.forms, marked.fingerprint), marked))
        outputs += [(_apart(look.forms, output.fingerprint), output) for output in found.shown]
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


_NOT_READ_SAY = {
    WhyNotRead.DAMAGED: "Traces of our watermark, too damaged to be read.",
    WhyNotRead.TOO_SMALL: "The picture is too small for a watermark to be read.",
}


def _apart(forms: Sequence[bytes], fingerprint: bytes | None) -> int | None:
    """By how many bits the nearest of `forms` differs from `fingerprint`."""
    if not forms or fingerprint is None:
        return None
    known = int.from_bytes(fingerprint)
    return min((int.from_bytes(form) ^ known).bit_count() for form in forms)
