"""Takes the pictures of the public pages that the documents show.

Run `python -m tests.web.public.pictures` after a change of the pages, on a machine with chromium and with fonts for
Arabic and Hindi (Debian: `fonts-noto-core`), and look at each of them.
"""

import io
import tempfile
from pathlib import Path

from PIL import Image

from safelight.cases.takedown.memory import MemoryPlatform, MemoryPost
from safelight.core.clock import utc_now
from tests.detectors import scripted_detectors
from tests.service import serving
from tests.web.public.browser import browsing
from tests.web.public.every_page import every_page

FOLDER = Path(__file__).parents[3] / "docs" / "pictures"
PHONE_PX, DESKTOP_PX = 360, 1100
TALLEST_PX = 1_400
MAX_BYTES = 60_000
COLOURS = 32
"""Enough for text on plain ground."""
WANTED = {
    ("en", PHONE_PX): None,  # every page
    ("ar", PHONE_PX): {"front", "place", "receipt", "status"},
    ("hi", PHONE_PX): {"matter"},
    ("en", DESKTOP_PX): {"front", "place", "status"},
}


def main() -> None:
    """Write them all, as WebP without loss."""
    FOLDER.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(
            Path(folder),
            detectors=list(scripted_detectors().values()),
            platform=MemoryPlatform(utc_now),
            post=MemoryPost(),
        ) as service,
        browsing() as browser,
    ):
        for (language, width), names in WANTED.items():
            with browser.new_context(viewport={"width": width, "height": 740}) as context:
                page = context.new_page()
                for name in every_page(page, service.address, language):
                    if names is None or name in names:
                        size = "" if width == PHONE_PX else "-desktop"
                        page.evaluate("scrollTo(0, 0)")  # the header stays on top of what is scrolled
                        _write(FOLDER / f"report-{language}-{name}{size}.webp", page.screenshot(full_page=True))


def _write(path: Path, png: bytes) -> None:
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    picture = picture.crop((0, 0, picture.width, min(picture.height, TALLEST_PX)))
    picture.quantize(COLOURS).convert("RGB").save(path, "WEBP", lossless=True, method=6)
    if path.stat().st_size > MAX_BYTES:
        raise SystemExit(f"{path.name} has more than {MAX_BYTES} bytes; show less of the page.")


if __name__ == "__main__":
    main()
