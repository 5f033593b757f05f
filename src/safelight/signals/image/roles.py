"""Which signals a look at a picture speaks in: `photo_…` of what was uploaded, `output_…` of what came back."""

from collections.abc import Iterable

from safelight.core.signal import Combine, SignalKind, SignalSpec, SignalValue
from safelight.signals.model import Picture, PictureRole

_SPOKEN = {PictureRole.PHOTO: "an uploaded picture", PictureRole.OUTPUT: "a picture that the model made"}


def signal_name(picture: Picture, what: str) -> str:
    """`photo_<what>` or `output_<what>`; a mask was uploaded too, so it speaks as a photo."""
    return f"output_{what}" if picture.role is PictureRole.OUTPUT else f"photo_{what}"


def for_both_roles(
    what: str, kind: SignalKind, help_: str, absent: SignalValue, combine: Combine = Combine.MAX
) -> Iterable[SignalSpec]:
    """The specs of `photo_<what>` and `output_<what>`. `{it}` in `help_` becomes the words for the picture."""
    for role, it in _SPOKEN.items():
        yield SignalSpec(f"{role.value}_{what}", kind, help_.format(it=it), absent, combine)
