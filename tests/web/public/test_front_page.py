"""Whoever types the service's address is told its doors, and no door that is shut."""

import re

from tests.service import Service


def test_every_door_that_is_named_opens(service: Service) -> None:
    with service.http(follow_redirects=True) as http:
        page = http.get("/")
        doors = re.findall(r'<a href="(/[^"]*)"', page.text)
        answers = {door: http.get(door).status_code for door in doors}
    assert {"/report", "/verify", "/ledger", "/console"} <= set(answers)
    assert set(answers.values()) == {200}
    assert "/try" not in answers, "it is served only where the settings say so"
