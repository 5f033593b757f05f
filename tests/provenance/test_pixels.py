"""Pictures are written again as they were: PNG bit for bit, the others in their own form."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from safelight.provenance.pixels import FileFormat, Pixels, encoded, form_of, media_type_of, png

PICTURES = st.tuples(st.integers(1, 20), st.integers(1, 20), st.sampled_from([3, 4])).flatmap(
    lambda shape: arrays(np.uint8, shape)
)


def file_of(pixels: Pixels, format_: str, **options: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format_, **options)
    return file.getvalue()


@given(PICTURES)
def test_our_png_is_read_by_others_as_the_very_pixels(pixels: Pixels) -> None:
    image = Image.open(io.BytesIO(png(pixels)))
    image.load()
    assert image.format == "PNG"
    assert np.array_equal(np.asarray(image), pixels)


@given(PICTURES)
def test_lossless_webp_keeps_every_pixel_and_the_colours_under_transparency(pixels: Pixels) -> None:
    form = form_of(file_of(pixels, "WEBP", lossless=True))
    assert form.is_lossless
    content, format_ = encoded(pixels, form)
    assert format_ is FileFormat.WEBP
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(content)).convert("RGBA"))[..., : pixels.shape[2]], pixels)


@pytest.mark.parametrize(
    ("format_", "options", "again"),
    [
        ("PNG", {}, "PNG"),
        ("GIF", {}, "PNG"),
        ("JPEG", {"quality": 40}, "JPEG"),
        ("JPEG", {"quality": 98, "subsampling": 0}, "JPEG"),
        ("WEBP", {"quality": 50}, "WEBP"),
        ("AVIF", {}, "AVIF"),
    ],
)
def test_a_picture_is_encoded_as_it_was(format_: str, options: dict[str, object], again: str) -> None:
    pixels = np.tile(np.arange(96, dtype=np.uint8), (64, 1))[..., None].repeat(3, axis=2)
    content, media_type = encoded(pixels, form_of(file_of(pixels, format_, **options)))
    image = Image.open(io.BytesIO(content))
    assert (image.format, image.size) == (again, (96, 64))
    assert media_type_of(content) == media_type


def test_a_jpeg_of_other_colours_is_written_as_the_usual_kind() -> None:
    file = io.BytesIO()
    Image.new("CMYK", (16, 16)).save(file, "JPEG")
    assert form_of(file.getvalue()).tables == ()


def test_what_is_no_picture_has_no_media_type() -> None:
    assert media_type_of(b"") == media_type_of(b"hello") == "application/octet-stream"
