"""The console of a running Safelight: there without a setting, at the address that the settings say."""

from pathlib import Path

from safelight.accounts.permissions import Role
from safelight.accounts.staff import add_member
from safelight.accounts.staff_sessions import SessionRules, sign_in
from safelight.backends.memory import MemoryBackend
from safelight.core.clock import utc_now
from tests.detectors import scripted_detectors
from tests.service import serving


def test_a_running_safelight_has_a_console(tmp_path: Path) -> None:
    detectors = list(scripted_detectors().values())
    with (
        serving(tmp_path, detectors=detectors, backend=MemoryBackend(), port=8484, shift_cap_points=7) as service,
        service.http() as http,
    ):
        page = http.get("/console/", follow_redirects=True)
        assert (page.status_code, page.url.path) == (200, "/console/sign-in")
        assert "http://localhost:8484/console" in page.text, "it says where passkeys work"
        member = service.sql(lambda c: add_member(c, "Ada", Role.SENIOR, by="machine", now=utc_now()))
        session = service.sql(lambda c: sign_in(c, None, member, how="test", rules=SessionRules(), now=utc_now()))
        http.cookies.set("safelight_console", session.token)
        assert "of 7 points" in http.get("/console/queue").text
        assert http.get("/console/figures.json").json()["all"]["reports"] == 0
