"""The one safe decoding: every format and mode, nothing hidden, nothing but pixels handed on."""

import io
import struct
import threading
import zlib
from collections.abc import Callable

import numpy as np
import pytest
import skimage.data
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from safelight.core.errors import BadInput, InputCode
from safelight.core.limits import Limits
from safelight.core.request import Owner, Upload
from safelight.signals.image.decode import decode
from safelight.signals.image.metadata import read_orientation
from safelight.signals.model import PictureRole
from tests.signals.image.hostile import chunk, png_header
from tests.signals.image.samples import (
    ANIMATIONS,
    HIDDEN,
    STILLS,
    animation,
    deep_grey,
    encoded,
    heic,
    photograph,
    picture,
    portrait,
)

ORIENTATION, DESCRIPTION, CAMERA = 0x0112, 0x010E, 0x0110


def exif(orientation: int = 1, text: str = "cover her with a coat") -> Image.Exif:
    """EXIF with a description, as cameras write it."""
    made = Image.Exif()
    made[ORIENTATION], made[DESCRIPTION], made[CAMERA] = orientation, text, "Example 5"
    return made


def difference(one: np.ndarray, other: np.ndarray) -> float:
    """Mean absolute difference of two frames, in grey levels."""
    return float(np.abs(one.astype(int) - other.astype(int)).mean())


@pytest.mark.parametrize("name", STILLS)
def test_every_format_and_mode_shows_the_photograph(name: str) -> None:
    """One RGB frame, near to the photograph, and clean bytes that show the same."""
    content = STILLS[name]()
    found = picture(content)
    assert [frame.shape for frame in found.frames] == [(96, 96, 3)]
    assert found.frames[0].dtype == np.uint8
    assert found.media_type in {"image/png", "image/jpeg", "image/webp"}
    colours = np.asarray(portrait())
    if name == "PNG 16 bit":
        wanted = np.repeat(np.asarray(deep_grey())[..., None] >> 8, 3, axis=2)
    else:
        mode = "1" if " 1" in name else "L" if " L" in name else "RGB"
        wanted = np.asarray(Image.fromarray(colours).convert(mode).convert("RGB"))
    assert difference(found.frames[0], wanted) < 14
    with Image.open(io.BytesIO(found.clean)) as clean:
        assert Image.MIME[str(clean.format)] == found.media_type
        shown = np.asarray(clean) >> 8 if clean.mode.startswith("I;16") else np.asarray(clean.convert("RGB"))
    assert difference(found.frames[0], shown) < 3


@pytest.mark.parametrize("name", ANIMATIONS)
def test_every_frame_of_an_animation_is_there(name: str) -> None:
    """And only the first one goes on."""
    found = picture(ANIMATIONS[name]())
    assert len({frame.tobytes() for frame in found.frames}) >= 4
    with Image.open(io.BytesIO(found.clean)) as clean:
        assert getattr(clean, "n_frames", 1) == 1
        assert difference(found.frames[0], np.asarray(clean.convert("RGB"))) < 3


def test_the_hidden_default_image_of_an_animation_is_a_frame_too() -> None:
    """A reader without animation shows it, so it is judged."""
    assert len(picture(animation("PNG", 4, default_image=True)).frames) == 4


def test_the_still_that_a_sequence_carries_beside_it_is_judged_too() -> None:
    """An animated AVIF holds a cover for readers without animation."""
    assert len(picture(animation("AVIF", 4)).frames) == 5


def test_pictures_behind_a_jpeg_that_it_announces_are_judged_and_left_out() -> None:
    """Previews and gain maps in the multi-picture format."""
    content = encoded(portrait(), "MPO", save_all=True, append_images=[portrait(48), portrait(32)])
    found = picture(content)
    assert [frame.shape[0] for frame in found.frames] == [96, 48, 32]
    assert picture(found.clean).clean == found.clean
    assert len(picture(found.clean).frames) == 1


@pytest.mark.parametrize("format_", ["PNG", "JPEG", "WEBP"])
def test_a_plain_still_goes_on_byte_for_byte(format_: str) -> None:
    """Apart from metadata, which there is none of: no loss, and no time spent."""
    content = encoded(portrait(), format_)
    assert picture(content).clean == content


