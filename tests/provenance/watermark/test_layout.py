"""The layout: every wave has one task, every bit stands in coarse and fine waves, and all of it comes from the key."""

import hashlib

import numpy as np
import pytest

from safelight.provenance.watermark.code import CODE_BITS, encode
from safelight.provenance.watermark.layout import RADII, WAVES, layout, on_grid, tile_px
from tests.provenance.watermark.pictures import KEY, OTHER, PAYLOAD


def test_a_wave_is_pilot_or_carrier_and_none_is_left_out() -> None:
    keyed = layout(KEY)
    assert sorted([*keyed.pilot, *keyed.carriers]) == list(range(len(WAVES)))


def test_no_two_waves_are_opposites_of_each_other() -> None:
    seen = {tuple(wave) for wave in WAVES.tolist()}
    assert not seen & {(-down, -across) for down, across in seen}


def test_each_bit_stands_in_each_ring_of_frequencies() -> None:
    keyed = layout(KEY)
    in_order = np.stack(np.split(keyed.bit_of, 2), axis=1).ravel()
    for start in range(0, len(in_order) - CODE_BITS, CODE_BITS):
        assert len(set(in_order[start : start + CODE_BITS].tolist())) == CODE_BITS


def test_another_key_has_another_layout() -> None:
    one, other = layout(KEY), layout(OTHER)
    agreeing = float(np.mean(one.sign_of == other.sign_of))
    assert abs(agreeing - 0.5) < 0.1
    assert one.pilot.tolist() != other.pilot.tolist()
    assert one.bit_of.tolist() != other.bit_of.tolist()


def test_what_earlier_versions_wrote_is_what_is_looked_for() -> None:
    """Marked pictures are out in the world: a layout or a code that differs in one sign would read none of them."""
    amplitudes = layout(KEY).amplitudes(encode(PAYLOAD, KEY))
    signs = np.packbits(np.stack([amplitudes.real > 0, amplitudes.imag > 0])).tobytes()
    assert hashlib.sha256(signs).hexdigest()[:32] == "7b4da47521b078e5bc8cc1adcde5a54d"


def test_the_square_grows_with_the_picture_and_never_shrinks() -> None:
    sides = [tile_px(side, side) for side in range(100, 5000, 50)]
    assert sides == sorted(sides)
    assert tile_px(130, 200) == tile_px(256, 256) == 125
    assert [tile_px(side, side, dense=True) < tile_px(side, side) for side in (256, 512, 800, 1024)] == [1, 1, 1, 0]
    assert tile_px(4096, 4096) == pytest.approx(2 * tile_px(2048, 2048), abs=1)


@pytest.mark.parametrize("size", [(512, 512), (1024, 1024), (1024, 1536), (1792, 1024)])
def test_the_square_does_not_fall_in_step_with_the_blocks_of_a_jpeg(size: tuple[int, int]) -> None:
    assert tile_px(*size) % 8


def test_waves_on_the_grid_are_the_waves_that_were_put_there() -> None:
    amplitudes = layout(KEY).amplitudes(np.ones(CODE_BITS, np.float32))
    back = np.fft.rfft2(on_grid(amplitudes, WAVES))[WAVES[:, 0], WAVES[:, 1]]
    assert np.allclose(back, amplitudes, atol=1e-4)
    assert float(RADII.min()) >= 3
