"""Every detector that is asked answers or is missing with a reason, in time, whatever it does."""

import asyncio
import threading
import time

import pytest

from safelight.core.category import Stage
from safelight.core.signal import MissingReason, Observed, Signal, SignalKind, SignalSpec
from safelight.gate.cores import Cores
from safelight.gate.metrics import Metrics
from safelight.gate.observe import Observer
from safelight.signals.model import Found, Passage, Reading, ReadText, View
from tests.detectors import ScriptedDetector, raises, sleeps

RISK = SignalSpec("text_risk", SignalKind.SCORE, "A risk.", 0.0)
PHOTO = SignalSpec("photo_risk", SignalKind.SCORE, "A risk.", 0.0)
OUTPUT = SignalSpec("output_risk", SignalKind.SCORE, "A risk.", 0.0)
TEXT = View(Stage.INPUT, (ReadText(Passage("prompt", "a red bus"), (Reading("plain", "a red bus"),)),))
DEADLINE_S = 0.3


def scripted(name: str, value: object = 0.7, spec: SignalSpec = RISK, **more: object) -> ScriptedDetector:
    return ScriptedDetector(name, (spec,), {spec.name: value}, **more)  # type: ignore[dict-item, arg-type]


def observe(*detectors: ScriptedDetector, times: int = 1, view: View = TEXT) -> list[Observed]:
    async def run() -> list[Observed]:
        observer = Observer(detectors, Cores(2), Metrics(), deadline_s=DEADLINE_S)
        await observer.load()
        seen = [await observer.observe(view) for _ in range(times)]
        observer.close()
        return seen

    return asyncio.run(run())


def test_all_that_answer_are_heard() -> None:
    (seen,) = observe(scripted("text_one", 0.2), scripted("text_two", 0.9))
    assert sorted(signal.value for signal in seen.signals) == [0.2, 0.9]
    assert seen.asked == seen.answered == ("text_one", "text_two")
    assert seen.missing == ()


def test_whoever_takes_longest_is_asked_first_and_heard_in_its_place() -> None:
    started: list[str] = []

    def noted(name: str, seconds: float) -> ScriptedDetector:
        def start() -> None:
            started.append(name)
            time.sleep(seconds)

        return scripted(name, before=start)

    detectors = [noted("text_short", 0.0), noted("text_long", 0.02), noted("text_middle", 0.01)]

    async def run() -> list[Observed]:
        observer = Observer(detectors, Cores(1), Metrics(), deadline_s=DEADLINE_S)
        seen = [await observer.observe(TEXT) for _ in range(2)]
        observer.close()
        return seen

    first, second = asyncio.run(run())
    assert started == ["text_short", "text_long", "text_middle", "text_long", "text_middle", "text_short"]
    assert second.signals == first.signals


def test_a_detector_with_nothing_to_look_at_is_not_missing() -> None:
    (seen,) = observe(scripted("text_one"), scripted("image_one", spec=PHOTO))
    assert seen.asked == ("text_one",)
    assert seen.missing == ()


@pytest.mark.parametrize(
    ("detector", "reason"),
    [
        (scripted("text_bad", before=raises), MissingReason.ABSENT),
        (scripted("text_bad", fit=False), MissingReason.ABSENT),
        (scripted("text_bad", 1.5), MissingReason.BROKEN),
        (scripted("text_bad", float("nan")), MissingReason.BROKEN),
        (scripted("text_bad", True), MissingReason.BROKEN),
        (scripted("text_bad", "high"), MissingReason.BROKEN),
    ],
    ids=["fails its self-check", "does not load", "over its range", "not a number", "a flag for a score", "a word"],
)
def test_what_cannot_be_trusted_is_missing_and_the_rest_is_heard(
    detector: ScriptedDetector, reason: MissingReason
) -> None:
    (seen,) = observe(detector, scripted("text_good"))
    assert [(m.source, m.signals, m.reason) for m in seen.missing] == [("text_bad", ("text_risk",), reason)]
    assert [signal.source for signal in seen.signals] == ["text_good@1"]
    assert seen.answered == ("text_good",)


def test_a_signal_that_was_not_declared_is_no_answer() -> None:
    class Liar(ScriptedDetector):
        def observe(self, view: View) -> Found:
            return Found((Signal("text_safe", 0.0, "liar@1", "prompt"),))

    (seen,) = observe(Liar("text_liar", (RISK,)))
    assert [missing.reason for missing in seen.missing] == [MissingReason.BROKEN]


def test_a_late_detector_is_missing_at_the_deadline() -> None:
    slow = scripted("text_slow")

    async def run() -> tuple[Observed, float]:
        observer = Observer([slow], Cores(2), Metrics(), deadline_s=DEADLINE_S)
        await observer.load()
        slow.before = sleeps(3 * DEADLINE_S)
        start = time.monotonic()
        seen = await observer.observe(TEXT)
        took = time.monotonic() - start
        observer.close()
        return seen, took

    seen, took = asyncio.run(run())
    assert [missing.reason for missing in seen.missing] == [MissingReason.LATE]
    assert took < 2.5 * DEADLINE_S  # it did not wait for the answer


