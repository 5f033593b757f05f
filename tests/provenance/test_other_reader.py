"""Our credentials, read by an implementation that shares no code with the library that signs them (`other_reader/`).

Set it up with `npm install --no-save --omit=optional --ignore-scripts` in that folder; CI does.
"""

import json
import random
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from safelight.provenance.credentials.chain import load_key, load_or_make
from safelight.provenance.credentials.seal import Sealer
from safelight.provenance.credentials.signer import LocalSigner
from safelight.provenance.model import Source
from tests.provenance.test_credentials import NOW, origin, picture

READER = Path(__file__).parent / "other_reader"
NODE = shutil.which("node")
SEED = 20260601
TRUSTED = {"png": "image/png", "jpg": "image/jpeg", "webp": "image/webp"}
"""The formats that both know; AVIF is read by the signer's own library in `test_credentials.py`."""

pytestmark = pytest.mark.skipif(
    NODE is None or not (READER / "node_modules" / "@trustnxt" / "c2pa-ts").exists(),
    reason="node or the npm package is not there",
)


def read_all(folder: Path, contents: dict[str, bytes]) -> dict[str, dict[str, Any]]:
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    command = [
        str(NODE),
        str(READER / "read.mjs"),
        str(folder / "root.pem"),
        *(str(folder / name) for name in contents),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)  # noqa: S603
    return dict(zip(contents, map(json.loads, done.stdout.splitlines()), strict=True))


@pytest.fixture
def sealer(tmp_path: Path) -> Sealer:
    chain, key = load_or_make(tmp_path, NOW, production=False)
    (tmp_path / "root.pem").write_text(
        chain.pem.split("-----END CERTIFICATE-----\n")[1] + "-----END CERTIFICATE-----\n"
    )
    return Sealer(LocalSigner(load_key(key, chain, "key"), chain))


def test_created_edited_and_ingredients_are_valid_and_trusted_under_the_operators_root(
    tmp_path: Path, sealer: Sealer
) -> None:
    made = {f"made.{end}": sealer.seal(picture(kind), kind, origin()) for end, kind in TRUSTED.items()}
    sources = Source(made["made.jpg"], "image/jpeg"), Source(picture("image/png"), "image/png")
    edited = {f"edited.{end}": sealer.seal(picture(kind), kind, origin(*sources)) for end, kind in TRUSTED.items()}
    read = read_all(tmp_path, made | edited)
    for name in made:
        assert read[name]["valid"], read[name]
        assert read[name]["trusted"], read[name]
        assert read[name]["actions"] == ["c2pa.created"]
        assert read[name]["sources"][0].endswith("/trainedAlgorithmicMedia")
    for name in edited:
        assert read[name]["valid"], read[name]
        assert read[name]["trusted"], read[name]
        assert read[name]["actions"] == ["c2pa.opened", "c2pa.edited"]
        assert read[name]["sources"][-1].endswith("/compositeWithTrainedAlgorithmicMedia")
        assert read[name]["ingredients"] == ["parentOf", "inputTo"]


def test_another_root_is_not_trusted(tmp_path: Path, sealer: Sealer) -> None:
    theirs, key = load_or_make(tmp_path / "theirs", NOW, production=False)
    sealed = Sealer(LocalSigner(load_key(key, theirs, "key"), theirs)).seal(picture("image/png"), "image/png", origin())
    ours = sealer.seal(picture("image/png"), "image/png", origin())
    read = read_all(tmp_path, {"theirs.png": sealed, "ours.png": ours})
    assert (read["theirs.png"]["valid"], read["theirs.png"]["trusted"]) == (True, False)
    assert read["ours.png"]["trusted"]


@pytest.mark.parametrize("end", TRUSTED)
def test_one_flipped_byte_is_found_in_the_picture_and_in_what_is_said_of_it(
    tmp_path: Path, sealer: Sealer, end: str
) -> None:
    """Lengths of the boxes around the claims, and padding, say nothing: readers may pass over those."""
    whole = picture(TRUSTED[end])
    sealed = sealer.seal(whole, TRUSTED[end], origin())
    pixels = sealed.index(whole[-60:-20])
    places = random.Random(SEED).sample(range(pixels, pixels + 40), 20)
    for said in (b"req_1", b"dec_1", b"sha256:00", b"c2pa.created", b"trainedAlgorithmicMedia", b"Safelight", b"alg"):
        places.append(sealed.index(said))
    flipped = {}
    for place in places:
        content = bytearray(sealed)
        content[place] ^= 4
        flipped[f"{place}.{end}"] = bytes(content)
    read = read_all(tmp_path, {f"whole.{end}": sealed, **flipped})
    assert read[f"whole.{end}"]["valid"]
    assert [name for name in flipped if read[name]["valid"]] == []
