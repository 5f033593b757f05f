"""The way of a request, in nine steps. Nothing is released that was not observed, decided and recorded.

Rules of this module
- The steps stand in the order in which they happen; each is a call, and the comments number them.
- There is one way out with images in hand, the last line of `make`, and it stands behind the record.
- Whatever goes wrong raises a named error; no path gives up a check to give an answer.

What is left to others: bytes and texts (`normalise.py`), detectors and deadlines (`observe.py`), the rules
(`policy/`), the model (`backends/`), marks (`marks.py`), the transaction (`record.py`).
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from safelight.accounts.model import Permission
from safelight.accounts.service import Accounts, Caller
from safelight.backends.ports import Backend, CleanImage, Job, Made
from safelight.consent.service import Consents
from safelight.core.category import Stage, Verdict
from safelight.core.clock import Clock
from safelight.core.consent import Consent, Use
from safelight.core.decision import Decision
from safelight.core.errors import BackendCode, BackendFailed, BadInput, InputCode, Overloaded, SafelightError
from safelight.core.facts import Facts
from safelight.core.ids import new_id
from safelight.core.limits import Limits
from safelight.core.request import ImageRequest, Owner, Role, Subject
from safelight.core.signal import Observed
from safelight.gate.cores import Lane, TooBusy, TooLate
from safelight.gate.marks import File, Marks, source_type
from safelight.gate.metrics import Metrics
from safelight.gate.model import Outcome
from safelight.gate.normalise import view_of_outputs, view_of_request, with_earlier_words
from safelight.gate.observe import Observer
from safelight.gate.record import Recorder
from safelight.gate.release import Marked, entries, release
from safelight.lineage import model as lineage
from safelight.lineage.service import Lineage
from safelight.policy.decide import decide, still_open
from safelight.policy.model import Policy
from safelight.provenance.credentials.read import CredentialReader
from safelight.provenance.model import How, Origin, Source
from safelight.provenance.register import Entry
from safelight.signals.model import Picture, PictureRole, View

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Judged:
    """A request after step 4."""

    request_id: str
    subject: Subject
    view: View
    history: lineage.History
    facts: Facts
    observed: Observed
    decision: Decision


class Gate:
    """Stands in front of one image backend."""

    def __init__(
        self,
        *,
        accounts: Accounts,
        consents: Consents,
        lineage: Lineage,
        observer: Observer,
        policy: Policy,
        backend: Backend,
        recorder: Recorder,
        marks: Marks,
        credentials: CredentialReader,
        decoding: Lane,
        metrics: Metrics,
        limits: Limits,
        clock: Clock,
    ) -> None:
        self._accounts = accounts
        self._consents = consents
        self._lineage = lineage
        self._observer = observer
        self.policy = policy
        self._backend = backend
        self._recorder = recorder
        self._marks = marks
        self._credentials = credentials
        self._decoding = decoding
        self._metrics = metrics
        self._limits = limits
        self._clock = clock
        self._in_flight = 0

    async def check(self, request: ImageRequest, caller: Caller) -> Outcome:
        """Judge `request` without making anything. Raises SafelightError."""
        async with self._room():
            judged = await self._judge(request, caller, Permission.CHECK)  # (1) to (4)
            receipts = await self._record((judged.decision,), request, judged.subject)  # (8)
            return Outcome(judged.request_id, (judged.decision,), receipts=receipts)  # (9)

    async def make(self, request: ImageRequest, caller: Caller, *, stream: bool = False) -> Outcome:
        """Judge `request`, have it made, judge what came back. Raises SafelightError.

        With `stream`, the backend is asked for partial images too; they are checked together with the final ones.
        """
        async with self._room():
            judged = await self._judge(request, caller, Permission.MAKE)  # (1) to (4)
            if judged.decision.verdict is Verdict.REFUSE:
                receipts = await self._record((judged.decision,), request, judged.subject)
                return Outcome(judged.request_id, (judged.decision,), receipts=receipts)

            try:
                # (5) generate: the model gets the images as they were checked, not as they were sent
                made = await self._generate(request, judged.view, stream)
                # (6) observe and decide again: what came back, together with what was asked
                # … and what the person shown has agreed to by now: a withdrawal holds for what is not out yet
                consent = await self._consents.look(request, judged.subject)
                forbids_ai = judged.facts.photo_no_ai
                facts = _facts(request, judged.subject, Stage.OUTPUT, consent, judged.history, forbids_ai=forbids_ai)
                # … in the pixels that will leave: the watermark is drawn first, the files are encoded meanwhile
                view, observed, encoding = await self._observe_outputs(made, judged, facts)
                decision = self._decide(judged.request_id, facts, judged.observed + observed)
            except BaseException as error:
                await self._give_up((judged.decision,), request, judged, error)
                raise
            decisions = (judged.decision, decision)
            if decision.verdict is Verdict.REFUSE:  # a batch stops whole: a refused output leaves nothing of the others
                encoding.cancel()
                outputs = [picture.clean for picture in view.pictures]
                receipts = await self._record(decisions, request, judged.subject, outputs)
                return Outcome(judged.request_id, decisions, receipts=receipts)

            try:
                # (7) mark: each file is signed, and says of which decision it is
                marked = await self._mark(request, judged, decision, await encoding)
            except BaseException as error:
                await self._give_up(decisions, request, judged, error)
                raise
            # … and remembered: what comes back as an input brings along what was asked of it
            remembered = await self._remember(request, judged, marked)

            # (8) record: the decisions, and how each picture is found again
            outputs = [one.content for one in marked]
            register = entries(marked, remembered.ids, judged.request_id, judged.history.images, len(request.photos))
            receipts = await self._record(decisions, request, judged.subject, outputs, register, remembered)

            # (9) respond
            return release(judged.request_id, decisions, marked, made, receipts)

    async def _judge(self, request: ImageRequest, caller: Caller, permission: Permission) -> _Judged:
        # (1) admit: who asks, in which standing, with what budget
        with self._timed("admit"):
            subject = await self._accounts.admit(caller, permission)
        request_id = new_id("req", self._clock())
        # (2) normalise: one spelling of every text, one safe decoding of every image
        with self._timed("normalise"):
            view = await self._decode(lambda: view_of_request(request, self._limits))
        # … and what its makers say of each photo in its credentials
        forbids_ai = await self._decode(partial(self._forbids_ai, request)) if request.photos else False
        # … and what was asked of these pictures before, where they were made here
        with self._timed("lineage"):
            history = await self._lineage.look(_photos(request, view), subject)
            if history.words:
                view = await self._decode(partial(with_earlier_words, view, history.words))
        # (3) observe: every detector, side by side, under one deadline
        with self._timed("observe"):
            observed = await self._observer.observe(view) + history.observed
        # (4) decide: a pure function of what was observed, the circumstances and the time
        consent = await self._consents.look(request, subject)
        facts = _facts(request, subject, Stage.INPUT, consent, history, forbids_ai=forbids_ai)
        decision = self._decide(request_id, facts, observed)
        return _Judged(request_id, subject, view, history, facts, observed, decision)

    async def _generate(self, request: ImageRequest, view: View, stream: bool) -> Made:
        job = Job(
            operation=request.operation,
            prompt=request.prompt,
            photos=tuple(_clean(p) for p in view.pictures if p.role is PictureRole.PHOTO),
            mask=next((_clean(p) for p in view.pictures if p.role is PictureRole.MASK), None),
            count=request.count,
            options=request.options,
        )
        with self._timed("generate"):
            try:
                async with asyncio.timeout(self._limits.backend_timeout_s):
                    made = await self._backend.make(job, stream=stream)
            except TimeoutError as error:
                seconds = self._limits.backend_timeout_s
                message = f"The image model did not answer within {seconds:g} s; try again."
                raise BackendFailed(message, code=BackendCode.TIMEOUT) from error
            except SafelightError:
                raise
            except Exception as error:  # a backend may be anybody's: what it raises is its failure, not the gate's
                message = f"The image model failed ({type(error).__name__}); nothing was released."
                raise BackendFailed(message) from error
        if not 1 <= len(made.images) <= request.count:
            message = f"The image model answered with {len(made.images)} images."
            raise BackendFailed(message, code=BackendCode.ANSWER_INVALID)
        return made

    async def _observe_outputs(
        self, made: Made, judged: _Judged, facts: Facts
    ) -> tuple[View, Observed, "asyncio.Task[list[File]]"]:
        texts = [text for text in made.revised_prompts if text]
        with self._timed("observe_outputs"):
            try:
                view = await self._decode(
                    lambda: view_of_outputs(made.images, made.partials, texts, judged.view, self._limits)
                )
            except BadInput as error:
                if error.code == InputCode.IMAGE_TOO_SLOW:  # nobody's fault but this machine's: it has no time now
                    raise Overloaded("The image could not be checked in time; try again.", retry_after_s=5) from error
                # the model's fault, not the asker's
                message = f"The image model's answer could not be checked: {error.message}"
                raise BackendFailed(message, code=BackendCode.ANSWER_INVALID) from error
        with self._timed("watermark"):
            view, drafts = await self._marks.ink((*made.images, *made.partials), view)
        encoding = asyncio.create_task(self._marks.files(drafts))
        with self._timed("observe_outputs"):
            try:
                # A clean output settles most rules at the first look; whoever could change nothing is not asked.
                observed = await self._observer.observe(
                    view, lambda seen, unasked: still_open(self.policy, facts, judged.observed + seen, unasked)
                )
            except BaseException:
                encoding.cancel()
                raise
        return view, observed, encoding

    async def _mark(
        self, request: ImageRequest, judged: _Judged, decision: Decision, files: Sequence[File]
    ) -> list[Marked]:
        now = self._clock()
        how = How.EDITED if request.photos else How.CREATED
        sources = tuple(Source(photo.content, source_type(photo.content)) for photo in request.photos)
        origins = [
            Origin(
                output_id=new_id("pic", now),
                request_id=judged.request_id,
                decision_id=decision.id,
                policy_version=decision.policy_version,
                how=how,
                model=self._backend.name,
                at=now,
                sources=sources,
            )
            for _ in files
        ]
        with self._timed("credentials"):
            contents = await self._marks.seal(files, origins)
        return [Marked(*one) for one in zip(contents, files, origins, strict=True)]

    async def _give_up(
        self, decisions: tuple[Decision, ...], request: ImageRequest, judged: _Judged, error: BaseException
    ) -> None:
        """Nothing can be released any more, but what was decided is kept."""
        await self._record(decisions, request, judged.subject)
        if isinstance(error, SafelightError):
            error.request_id = judged.request_id

    async def _remember(self, request: ImageRequest, judged: _Judged, marked: Sequence[Marked]) -> lineage.Draft:
        with self._timed("lineage"):
            return await self._lineage.draft(
                [lineage.Made(one.content, one.file.picture.frames[0]) for one in marked],
                judged.subject,
                before=judged.history,
                words=[turn.text for turn in request.turns if turn.role is Role.USER and turn.text],
                signals=judged.observed.signals,
            )

    def _forbids_ai(self, request: ImageRequest) -> bool:
        return any(
            self._credentials.read(photo.content, source_type(photo.content)).forbids_ai for photo in request.photos
        )

    async def _decode(self, work: Callable[[], T]) -> T:
        deadline = asyncio.get_running_loop().time() + self._limits.decode_deadline_s
        try:
            return await self._decoding.run(work, deadline=deadline)
        except TooLate as error:
            seconds = self._limits.decode_deadline_s
            raise BadInput(InputCode.IMAGE_TOO_SLOW, f"Reading this request took more than {seconds:g} s.") from error
        except TooBusy as error:
            raise Overloaded("Every decoder is busy; try again soon.", retry_after_s=5) from error

    def _decide(self, request_id: str, facts: Facts, observed: Observed) -> Decision:
        now = self._clock()
        decision = decide(
            self.policy,
            decision_id=new_id("dec", now),
            request_id=request_id,
            facts=facts,
            observed=observed,
            now=now,
        )
        category = decision.category.value if decision.category else "none"
        self._metrics.decisions.labels(decision.stage.value, decision.verdict.value, category).inc()
        return decision

    async def _record(
        self,
        decisions: tuple[Decision, ...],
        request: ImageRequest,
        subject: Subject,
        outputs: Sequence[bytes] = (),
        register: Sequence[Entry] = (),
        remembered: lineage.Draft = lineage.NOTHING,
    ) -> tuple[str, ...]:
        with self._timed("record"):
            return await self._recorder.record(decisions, request, subject, outputs, register, remembered)

    @asynccontextmanager
    async def _room(self) -> AsyncIterator[None]:
        """A place inside the gate. Raises Overloaded when there is none."""
        if self._in_flight >= self._limits.in_flight_max_count:
            raise Overloaded("The gate is full; try again soon.", retry_after_s=2)
        self._in_flight += 1
        self._metrics.in_flight.inc()
        try:
            yield
        finally:
            self._in_flight -= 1
            self._metrics.in_flight.dec()

    @contextmanager
    def _timed(self, step: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self._metrics.step_seconds.labels(step).observe(time.perf_counter() - start)


def _photos(request: ImageRequest, view: View) -> list[tuple[bytes, NDArray[np.uint8]]]:
    """Of each photo the file as it was sent, and its first frame."""
    frames = [picture.frames[0] for picture in view.pictures if picture.role is PictureRole.PHOTO]
    return [(photo.content, frame) for photo, frame in zip(request.photos, frames, strict=True)]


def _facts(
    request: ImageRequest,
    subject: Subject,
    stage: Stage,
    consent: Consent,
    history: lineage.History,
    *,
    forbids_ai: bool,
) -> Facts:
    owners = {photo.owner for photo in request.photos}
    return Facts(
        stage=stage,
        operation=request.operation,
        surface=request.surface,
        standing=subject.standing,
        photos=len(request.photos),
        # The most doubtful owner stands for all: one photo of somebody else makes it a matter of somebody else.
        photo_owner=next(
            (owner for owner in (Owner.OTHER, Owner.UNKNOWN, Owner.SELF) if owner in owners), Owner.UNKNOWN
        ),
        has_mask=request.mask is not None,
        turns=len(request.turns),
        consent=consent.state,
        consent_swimwear=Use.SWIMWEAR in consent.uses,
        consent_lingerie=Use.LINGERIE in consent.uses,
        consent_nudity_artistic=Use.NUDITY_ARTISTIC in consent.uses,
        edits_before=history.edits,
        photo_no_ai=forbids_ai,
    )


def _clean(picture: Picture) -> CleanImage:
    return CleanImage(picture.clean, picture.media_type)