def test_a_detector_that_hangs_holds_up_no_other_and_is_not_asked_without_end() -> None:
    hanging, good = scripted("text_hangs"), scripted("text_good")
    release = threading.Event()

    async def run() -> list[Observed]:
        observer = Observer([hanging, good], Cores(2), Metrics(), deadline_s=DEADLINE_S)
        await observer.load()
        hanging.before = lambda: release.wait(20)
        seen = [await observer.observe(TEXT) for _ in range(4)]
        assert "text_hangs" in await observer.troubles()
        release.set()
        await asyncio.sleep(0.1)
        assert await observer.troubles() == {}
        seen.append(await observer.observe(TEXT))
        observer.close()
        return seen

    seen = asyncio.run(run())
    reasons = [one.missing[0].reason for one in seen[:4]]
    assert reasons == [MissingReason.LATE, MissingReason.LATE, MissingReason.BUSY, MissingReason.BUSY]
    assert all(one.answered == ("text_good",) for one in seen[:4])
    assert seen[4].missing == ()


def test_a_detector_for_which_no_core_came_free_is_late_and_not_said_to_hang() -> None:
    slow, waiting = scripted("text_first"), scripted("text_second")
    release = threading.Event()

    async def run() -> tuple[Observed, dict[str, str]]:
        observer = Observer([slow, waiting], Cores(1), Metrics(), deadline_s=DEADLINE_S)
        await observer.load()
        slow.before = waiting.before = lambda: release.wait(20)
        seen, troubles = await observer.observe(TEXT), await observer.troubles()
        release.set()
        observer.close()
        return seen, troubles

    seen, troubles = asyncio.run(run())
    assert [one.reason for one in seen.missing] == [MissingReason.LATE, MissingReason.LATE]
    assert "no core came free" in "".join(troubles.values())


def test_trouble_ends_with_the_next_answer() -> None:
    detector = scripted("text_one")

    async def run() -> None:
        observer = Observer([detector], Cores(2), Metrics(), deadline_s=DEADLINE_S)
        await observer.load()
        detector.before = raises
        await observer.observe(TEXT)
        assert await observer.troubles() == {"text_one": "raised RuntimeError"}
        detector.before = lambda: None
        await observer.observe(TEXT)
        assert await observer.troubles() == {}
        observer.close()

    asyncio.run(run())


def test_text_read_out_of_a_picture_is_handed_to_the_text_detectors() -> None:
    class Reader(ScriptedDetector):
        def wants(self, view: View) -> bool:
            return view is TEXT

        def observe(self, view: View) -> Found:
            return Found(passages=(Passage("photo 1 text", "a blue bus"),))

    class Listener(ScriptedDetector):
        def observe(self, view: View) -> Found:
            heard = {text.passage.text for text in view.texts}
            return Found((Signal("text_risk", 0.9 if "a blue bus" in heard else 0.1, "text_two@1", "prompt"),))

    (seen,) = observe(Reader("image_text", (PHOTO,)), Listener("text_two", (RISK,)))
    assert [signal.value for signal in seen.signals] == [0.1, 0.9]
    assert seen.asked == ("image_text", "text_two")


def test_what_is_owed_depends_on_the_stage() -> None:
    both = ScriptedDetector("text_both", (RISK, PHOTO, OUTPUT), fit=False)
    (at_input,) = observe(both)
    (at_output,) = observe(both, view=View(Stage.OUTPUT, TEXT.texts))
    assert at_input.missing[0].signals == ("photo_risk", "text_risk")
    assert at_output.missing[0].signals == ("output_risk", "text_risk")


def test_whoever_could_change_nothing_is_not_asked() -> None:
    first, needed, idle = (
        scripted("text_first"),
        scripted("text_needed", spec=PHOTO),
        scripted("text_idle", spec=OUTPUT),
    )
    heard: list[frozenset[str]] = []

    def still_open(seen: Observed, unasked: frozenset[str]) -> frozenset[str]:
        assert seen.answered == ("text_first",)
        heard.append(unasked)
        return frozenset({"photo_risk"})

    async def run() -> Observed:
        posts = [first, needed, idle]
        observer = Observer(posts, Cores(2), Metrics(), deadline_s=DEADLINE_S, first=frozenset({"text_first"}))
        await observer.load()
        seen = await observer.observe(TEXT, still_open)
        observer.close()
        return seen

    seen = asyncio.run(run())
    assert heard == [frozenset({"photo_risk"})]  # at the input stage nobody owes an output signal
    assert (seen.asked, idle.asked) == (("text_first", "text_needed"), 0)
