"""What strangers may try with an image ends in one named refusal each, in bounded memory."""

import subprocess
import sys

import pytest

from safelight.core.errors import BadInput
from safelight.core.limits import Limits
from tests.signals.image.hostile import HOSTILE
from tests.signals.image.samples import encoded, picture, portrait


@pytest.mark.parametrize("name", HOSTILE)
def test_each_is_refused_with_its_code(name: str) -> None:
    """The refusal names the field and says the next step."""
    make, code = HOSTILE[name]
    with pytest.raises(BadInput) as caught:
        picture(make())
    assert (caught.value.code, caught.value.param) == (code.value, "image")
    assert caught.value.message.startswith("photo 1: ")
    assert ";" in caught.value.message


def test_there_are_enough_of_them() -> None:
    """Forty at least, of different kinds."""
    assert len(HOSTILE) >= 40
    assert len({code for _, code in HOSTILE.values()}) >= 7


def test_more_bytes_than_the_limit_are_not_even_walked() -> None:
    """The size of the upload is the first thing looked at."""
    with pytest.raises(BadInput, match="more than 100 bytes"):
        picture(encoded(portrait(), "PNG"), limits=Limits(image_max_bytes=100))


_PEAK = """
import resource, sys
from safelight.core.errors import BadInput
from safelight.core.limits import DEFAULT_LIMITS
from tests.signals.image.hostile import HOSTILE
from tests.signals.image.samples import picture, encoded, heic, portrait
for image in (encoded(portrait(), "AVIF"), heic(portrait()), encoded(portrait(), "WEBP")):
    picture(image)
files = {name: make() for name, (make, _) in HOSTILE.items()}
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for content in files.values():
    try:
        picture(content)
    except BadInput:
        pass
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_all_of_them_together_stay_small_in_memory() -> None:
    """Bombs that would take gigabytes are refused before anything grows: 64 MiB above rest at most."""
    grown = subprocess.run([sys.executable, "-c", _PEAK], capture_output=True, text=True, check=True)  # noqa: S603
    assert int(grown.stdout) < 64
