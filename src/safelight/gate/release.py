"""What leaves, once it is recorded: the files as they were marked, and how the register knows each of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from safelight.backends.ports import Made
from safelight.core.decision import Decision
from safelight.gate.marks import File
from safelight.gate.model import Outcome, ReleasedImage
from safelight.provenance.model import Origin
from safelight.provenance.register import Entry

_EXTRA_RELEASED = {"created", "usage", "background", "output_format", "quality", "size"}
"""Facts of a backend's answer that are passed on; nobody has looked at any other."""


@dataclass(frozen=True, slots=True, eq=False)
class Marked:
    """A picture after step 7: exactly the bytes that leave, once they are recorded."""

    content: bytes
    file: File
    origin: Origin


def entries(
    marked: Sequence[Marked], remembered: tuple[str, ...], request_id: str, parents: tuple[str, ...], photos: int
) -> list[Entry]:
    """How the register knows each picture.

    `remembered`: under which ids the edit chain knows them, if it does; `parents`: the remembered pictures that the
    request's `photos` turned out to be.
    """
    ids = (*remembered, *[None] * len(marked))
    return [
        Entry(
            id=one.origin.output_id,
            request_id=request_id,
            decision_id=one.origin.decision_id,
            place=one.file.picture.where,
            made_at=one.origin.at,
            media_type=one.file.media_type,
            width=one.file.picture.width,
            height=one.file.picture.height,
            how=one.origin.how,
            watermark=one.file.watermark,
            fingerprint=one.file.prints[0] if one.file.prints else None,
            features=one.file.features,
            lineage_id=lineage_id,
            parents=parents,
            photos=photos,
        )
        for one, lineage_id in zip(marked, ids, strict=False)
    ]


def release(
    request_id: str,
    decisions: tuple[Decision, ...],
    marked: Sequence[Marked],
    made: Made,
    receipts: tuple[str, ...],
) -> Outcome:
    """What leaves: the marked pictures in the order in which the model gave them, finals first, then partials."""
    count = len(made.images)
    extra = {name: value for name, value in made.extra.items() if name in _EXTRA_RELEASED}
    revised = (*made.revised_prompts, *[None] * len(marked))
    released = [
        ReleasedImage(one.content, one.file.media_type, revised_prompt)
        for one, revised_prompt in zip(marked, revised, strict=False)
    ]
    return Outcome(request_id, decisions, tuple(released[:count]), tuple(released[count:]), extra, receipts)
