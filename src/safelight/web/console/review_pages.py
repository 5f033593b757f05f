"""Second looks: a case that was decided, shown without its decision, its history, its letters and its state.

What the second person answers changes nothing about the case; it is compared, and told as agreement in the figures.
"""

from starlette.responses import Response

from safelight.accounts.staff_reviews import answer_review, count_waiting, find_review, next_review
from safelight.accounts.staff_welfare import WelfareRules, exposure_of
from safelight.cases.service import Cases
from safelight.core.errors import BadInput, InputCode
from safelight.web.console.case_pages import CasePages, numbered
from safelight.web.console.case_view import staff_of
from safelight.web.console.door import Door, Visit


class ReviewPages:
    """Second looks of one Safelight."""

    def __init__(self, door: Door, cases: Cases, case_pages: CasePages, welfare: WelfareRules) -> None:
        self._door = door
        self._cases = cases
        self._case_pages = case_pages
        self._welfare = welfare

    async def page(self, visit: Visit) -> Response:
        """The oldest case that waits for this member's second look."""
        review, waiting, exposure = await self._door.database.read(
            lambda c: (
                next_review(c, visit.member),
                count_waiting(c, visit.member),
                exposure_of(c, visit.member, self._welfare, visit.now),
            )
        )
        if exposure.on_break_since:
            return self._door.go("/break")
        if review is None:
            return self._door.show("review_none.html", visit)
        view = await self._cases.open(staff_of(visit.member), review.case_id)
        return self._door.show(
            "review.html",
            visit,
            **self._case_pages.around(visit, view, exposure),
            review=review,
            waiting=waiting,
            choices=numbered(view.allowed_reasons),
        )

    async def answer(self, visit: Visit) -> Response:
        """Keep the answer and show the next one. Raises BadInput, NotAllowed."""
        review_id, answer = visit.request.path_params["review_id"], visit.form.get("choice", "")
        review = await self._door.database.read(lambda c: find_review(c, visit.member, review_id))
        view = await self._cases.open(staff_of(visit.member), review.case_id)
        known = {f"{outcome}/{reason}" for outcome, reasons in view.allowed_reasons.items() for reason in reasons}
        if answer not in known:
            raise BadInput(InputCode.FIELD_MISSING, "Choose how you would decide.", param="choice")
        await self._door.database.write(lambda c: answer_review(c, visit.member, review_id, answer, visit.now))
        return self._door.go("/review")