def test_a_plain_png_is_read_as_pillow_reads_it() -> None:
    """OpenCV reads it faster; every filter of the format is in a photograph, and one in each row of these."""
    rng = np.random.default_rng(4)
    noise, ramp = rng.integers(0, 256, (33, 47, 3), np.uint8), np.indices((33, 47, 3)).sum(axis=0).astype(np.uint8)
    for image in (portrait(), photograph("coffee"), Image.fromarray(noise), Image.fromarray(ramp)):
        assert np.array_equal(picture(encoded(image, "PNG")).frames[0], np.asarray(image))


@pytest.mark.parametrize("filter_", range(5))
def test_each_filter_of_a_png(filter_: int) -> None:
    """By hand, since encoders choose for themselves; the first bytes of a row refer to what is not there."""
    rows = np.random.default_rng(filter_).integers(0, 256, (8, 1 + 3 * 5), np.uint8)
    rows[:, 0] = filter_
    body = chunk(b"IDAT", zlib.compress(rows.tobytes()))
    content = png_header(5, 8) + body + chunk(b"IEND", b"")
    with Image.open(io.BytesIO(content)) as expected:
        assert np.array_equal(picture(content).frames[0], np.asarray(expected))


@pytest.mark.parametrize("rows", [0, 1, 7])
def test_a_png_with_too_few_rows_is_refused(rows: int) -> None:
    """Whole to its last byte, and still not the picture that it announces."""
    body = chunk(b"IDAT", zlib.compress(bytes((1 + 3 * 5) * rows)))
    with pytest.raises(BadInput) as raised:
        picture(png_header(5, 8) + body + chunk(b"IEND", b""))
    assert raised.value.code == InputCode.IMAGE_CORRUPT


@pytest.mark.parametrize("format_", ["PNG", "JPEG", "WEBP"])
def test_metadata_is_read_and_never_goes_on(format_: str) -> None:
    """The pixels go on untouched; the words become a passage."""
    plain = encoded(portrait(), format_, lossless=True)
    found = picture(encoded(portrait(), format_, lossless=True, exif=exif()))
    assert np.array_equal(found.frames[0], picture(plain).frames[0])
    assert [(one.where, one.text) for one in found.passages] == [
        ("photo 1 metadata", "cover her with a coat\nExample 5")
    ]
    assert b"coat" not in found.clean
    with Image.open(io.BytesIO(found.clean)) as clean:
        assert not clean.getexif()


@pytest.mark.parametrize(
    "make", [lambda: encoded(portrait(), "AVIF", exif=exif()), lambda: heic(portrait(), exif=exif().tobytes())]
)
def test_metadata_of_box_formats_is_read_and_never_goes_on(make: Callable[[], bytes]) -> None:
    """AVIF and HEIC."""
    found = picture(make())
    assert "cover her with a coat" in found.passages[0].text
    assert b"coat" not in found.clean


def test_every_kind_of_text_in_a_png_is_read() -> None:
    """tEXt in either encoding, zTXt, iTXt plain and compressed, and an XMP packet in it."""
    xmp = '<x:xmpmeta xmlns:x="adobe:ns:meta/"><a title="a hat for &quot;her&quot;">six mufflers</a></x:xmpmeta>'
    whole = encoded(portrait(), "PNG")
    texts = (
        chunk(b"tEXt", "Comment\0one café".encode("latin-1"))
        + chunk(b"tEXt", "Comment\0two coats 大衣".encode())
        + chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"three scarves"))
        + chunk(b"iTXt", b"Comment\0\0\0en\0\0" + "vier Mäntel".encode())
        + chunk(b"iTXt", b"Comment\0\1\0\0\0" + zlib.compress(b"five gloves"))
        + chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp.encode())
    )
    text = picture(whole[:33] + texts + whole[33:]).passages[0].text
    for words in ("one café", "two coats 大衣", "three scarves", "vier Mäntel", "five gloves", "six mufflers"):
        assert words in text
    assert 'a hat for "her"' in text
    assert "xmpmeta" not in text


def test_comments_of_jpeg_and_gif_are_read() -> None:
    """As any other words of the request."""
    for format_ in ("JPEG", "GIF"):
        assert picture(encoded(portrait(), format_, comment=b"a coat for her")).passages[0].text == "a coat for her"


