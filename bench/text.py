"""What judging a text costs on one core: the normaliser, the meaning detector, and the encoder alone as a baseline.

Run it as `python bench/text.py [--json]` on a quiet machine. Prompts of about 30, 300, 3,000 and 32,000 characters are
ordinary sentences drawn with a seed, no two alike; the adversarial ones are made to cost the most that is known. Times
are milliseconds of this thread's own computing (`cpu`), which a busy machine hardly changes, and of the clock.
"""

import argparse
import json
import os
import platform
import random
import string
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version

from safelight.core.category import Stage
from safelight.core.request import Role
from safelight.evaluation.judge import one_core
from safelight.evaluation.transforms import TRANSFORMS
from safelight.signals.model import Passage, View
from safelight.signals.text.e5.encoder import Encoder
from safelight.signals.text.meaning import TextMeaning
from safelight.signals.text.normalise import load, read
from work import prompts

Figures = dict[str, float | int]
LENGTHS = {30: 100, 300: 100, 3_000: 10, 32_000: 5}
"""Characters, and how many texts of that length are asked."""
DISGUISES = ("leet_medium", "words_reversed", "base64", "emoji", "no_spaces", "leet_drawn")
BASELINE_PIECES = 80
"""What the baseline encodes at most: one window of the detector."""


def ordinary(chars: int, count: int) -> Iterator[str]:
    """`count` different texts of `chars` characters."""
    drawn = prompts(chars)
    for _ in range(count):
        text = ""
        while len(text) < chars:
            text += next(drawn) + ". "
        yield text[:chars]


def adversarial(chars: int, count: int) -> Iterator[tuple[str, list[str]]]:
    """Families of texts that cost more than their length suggests."""
    rng = random.Random(chars)
    yield "random unicode", ["".join(chr(rng.randrange(0x20, 0xD7FF)) for _ in range(chars)) for _ in range(count)]
    yield "random letters", ["".join(rng.choices(string.ascii_lowercase + "    ", k=chars)) for _ in range(count)]
    yield "random printable", ["".join(rng.choices(string.printable, k=chars)) for _ in range(count)]
    for name in DISGUISES:
        yield name, [TRANSFORMS[name](text)[:chars] for text in ordinary(chars, count)]


def timed(work: Callable[[str], object], texts: list[str]) -> Figures:
    """Median and 99th percentile of `work` over `texts`, after one to warm up."""
    work(texts[0])
    cpu, clock = [], []
    for text in texts:
        began, thread = time.perf_counter(), time.thread_time()
        work(text)
        cpu.append(1000 * (time.thread_time() - thread))
        clock.append(1000 * (time.perf_counter() - began))
    return {
        "texts": len(texts),
        "cpu_p50_ms": _at(cpu, 0.5),
        "cpu_p99_ms": _at(cpu, 0.99),
        "clock_p50_ms": _at(clock, 0.5),
        "clock_p99_ms": _at(clock, 0.99),
    }


def _at(values: list[float], share: float) -> float:
    ranked = sorted(values)
    return round(ranked[min(len(ranked) - 1, int(share * len(ranked)))], 2)


def measured() -> dict[str, Figures]:
    """Every row, by its name."""
    load()
    detector = TextMeaning()
    detector.load()
    encoder = Encoder()

    def normalise(text: str) -> object:
        return read(Passage("prompt", text, Role.USER))

    def judge(text: str) -> object:
        return detector.observe(View(Stage.INPUT, (read(Passage("prompt", text, Role.USER)),), (), 1))

    def encode(text: str) -> object:
        ids = encoder.tokenizer.cut_words(encoder.tokenizer.words(text[:1000]), {}).ids
        return encoder.states(ids[:BASELINE_PIECES])

    rows: dict[str, Figures] = {}
    for chars, count in LENGTHS.items():
        texts = list(ordinary(chars, count))
        rows[f"{chars} characters: encoder alone (baseline)"] = timed(encode, texts)
        rows[f"{chars} characters: normalise"] = timed(normalise, texts)
        rows[f"{chars} characters: judge"] = timed(judge, texts)
    for chars, count in ((300, 10), (32_000, 2)):
        for name, texts in adversarial(chars, count):
            rows[f"{chars} characters, {name}: judge"] = timed(judge, texts)
    return rows


def main() -> None:
    """Print a table, or with `--json` one object on the last line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    as_json = parser.parse_args().json
    with one_core() as alone:
        conditions = {
            "machine": platform.machine(),
            "cores": os.cpu_count(),
            "load_before": round(os.getloadavg()[0], 2),
            "one_core": alone,
            "python": platform.python_version(),
            "onnxruntime": version("onnxruntime"),
        }
        rows = measured()
    print(", ".join(f"{name}: {value}" for name, value in conditions.items()))
    for name, row in rows.items():
        print(
            f"{name:52} cpu p50 {row['cpu_p50_ms']:7} p99 {row['cpu_p99_ms']:7}  "
            f"clock p50 {row['clock_p50_ms']:7} p99 {row['clock_p99_ms']:7} ms  n={row['texts']}"
        )
    if as_json:
        print(json.dumps({"conditions": conditions, "rows": rows}))


if __name__ == "__main__":
    main()
