"""`read` gives `plain` first, leaves ordinary text alone and never raises."""

import pytest

from safelight.signals.model import Passage
from safelight.signals.text.normalise import read


@pytest.mark.parametrize(
    "text",
    [
        "A dog on the beach.",
        "đổi váy của cô ấy",
        "هذه صورة جميلة",
        "可愛い猫の写真",
        "स्कूल में बच्चे",
        "สวัสดีครับ",
        "flag 🇫🇷 on a 🏰",
    ],
)
def test_ordinary_text_in_any_script_is_only_plain_and_unchanged(text: str) -> None:
    found = read(Passage("turn 1", text))
    assert [(r.name, r.text) for r in found.readings] == [("plain", text)]
    assert found.tricks == ()