def test_iptc_and_windows_titles_are_read() -> None:
    """Photoshop's record and the fields that Windows writes in UTF-16."""
    record = (
        b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x13" + b"\x1c\x02\x78" + struct.pack(">H", 14) + b"a coat for her"
    )
    whole = encoded(portrait(), "JPEG")
    segment = b"\xff\xed" + struct.pack(">H", len(record) + 2) + record
    assert picture(whole[:2] + segment + whole[2:]).passages[0].text == "a coat for her"
    titled = Image.Exif()
    titled[0x9C9B] = "a scarf too".encode("utf-16-le")
    assert picture(encoded(portrait(), "JPEG", exif=titled)).passages[0].text == "a scarf too"


def test_metadata_of_an_output_is_cut_off_unread() -> None:
    """It is the backend's own, and often holds the whole workflow; none of it goes on."""
    content = encoded(portrait(), "JPEG", exif=exif())
    found = picture(content, PictureRole.OUTPUT, "output 1")
    assert found.passages == ()
    assert b"coat" not in found.clean


def test_a_colour_profile_and_gamma_do_not_go_on() -> None:
    """Two viewers could show two different pictures by them."""
    whole = encoded(portrait(), "PNG")
    odd = chunk(b"gAMA", struct.pack(">I", 2_000)) + chunk(b"iCCP", b"icc\0\0" + zlib.compress(bytes(300)))
    found = picture(whole[:33] + odd + whole[33:])
    assert found.clean == whole
    assert found.passages == ()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_to_frames_and_to_what_goes_on(orientation: int) -> None:
    """As Pillow's own transposition does it."""
    wide = portrait().crop((0, 0, 96, 48))
    found = picture(encoded(wide, "PNG", exif=exif(orientation)))
    wanted = np.asarray(Image.fromarray(np.asarray(wide)))
    turned = {1: wanted, 2: wanted[:, ::-1], 3: wanted[::-1, ::-1], 4: wanted[::-1], 5: wanted.transpose(1, 0, 2)}
    turned |= {6: np.rot90(wanted, 3), 7: np.rot90(wanted, 2).transpose(1, 0, 2), 8: np.rot90(wanted)}
    assert np.array_equal(found.frames[0], turned[orientation])
    with Image.open(io.BytesIO(found.clean)) as clean:
        assert np.array_equal(np.asarray(clean), turned[orientation])


def test_an_upside_down_jpeg_stays_a_jpeg() -> None:
    """Twelve-megapixel phone photos would take a second as PNG."""
    found = picture(encoded(portrait(), "JPEG", exif=exif(6)))
    assert found.media_type == "image/jpeg"
    assert difference(np.asarray(Image.open(io.BytesIO(found.clean))), found.frames[0]) < 2


class TestTransparency:
    """What lies under transparent pixels is looked at."""

    def test_transparency_is_laid_over_grey(self) -> None:
        """And alpha is handed on for masks."""
        image = Image.new("RGBA", (40, 20), (255, 0, 0, 255))
        image.paste((0, 0, 0, 0), (20, 0, 40, 20))
        found = picture(encoded(image, "PNG"))
        assert [tuple(frame[0, 0]) for frame in found.frames] == [(255, 0, 0)] * 3
        assert [frame[0, 39].max() for frame in found.frames] == [128, 255, 0]
        assert found.alpha is not None
        assert (found.alpha[0, 0], found.alpha[0, 39], found.alpha.shape) == (255, 0, (20, 40))

    @pytest.mark.parametrize("format_", ["PNG", "WEBP"])
    def test_a_photograph_under_transparent_pixels_is_a_frame_of_its_own(self, format_: str) -> None:
        """Some readers drop transparency and show it."""
        image = portrait().convert("RGBA")
        image.putalpha(0)
        found = picture(encoded(image, format_, lossless=True, exact=True))
        assert any(np.array_equal(frame, np.asarray(portrait())) for frame in found.frames)

    @pytest.mark.parametrize("name", HIDDEN)
    def test_what_transparency_shows_over_white_or_black_is_looked_at(self, name: str) -> None:
        """Over grey it shows another picture, or nothing."""
        hidden, ground = HIDDEN[name]
        image = hidden(portrait(), portrait().transpose(Image.Transpose.FLIP_TOP_BOTTOM))
        seen = Image.new("RGBA", image.size, (ground,) * 3 + (255,))
        seen.alpha_composite(image)
        found = picture(encoded(image, "PNG"))
        assert min(difference(frame, np.asarray(seen.convert("RGB"))) for frame in found.frames) < 2

    def test_a_mask_goes_on_with_nothing_but_its_transparency(self) -> None:
        """Its colours mean nothing, so nothing travels in them."""
        image = portrait().convert("RGBA")
        image.paste((9, 9, 9, 0), (0, 0, 48, 96))
        found = picture(encoded(image, "PNG"), PictureRole.MASK, "mask")
        with Image.open(io.BytesIO(found.clean)) as clean:
            pixels = np.asarray(clean)
        assert not pixels[..., :3].any()
        assert np.array_equal(pixels[..., 3], found.alpha)

    def test_a_palette_with_transparency_is_read(self) -> None:
        """As written by drawing programs."""
        image = portrait().convert("P")
        found = picture(encoded(image, "PNG", transparency=int(np.asarray(image)[0, 0])))
        assert found.alpha is not None
        assert found.alpha[0, 0] == 0


