"""Marks every picture, puts it through every chain of transforms, and counts where all 64 bits come back."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import cv2
import numpy as np

from safelight.provenance.watermark import NotMarkable, Picture
from watermark_cases import BEYOND, SAMPLES, TRANSFORMS, samples, square
from watermark_methods import Method, ours, payload_of


@dataclass(slots=True)
class Tally:
    """Cases of one method on one set of pictures."""

    psnr_db: list[float] = field(default_factory=list)
    outcomes: dict[str, list[bool]] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)

    def share(self, row: str) -> float | None:
        """Of cases in `row` with every bit right."""
        seen = self.outcomes.get(row)
        return sum(seen) / len(seen) if seen else None

    @property
    def all(self) -> float:
        """Over all cases."""
        every = [one for seen in self.outcomes.values() for one in seen]
        return sum(every) / len(every)


def chains(*, quick: bool) -> dict[str, list[tuple[str, ...]]]:
    """The cases of each row of the table: a transform by itself, then with every other before it."""
    names = list(TRANSFORMS)
    rows: dict[str, list[tuple[str, ...]]] = {"as it was marked": [()], **{name: [(name,)] for name in names}}
    for at, name in enumerate(names):
        before = [other for other in names if other != name]
        rows[f"… then {name}"] = [(other, name) for other in (before[at % 6 :: 6] if quick else before)]
    return {**rows, **{name: [(name,)] for name in BEYOND}}


def survey(method: Method, pictures: Mapping[str, Picture], rows: Mapping[str, list[tuple[str, ...]]]) -> Tally:
    """Marks every picture and reads it after every chain of transforms."""
    tally = Tally()
    steps = {**TRANSFORMS, **BEYOND}
    for name, picture in pictures.items():
        payload = payload_of(name)
        try:
            marked = np.ascontiguousarray(method.mark(picture, payload))
        except NotMarkable:
            continue
        tally.psnr_db.append(float(cv2.PSNR(picture, marked)))
        for row, cases in rows.items():
            for chain in cases:
                copy = marked
                for step in chain:
                    copy = steps[step](copy)
                right = method.bits(copy) == payload
                tally.outcomes.setdefault(row, []).append(right)
                if not right and row not in BEYOND:
                    tally.lost.append(f"{name}: {', '.join(chain) or 'as it was marked'}")
    return tally


def by_size() -> dict[int, Tally]:
    """Samples in smaller squares: as they were marked and after the two commonest losses."""
    rows: dict[str, list[tuple[str, ...]]] = {"as it was marked": [()]}
    rows |= {name: [(name,)] for name in ("JPEG 50", "half + JPEG 75")}
    sizes = (128, 192, 256, 384, 512)
    return {
        side: survey(ours(), {name: square(one, side) for name, one in samples(SAMPLES).items()}, rows)
        for side in sizes
    }
