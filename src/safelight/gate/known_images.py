"""`image_known`: whether what was uploaded or made is in a bank. The one detector that asks another room, so it lives
here, above both.

Rules of this module
- Each picture gets every signal, true or false, so that the record shows that the lists were asked, and which state
  they were in: the version that stands in each signal's source is the digest of all lists.
- No signal says which list or which hash. That a photo is protected is told to its person, without a word of the asker.
- A mask is looked at too: it was uploaded, and may be a picture. That it has no detail is what a mask is, and no sign.
"""

from collections.abc import Mapping

import cv2
import numpy as np

from safelight.core.category import Stage
from safelight.core.clock import Clock, utc_now
from safelight.core.errors import DetectorUnfit
from safelight.core.signal import Signal, SignalKind, SignalSpec
from safelight.matching.banks import PROTECTED_NAME
from safelight.matching.known import KnownImages
from safelight.matching.model import BankCategory, Look
from safelight.matching.pdq import Frame, Pdq, distance, pdq
from safelight.matching.protect import note_attempts
from safelight.signals.image.roles import for_both_roles, signal_name
from safelight.signals.model import Found, Picture, PictureRole, View

_METHOD = 1
"""Raised whenever the way a picture is compared changes."""
_HELP: Mapping[BankCategory, str] = {
    BankCategory.CSAM: "Whether {it} is in a list of child abuse images, or a copy of one that is.",
    BankCategory.NCII: "Whether {it} is in a list of intimate images shared without consent, or a copy of one that is.",
    BankCategory.ILLEGAL: "Whether {it} is in another list of illegal images, or a copy of one that is.",
    BankCategory.PROTECTED: "Whether {it} is a photo that its person registered as not to be used, or a copy of one.",
}
_EXAMPLE = "9c51fbd1f14b9ed19c41f391f1498ed15149f381044e8e4f416e014f5cbf55ae"
_EXAMPLE_TOLERANCE_BITS = 4
"""Other processors round the sines of the example otherwise."""


class KnownImageDetector:
    """Asks the banks. `bind` gives it them: the vocabulary is needed before there are any."""

    name = "image_known"

    def __init__(self) -> None:
        self._known: KnownImages | None = None
        self._clock: Clock = utc_now

    def bind(self, known: KnownImages, clock: Clock) -> None:
        """Ask these banks from now on."""
        self._known, self._clock = known, clock

    @property
    def version(self) -> str:
        """The method, and the digest of the lists as they are now."""
        return _version(self._known.lists) if self._known else str(_METHOD)

    @property
    def emits(self) -> tuple[SignalSpec, ...]:
        """A flag for each category of bank, and one for what cannot be compared."""
        return (
            *(
                spec
                for category, help_ in _HELP.items()
                for spec in for_both_roles(f"known_{category.value}", SignalKind.FLAG, help_, False)
            ),
            *for_both_roles(
                "unhashable",
                SignalKind.FLAG,
                "Whether {it} has too little detail to be compared with known images, so that nothing is known of it.",
                False,
            ),
        )

    def load(self) -> None:
        """Look at the banks once. Raises DetectorUnfit where there are none to ask."""
        if self._known is None:
            raise DetectorUnfit("image_known has no banks to ask: it runs inside a Safelight with a data folder")

    def verify(self) -> None:
        """Hash a drawn picture and ask for it. Raises DetectorUnfit, or StoreFailed where the lists cannot be read."""
        found = pdq(_example())
        if not isinstance(found, Pdq) or distance(found.hash, bytes.fromhex(_EXAMPLE)) > _EXAMPLE_TOLERANCE_BITS:
            raise DetectorUnfit("image_known hashes its example wrongly; install numpy and opencv-python again")
        if self._known:
            self._known.look([_example()])

    def wants(self, view: View) -> bool:
        """Whether there is any picture."""
        return bool(view.pictures)

    def observe(self, view: View) -> Found:
        """Ask for each picture, and keep that somebody tried where one is protected."""
        if self._known is None:
            if not view.pictures:
                return Found()
            raise DetectorUnfit("image_known has no banks to ask")
        files = dict(view.files)
        signals: list[Signal] = []
        protected: set[int] = set()
        for picture in view.pictures:
            look = self._known.look(picture.frames, files.get(picture.where, picture.clean))
            signals += _signals(picture, look)
            # A list of the operator's own may have the category too: nobody holds a receipt for what is in that.
            protected |= {m.item for m in look.matches if m.item and m.bank.name == PROTECTED_NAME}
        if protected:
            self._note(frozenset(protected), view.stage)
        return Found(tuple(signals))

    def _note(self, items: frozenset[int], stage: Stage) -> None:
        assert self._known  # noqa: S101 (asked above)
        now = self._clock()
        self._known.database.write_here(lambda connection: note_attempts(connection, items, stage.value, now))


def _signals(picture: Picture, look: Look) -> list[Signal]:
    source = f"{KnownImageDetector.name}@{_version(look.lists)}"
    categories = {match.bank.category for match in look.matches}
    values = {f"known_{category.value}": category in categories for category in BankCategory}
    values["unhashable"] = look.is_unhashable and picture.role is not PictureRole.MASK
    return [Signal(signal_name(picture, what), value, source, picture.where) for what, value in values.items()]


def _version(lists: str) -> str:
    return f"{_METHOD}-{lists}"


def _example() -> Frame:
    """Rings and stripes."""
    y, x = np.mgrid[0:160, 0:200].astype(np.float32)
    waves = 128 + 60 * np.sin(np.hypot(x - 70, y - 90) / 7) + 60 * np.sin(x / 11 + y / 23)
    grey = np.asarray(cv2.GaussianBlur(waves, (0, 0), 1), np.float32).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)