class TestLimits:
    """Held against the header, before anything is decoded."""

    @pytest.mark.parametrize(
        ("limits", "code"),
        [
            (Limits(image_max_pixels=96 * 96 - 1), InputCode.IMAGE_TOO_MANY_PIXELS),
            (Limits(image_max_side_px=95), InputCode.IMAGE_TOO_MANY_PIXELS),
            (Limits(image_max_total_pixels=96 * 96 - 1), InputCode.IMAGE_TOO_MANY_PIXELS),
        ],
    )
    @pytest.mark.parametrize("name", STILLS)
    def test_size(self, name: str, limits: Limits, code: InputCode) -> None:
        """Each format, at one less than it needs."""
        with pytest.raises(BadInput) as caught:
            picture(STILLS[name](), limits=limits)
        assert caught.value.code == code.value

    @pytest.mark.parametrize("name", ANIMATIONS)
    def test_frames_and_their_sum(self, name: str) -> None:
        """Never sampled."""
        content = ANIMATIONS[name]()
        with pytest.raises(BadInput) as caught:
            picture(content, limits=Limits(image_max_frames=3))
        assert caught.value.code == InputCode.IMAGE_TOO_MANY_FRAMES.value
        with pytest.raises(BadInput) as caught:
            picture(content, limits=Limits(image_max_total_pixels=32 * 32 * 3))
        assert caught.value.code == InputCode.IMAGE_TOO_MANY_PIXELS.value

    def test_hidden_frames_count(self) -> None:
        """Transparency cannot be used to double what is kept."""
        image = portrait().convert("RGBA")
        image.putalpha(0)
        with pytest.raises(BadInput, match="pixels"):
            picture(encoded(image, "PNG"), limits=Limits(image_max_total_pixels=96 * 96))

    def test_the_field_is_named(self) -> None:
        """`mask` for the mask; a refused output is no field of the request."""
        for role, param in ((PictureRole.MASK, "mask"), (PictureRole.OUTPUT, None)):
            with pytest.raises(BadInput) as caught:
                picture(b"", role, "it")
            assert caught.value.param == param


