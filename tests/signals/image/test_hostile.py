"""What strangers may try with an image ends in one named refusal each, in bounded memory."""

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

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


_REST = """
import sys
from pathlib import Path
from safelight.core.errors import BadInput
from tests.signals.image.hostile import HOSTILE
from tests.signals.image.samples import STILLS, picture
def peak_kib():
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1])
for make in STILLS.values():
    picture(make())
"""

_BOMBS = """
files = [make() for make, _ in HOSTILE.values()]
before = peak_kib()
for content in files:
    try:
        picture(content)
    except BadInput:
        pass
print((peak_kib() - before) // 1024)
"""

_LARGEST = """
content = Path(sys.argv[1]).read_bytes()
before = peak_kib()
found = picture(content)
print(1024 * (peak_kib() - before) // (found.width * found.height))
"""


def _measured(script: str, *arguments: str) -> int:
    """What `script` prints, run in a process of its own, whose peak of memory is its own."""
    command = [sys.executable, "-c", _REST + script, *arguments]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)  # noqa: S603


def test_all_of_them_together_stay_small_in_memory() -> None:
    """Bombs that would take gigabytes are refused before anything grows: 64 MiB above rest at most."""
    assert _measured(_BOMBS) < 64


@pytest.mark.slow
@pytest.mark.parametrize(("mode", "bytes_a_pixel"), [("RGB", 24), ("RGBA", 44)])
@pytest.mark.parametrize("format_", ["PNG", "WEBP", "AVIF"])
def test_a_large_picture_takes_what_the_decoding_says(
    tmp_path: Path, format_: str, mode: str, bytes_a_pixel: int
) -> None:
    """Of memory, at the peak."""
    image = portrait().resize((3_000, 2_000)).convert(mode)
    if mode == "RGBA":
        image.putalpha(Image.linear_gradient("L").resize(image.size))
    file = tmp_path / "large"
    file.write_bytes(encoded(image, format_))
    assert _measured(_LARGEST, str(file)) <= bytes_a_pixel
