"""The console as a whole: its parts put together, and every route with the permission that it asks for.

Who may do what with a case in its present state is `cases/`' to say: pages show the actions that it names, and every
button comes back through it. What a route asks for here is only what somebody must have to see the page at all.
"""

from dataclasses import dataclass, field

from starlette.responses import Response
from starlette.routing import Route

from safelight.accounts.permissions import StaffPermission as P
from safelight.accounts.permissions import may
from safelight.accounts.staff_oidc import Oidc
from safelight.accounts.staff_sessions import SessionRules
from safelight.accounts.staff_welfare import WelfareRules
from safelight.cases.service import Cases
from safelight.core.clock import Clock
from safelight.store.database import Database
from safelight.web.console.case_pages import CasePages
from safelight.web.console.door import PREFIX, Door, Page, Visit
from safelight.web.console.figures_page import FiguresPage
from safelight.web.console.member_pages import MemberPages
from safelight.web.console.pictures import PictureSource
from safelight.web.console.queue_page import QueuePage
from safelight.web.console.review_pages import ReviewPages
from safelight.web.console.sign_in import SignInPages
from safelight.web.console.staff_page import StaffPage


@dataclass(frozen=True, slots=True)
class ConsoleRules:
    """What the operator chose."""

    address: str
    """Where browsers find the console, without a slash at the end."""
    sessions: SessionRules = field(default_factory=SessionRules)
    welfare: WelfareRules = field(default_factory=WelfareRules)
    second_look_share: float = 0.05


class Console:
    """The console over one running Safelight."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        cases: Cases,
        pictures: PictureSource,
        rules: ConsoleRules,
        draw_secret: bytes,
        oidc: Oidc | None = None,
    ) -> None:
        """Raises NotStartable for an address at which no session would be safe. `draw_secret` says what is drawn."""
        self._door = door = Door(database, clock, rules.address, rules.sessions)
        self._sign_in = SignInPages(door, oidc)
        self._queue = QueuePage(door, cases, rules.welfare)
        self._case = CasePages(door, cases, pictures, rules.welfare, draw_secret, rules.second_look_share)
        self._review = ReviewPages(door, cases, self._case, rules.welfare)
        self._figures = FiguresPage(door, cases)
        self._member = MemberPages(door, cases, rules.welfare)
        self._staff = StaffPage(door)

    def routes(self) -> list[Route]:
        """Every route of the console."""
        guard = self._door.guard
        case = f"{PREFIX}/cases/{{case_id}}"
        asked: list[tuple[str, str, Page, P | None]] = [
            ("GET", f"{PREFIX}/", self.first_page, None),
            ("GET", f"{PREFIX}/queue", self._queue.page, P.QUEUE_READ),
            ("POST", f"{PREFIX}/next", self._queue.next, P.CASE_CLAIM),
            ("GET", case, self._case.page, P.CASE_READ),
            ("GET", f"{case}/picture/{{number:int}}", self._case.picture, P.MEDIA_VIEW),
            ("POST", f"{case}/show", self._case.show, P.MEDIA_VIEW),
            ("POST", f"{case}/claim", self._case.claim, P.CASE_CLAIM),
            ("POST", f"{case}/release", self._case.release, P.CASE_READ),
            ("POST", f"{case}/hide", self._case.hide, P.CASE_DECIDE),
            ("POST", f"{case}/note", self._case.note, P.CASE_CLAIM),
            ("POST", f"{case}/place", self._case.place, P.CASE_CLAIM),
            ("POST", f"{case}/preview", self._case.preview, P.CASE_READ),
            ("POST", f"{case}/decide", self._case.decide, P.CASE_READ),
            ("POST", f"{case}/second", self._case.second, P.CASE_SECOND),
            ("POST", f"{case}/undo", self._case.undo, P.CASE_UNDO),
            ("GET", f"{PREFIX}/review", self._review.page, P.REVIEW_BLIND),
            ("POST", f"{PREFIX}/review/{{review_id}}", self._review.answer, P.REVIEW_BLIND),
            ("GET", f"{PREFIX}/undelivered", self._queue.undelivered, P.CASE_FREE),
            ("POST", f"{PREFIX}/undelivered/{{effect_id}}", self._queue.retry, P.CASE_FREE),
            ("GET", f"{PREFIX}/figures", self._figures.page, P.FIGURES_READ),
            ("GET", f"{PREFIX}/figures.json", self._figures.json, P.FIGURES_READ),
            ("GET", f"{PREFIX}/me", self._member.page, None),
            ("POST", f"{PREFIX}/me/opt-out", self._member.opt_out, None),
            ("POST", f"{PREFIX}/me/passkey/begin", self._member.passkey_begin, None),
            ("POST", f"{PREFIX}/me/passkey/finish", self._member.passkey_finish, None),
            ("POST", f"{PREFIX}/me/passkey/remove", self._member.passkey_remove, None),
            ("POST", f"{PREFIX}/break/begin", self._member.begin_break, None),
            ("POST", f"{PREFIX}/break/end", self._member.end_break, None),
            ("GET", f"{PREFIX}/break", self._member.break_page, None),
            ("GET", f"{PREFIX}/staff", self._staff.page, P.MEMBER_READ),
            ("POST", f"{PREFIX}/staff/add", self._staff.add, P.MEMBER_WRITE),
            ("POST", f"{PREFIX}/staff/{{member_id}}/link", self._staff.link, P.MEMBER_WRITE),
            ("POST", f"{PREFIX}/staff/{{member_id}}/role", self._staff.role, P.MEMBER_WRITE),
            ("POST", f"{PREFIX}/staff/{{member_id}}/end", self._staff.end, P.MEMBER_WRITE),
        ]
        return [
            *self._sign_in.routes(),
            *(Route(path, guard(page, permission), methods=[method]) for method, path, page, permission in asked),
            Route(f"{PREFIX}/{{rest:path}}", guard(self.missing, None), methods=["GET"]),
        ]

    async def missing(self, visit: Visit) -> Response:
        """A page that is not there, in words and with a way on."""
        message = "There is no such page here."
        return self._door.show("error.html", visit, 404, message=message, code="", way_back=f"{PREFIX}/")

    async def first_page(self, visit: Visit) -> Response:
        """The queue, or what else somebody may see."""
        for permission, path in ((P.QUEUE_READ, "/queue"), (P.MEMBER_READ, "/staff")):
            if may(visit.member.role, permission):
                return self._door.go(path)
        return self._door.go("/me")