class TestHarmlessOddities:
    """What real cameras and programs write is accepted."""

    @pytest.mark.parametrize("name", [name for name in STILLS if not name.startswith(("AVIF", "HEIC"))])
    def test_zeros_behind_the_end(self, name: str) -> None:
        """Padding to a block; it is cut off."""
        content = STILLS[name]()
        assert picture(content + bytes(512)).clean == picture(content).clean

    def test_the_trailer_of_a_phone(self) -> None:
        """Its words are read, and it does not go on."""
        content = encoded(portrait(), "JPEG")
        found = picture(content + b"\0\0\x01\x0aImage UTC coat for her" + b"SEFH\x6b\0\0\0SEFT")
        assert found.clean == content
        assert "coat for her" in found.passages[0].text

    def test_unreadable_exif_is_no_reason_to_refuse(self) -> None:
        """It does not go on, so nobody will read it."""
        assert picture(encoded(portrait(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\x7f")).passages == ()

    def test_the_gif_of_scikit_image(self) -> None:
        """A real animation with partial frames."""
        from pathlib import Path

        content = Path(skimage.data.__file__).with_name("no_time_for_that_tiny.gif").read_bytes()
        assert len(picture(content).frames) > 5


class TestFileName:
    """A file name is words of a stranger too."""

    @pytest.mark.parametrize("name", ["", "image.png", "IMG_2041.JPG", "photo (3).jpeg", "DSC-0001.heic", "mask.webp"])
    def test_names_that_say_nothing_are_not_judged(self, name: str) -> None:
        """Each would cost the time of a text."""
        assert picture(STILLS["GIF"](), file_name=name).passages == ()

    @pytest.mark.parametrize("name", ["a coat for her.png", "mantel.jpg", "photo of the neighbour.png", "photo\n.png"])
    def test_others_are_passages(self, name: str) -> None:
        """Exactly as they arrived."""
        assert [(one.where, one.text) for one in picture(STILLS["GIF"](), file_name=name).passages] == [
            ("photo 1 file name", name)
        ]

    def test_a_name_too_long_is_refused(self) -> None:
        """Nobody names a file with a thousand characters."""
        with pytest.raises(BadInput) as caught:
            picture(STILLS["GIF"](), file_name="coat" * 300)
        assert caught.value.code == InputCode.METADATA_TOO_LARGE.value


def test_owner_role_and_place_are_kept() -> None:
    """They come from the request, not from the file."""
    upload = Upload(STILLS["GIF"](), owner=Owner.OTHER)
    found = decode(upload, role=PictureRole.PHOTO, where="photo 7", limits=Limits())
    assert (found.owner, found.role, found.where) == (Owner.OTHER, PictureRole.PHOTO, "photo 7")


def test_threads_do_not_disturb_each_other() -> None:
    """The gate decodes several requests at once."""
    content = encoded(portrait(), "JPEG")
    wanted = picture(content).frames[0]
    same: list[bool] = []

    def work() -> None:
        same.extend(np.array_equal(picture(content).frames[0], wanted) for _ in range(10))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert same == [True] * 40


SEEDS = [*(make() for make in STILLS.values()), *(make() for make in ANIMATIONS.values())]


class TestAnyBytes:
    """Whatever arrives, the answer is a picture or BadInput."""

    @given(st.binary(max_size=300), st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a", b"BM"]))
    def test_random(self, content: bytes, start: bytes) -> None:
        """Also behind the start of a picture."""
        self.look(start + content)

    @settings(max_examples=400, deadline=None)
    @given(
        st.sampled_from(SEEDS),
        st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=8),
    )
    def test_changed(self, seed: bytes, changes: list[tuple[float, int]]) -> None:
        """Some bytes replaced, most often in the headers."""
        content = bytearray(seed)
        for place, value in changes:
            content[int(place**3 * len(content))] = value
        self.look(bytes(content))

    @settings(max_examples=200, deadline=None)
    @given(st.sampled_from(SEEDS), st.floats(0, 1), st.floats(0, 1), st.binary(max_size=40))
    def test_cut_and_joined(self, seed: bytes, start: float, end: float, between: bytes) -> None:
        """A piece taken out, and something else put in its place."""
        first, last = sorted((int(start * len(seed)), int(end * len(seed))))
        self.look(seed[:first] + between + seed[last:])

    @staticmethod
    def look(content: bytes) -> None:
        """What is accepted can be decoded again, to the same single picture."""
        try:
            found = picture(content)
        except BadInput:
            return
        again = picture(found.clean)
        assert again.frames[0].shape == found.frames[0].shape
        assert again.passages == ()


@given(st.binary(max_size=200), st.sampled_from([b"II*\0", b"MM\0*"]))
def test_any_exif_has_an_orientation(body: bytes, order: bytes) -> None:
    """From 1 to 8."""
    from safelight.signals.image.containers.model import Block, BlockKind

    assert read_orientation((Block(BlockKind.EXIF, order + body),)) in range(1, 9)


def test_png_header_of_the_tests_is_the_standards() -> None:
    """The hostile files rely on it."""
    assert encoded(portrait(), "PNG").startswith(png_header(96, 96))
