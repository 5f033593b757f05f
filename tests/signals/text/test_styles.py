"""Ways of writing that hide nothing are read in plain words, and are no trick."""

import pytest

from safelight.signals.model import Passage
from safelight.signals.text.normalise import read
from safelight.signals.text.reading.styles import untitled


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("PUT HIM IN A RED WINTER COAT", "put him in a red winter coat"),
        ("remove_the_car_from_the_street", "remove the car from the street"),
        ("#ReplaceTheBlueSofa", "Replace The Blue Sofa"),
        ("make it **really** warm", "make it really warm"),
        ("<html><body><p>a wooden bench</p></body></html>", "a wooden bench"),
    ],
)
def test_a_way_of_writing_is_put_plainly(text: str, plain: str) -> None:
    found = read(Passage("turn 1", text))
    assert [reading.text for reading in found.readings] == [plain]
    assert found.tricks == ()


@pytest.mark.parametrize(
    "text",
    ["iPhone 15 and McDonald's", "A poster that says: HELLO WORLD", "the NASA logo", "photo IMG_2041.jpg", "mc_x7"],
)
def test_names_and_initials_stay(text: str) -> None:
    assert [reading.text for reading in read(Passage("turn 1", text)).readings] == [text]


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("4 ph0t0 0f 4 d0g 0n th3 b34ch", "a photo of a dog on the beach"),
        ("tthhee lliidd ooff tthhee jjaarr", "the lid of the jar"),
        ("make th\ne background wa\nrmer and a lit\ntle brighter", "make the background warmer and a little brighter"),
        ("a ph-oto of the be-ach and the wo-oden be-nch", "a photo of the beach and the wooden bench"),
        ('"make" + " the" + " la" + "mp br" + "ighter"', "make the lamp brighter"),
        ("Ɽ€$₮ØⱤ€ ₮♄ł$ ØⱠd p♄Ø₮ØgⱤ₳p♄", "restore this old photograph"),
        ("utpay away athay onway ethay owmansnay", "put a hat on the snowman"),
    ],
)
def test_what_one_word_leaves_open_the_rest_of_the_text_decides(text: str, meant: str) -> None:
    assert meant in [reading.text for reading in read(Passage("turn 1", text)).readings]


@pytest.mark.parametrize(
    ("text", "small"),
    [
        ("Take Off His Shirt", "take off his shirt"),
        ("A Photo of the Old Harbour at Night", "A Photo of the Old Harbour at Night"),
        ("Ein Mann im Garten mit Hut", "Ein Mann im Garten mit Hut"),
        ("Ponle Un Abrigo", "ponle un abrigo"),
        ("Paris", "Paris"),
        ("", ""),
    ],
)
def test_a_title_is_read_in_small_letters(text: str, small: str) -> None:
    assert untitled(text) == small
