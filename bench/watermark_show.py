"""The pictures of docs/how-to/watermark.md: original, marked and the difference, and the table as bars."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import skimage.data

from watermark_cases import coloured, drawn, square
from watermark_methods import ours, payload_of
from watermark_survey import Tally


def show_pictures(folder: Path) -> None:
    """Original, marked and the difference, side by side: a photograph and a drawing."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, picture in (
        ("photo", square(coloured(skimage.data.astronaut()), 1024)),
        ("drawing", drawn(1024)["line art"]),
    ):
        marked = ours().mark(picture, payload_of(name))
        difference = np.clip(128 + 16 * (marked.astype(np.int16) - picture), 0, 255).astype(np.uint8)
        part = (slice(40, 424), slice(300, 684))
        strip = np.hstack([one[part] for one in (picture, marked, difference)])
        cv2.imwrite(str(folder / f"watermark-{name}.webp"), strip, [cv2.IMWRITE_WEBP_QUALITY, 90])


def chart(path: Path, columns: Mapping[str, Tally], rows: Sequence[str]) -> None:
    """The table as a picture: a bar for each method in each row."""
    colours = ((58, 120, 190), (150, 150, 150), (110, 160, 110), (190, 140, 90))
    height = 14 + 11 * len(columns)
    canvas = np.full((60 + height * len(rows), 900, 3), 255, np.uint8)
    write = partial(
        cv2.putText, fontFace=cv2.FONT_HERSHEY_SIMPLEX, fontScale=0.42, color=(30, 30, 30), lineType=cv2.LINE_AA
    )
    for at, name in enumerate(columns):
        cv2.rectangle(canvas, (20 + 215 * at, 14), (32 + 215 * at, 26), colours[at], -1)
        write(canvas, name, (38 + 215 * at, 25))
    for line, row in enumerate(rows):
        top = 50 + line * height
        write(canvas, row.replace("…", "").replace("×", "x").replace("°", " deg").strip(), (20, top + 14))
        for at, tally in enumerate(columns.values()):
            share = tally.share(row)
            if share is not None:
                end = 300 + round(540 * share)
                cv2.rectangle(canvas, (300, top + 3 + 11 * at), (end, top + 10 + 11 * at), colours[at], -1)
                write(canvas, f"{share:.0%}", (end + 6, top + 11 + 11 * at), fontScale=0.34)
    cv2.imwrite(str(path), canvas, [cv2.IMWRITE_WEBP_QUALITY, 101])
