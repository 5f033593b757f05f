"""Steps 3 and 6: all detectors side by side, under one deadline.

Rules of this module
- Every detector that has something to look at is asked. Each answers, or is Missing with a reason; none is forgotten.
- Only where the caller can tell which signals still matter (`StillOpen`) are there two rounds: first those named in
  `first`, then whoever owes a signal that could still change the decision. Whoever owes none is not asked.
- Whoever has taken longest of late is asked first, so that no core is left idle beside a long look at the end.
- Text that a detector reads out of a picture goes through the normaliser and to the text detectors, in a second round
  under the same deadline.
- A detector that failed is not trusted again until it has answered once or passed `verify()`; until then `ready` is
  false. It is still asked: refusing to look would make the failure worse.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import structlog

from safelight.core.category import Stage
from safelight.core.errors import DetectorUnfit
from safelight.core.signal import Missing, MissingReason, Observed, Signal, SignalSpec, Vocabulary
from safelight.gate.cores import Cores, Lane, NoCoreFree, TooBusy, TooLate
from safelight.gate.metrics import Metrics
from safelight.policy.values import is_valid
from safelight.signals.model import Found, Passage, ReadText, View
from safelight.signals.ports import Detector
from safelight.signals.text.normalise import read

log = structlog.get_logger()


_LATEST_WEIGHT = 0.1
"""Of the latest look in what a detector is taken to cost."""

StillOpen = Callable[[Observed, frozenset[str]], frozenset[str]]
"""Given what was observed and the names of signals that nobody was asked for: which of those could still matter."""


@dataclass(slots=True)
class _Post:
    """One detector at its post."""

    detector: Detector
    lane: Lane
    specs: dict[str, SignalSpec]
    trouble: str = ""
    """Why it is not to be trusted now; empty when it is."""
    is_loaded: bool = True
    cost_s: float = 0.0
    """Seconds that it has held a core of late."""

    def look(self, view: View) -> Found:
        """Ask the detector, and note what it cost."""
        start = time.perf_counter()
        found = self.detector.observe(view)
        self.cost_s += (time.perf_counter() - start - self.cost_s) * _LATEST_WEIGHT
        return found


class Observer:
    """Runs the detectors."""

    def __init__(
        self,
        detectors: Sequence[Detector],
        cores: Cores,
        metrics: Metrics,
        *,
        deadline_s: float,
        first: frozenset[str] = frozenset(),
    ) -> None:
        self._first = first
        self._metrics = metrics
        self._deadline_s = deadline_s
        self._posts = [_Post(d, cores.lane(d.name), {s.name: s for s in d.emits}) for d in detectors]
        self._reading = cores.lane("read")
        self.vocabulary = Vocabulary.of(spec for d in detectors for spec in d.emits)

    async def load(self) -> dict[str, float]:
        """Load and verify every detector; what fails is noted, not raised. Returns the seconds that each took.

        The service starts with a broken detector, is not ready, and refuses: an operator sees which one and why.
        """
        seconds: dict[str, float] = {}
        for post in self._posts:
            await asyncio.sleep(0)  # between two of them a service that is told to stop hears it
            start = time.perf_counter()
            try:
                post.detector.load()
                post.detector.verify()
            except Exception as error:  # noqa: BLE001 (a stranger's plugin may raise anything; it is reported)
                post.is_loaded = False
                post.trouble = f"{type(error).__name__}: {error}"
                log.error("detector_unfit", detector=post.detector.name, trouble=post.trouble)  # noqa: TRY400 (no locals in logs)
            seconds[post.detector.name] = time.perf_counter() - start
        return seconds

    async def observe(self, view: View, still_open: StillOpen | None = None) -> Observed:
        """Everything that matters of `view`, within the deadline. Never raises for a detector's failure."""
        deadline = asyncio.get_running_loop().time() + self._deadline_s
        posts = self._wanting(view)
        observed = Observed()
        early: tuple[Passage, ...] = ()
        if still_open:
            first = [post for post in posts if post.detector.name in self._first]
            observed, early = await self._round(first, view, deadline)
            posts = [post for post in posts if post not in first]
            unasked = frozenset(name for post in posts for name in _owed(post, view.stage))
            matter = still_open(observed, unasked)
            posts = [post for post in posts if not matter.isdisjoint(_owed(post, view.stage))]
        rest, late = await self._round(posts, view, deadline)
        observed += rest
        if passages := early + late:
            texts = await self._read(passages, deadline)
            if isinstance(texts, Missing):
                return observed + Observed(missing=(texts,), asked=(texts.source,))
            found_texts = replace(view, texts=texts, pictures=())
            from_pictures, _ = await self._round(self._wanting(found_texts), found_texts, deadline)
            observed += from_pictures
        return observed

    async def troubles(self) -> dict[str, str]:
        """Which detectors cannot be trusted now, and why. Those in trouble are verified anew."""
        await asyncio.gather(*(self._verify(post) for post in self._posts if post.trouble and post.is_loaded))
        return {post.detector.name: post.trouble for post in self._posts if post.trouble}

    def close(self) -> None:
        """Let go of the threads."""
        for lane in (*(post.lane for post in self._posts), self._reading):
            lane.close()

    def _wanting(self, view: View) -> list[_Post]:
        """Whoever has something to look at; one that cannot even tell is asked, and will be found broken."""
        return [post for post in self._posts if _wants(post, view)]

    async def _read(self, passages: tuple[Passage, ...], deadline: float) -> tuple[ReadText, ...] | Missing:
        """The readings of text from pictures, or Missing for every text signal when there is no time for them."""
        try:
            return await self._reading.run(lambda: tuple(map(read, passages)), deadline=deadline)
        except (TooLate, TooBusy):
            names = tuple(sorted(name for name in self.vocabulary.specs if name.startswith("text_")))
            return Missing("normaliser", names, MissingReason.LATE)

    async def _round(self, posts: Sequence[_Post], view: View, deadline: float) -> tuple[Observed, tuple[Passage, ...]]:
        """Ask `posts` side by side. Returns what they said, and the text that they read out of pictures."""
        longest_first = sorted(range(len(posts)), key=lambda index: -posts[index].cost_s)
        came = await asyncio.gather(*(self._ask(posts[index], view, deadline) for index in longest_first))
        answers = [answer for _, answer in sorted(zip(longest_first, came, strict=True), key=lambda pair: pair[0])]
        signals: list[Signal] = []
        missing: list[Missing] = []
        passages: list[Passage] = []
        for post, answer in zip(posts, answers, strict=True):
            if isinstance(answer, MissingReason):
                missing.append(Missing(post.detector.name, _owed(post, view.stage), answer))
            else:
                signals.extend(answer.signals)
                passages.extend(answer.passages)
        absent = {m.source for m in missing}
        observed = Observed(
            signals=tuple(signals),
            missing=tuple(missing),
            asked=tuple(sorted(post.detector.name for post in posts)),
            answered=tuple(sorted(post.detector.name for post in posts if post.detector.name not in absent)),
        )
        return observed, tuple(passages)

    async def _ask(self, post: _Post, view: View, deadline: float) -> Found | MissingReason:
        if not post.is_loaded:
            return self._missed(post, MissingReason.ABSENT)
        start = time.perf_counter()
        try:
            found = await post.lane.run(lambda: post.look(view), deadline=deadline)
            _check(post, found)
        except TooLate:
            post.trouble = f"no answer within {self._deadline_s:g} s"
            return self._missed(post, MissingReason.LATE)
        except NoCoreFree:
            post.trouble = f"no core came free within {self._deadline_s:g} s"
            return self._missed(post, MissingReason.LATE)
        except TooBusy:
            post.trouble = "every thread is held by an earlier request"
            return self._missed(post, MissingReason.BUSY)
        except Exception as error:  # noqa: BLE001 (whatever it raised, it did not answer: that is Missing, never a pass)
            # The message of a stranger's exception may quote the text it failed on: only the type is logged.
            post.trouble = f"raised {type(error).__name__}"
            return self._missed(post, MissingReason.BROKEN)
        self._metrics.detector_seconds.labels(post.detector.name).observe(time.perf_counter() - start)
        post.trouble = ""
        return found

    async def _verify(self, post: _Post) -> None:
        try:
            # A self-check slower than a request may be is no sign of health.
            deadline = asyncio.get_running_loop().time() + self._deadline_s
            await post.lane.run(post.detector.verify, deadline=deadline)
        except (TooLate, TooBusy, DetectorUnfit) as error:
            post.trouble = str(error) or post.trouble
        except Exception as error:  # noqa: BLE001 (as above: whatever it raised, it is not fit)
            post.trouble = f"raised {type(error).__name__}"
        else:
            post.trouble = ""

    def _missed(self, post: _Post, reason: MissingReason) -> MissingReason:
        log.error("detector_missing", detector=post.detector.name, reason=reason.value, trouble=post.trouble)
        self._metrics.detector_missing.labels(post.detector.name, reason.value).inc()
        return reason


def _wants(post: _Post, view: View) -> bool:
    try:
        return post.detector.wants(view)
    except Exception:  # noqa: BLE001 (as in `_ask`: a stranger's detector that breaks is asked, and told missing there)
        return True


def _owed(post: _Post, stage: Stage) -> tuple[str, ...]:
    """The names that this detector answers for at this stage: nothing came back yet at the input stage."""
    other = "photo_" if stage is Stage.OUTPUT else "output_"
    return tuple(sorted(name for name in post.specs if not name.startswith(other)))


def _check(post: _Post, found: Found) -> None:
    """Raises ValueError for a signal that the detector had not declared, or a value outside its kind."""
    for signal in found.signals:
        spec = post.specs.get(signal.name)
        if spec is None or not is_valid(spec, signal.value):
            raise ValueError(f"undeclared signal {signal.name!r}, or a value outside its kind")
