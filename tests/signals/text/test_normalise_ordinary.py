"""Ordinary prompts, by the thousand, have one reading and no tricks. Runs where the benign files are at hand."""

import csv
import os
from pathlib import Path

import pytest

from safelight.signals.model import Passage
from safelight.signals.text.normalise import read

FOLDER = Path(os.environ.get("SAFELIGHT_BENIGN_DATA", Path(__file__).parents[4] / "shared" / "data"))
COLUMNS = {
    "coco_captions_10k.csv": ("prompt",),
    "esd_artwork_prompts.csv": ("prompt",),
    "geneval_prompts.csv": ("prompt",),
    "guided_ip2p_edit_instructions.csv": ("instruct", "target_description"),
    "guided_ip2p_train_half.csv": ("sentence",),
    "krisbench_edit_instructions.csv": ("ins_en", "ins_cn"),
    "overt_benign_half.csv": ("seed_prompt", "image_prompt"),
    "partiprompts.csv": ("Prompt",),
    "uce_profession_prompts.csv": ("prompt",),
    "wise_prompts.csv": ("Prompt",),
    "xstest_safe.csv": ("prompt",),
}


def texts(name: str) -> list[str]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return [row[column] for row in csv.DictReader(file) for column in COLUMNS[name] if row[column]]


@pytest.mark.skipif(not FOLDER.is_dir(), reason="the benign files are not here; set SAFELIGHT_BENIGN_DATA")
@pytest.mark.parametrize("name", COLUMNS)
def test_ordinary_prompts_cost_one_reading(name: str) -> None:
    """Each reading costs the meaning model its time: under 1 in 100 rows may have a second, under 1 in 200 a trick."""
    found = [read(Passage("turn 1", text)) for text in texts(name)]
    assert sum(len(read_text.readings) > 1 for read_text in found) <= 0.01 * len(found)
    assert sum(bool(read_text.tricks) for read_text in found) <= max(1, 0.005 * len(found))
