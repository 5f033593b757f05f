"""Letters say what was done and by whom, and no more (DSA Art. 17(3)(c)): who looked, what is ordered or found."""

import pytest

from safelight.cases.draft import Matter
from tests.cases.house import KEEP, MODERATOR, OTHER_MODERATOR, SENIOR, House, report
from tests.cases.test_decisions import CHILD, account_receipt


@pytest.mark.parametrize("looks", [True, False])
def test_a_letter_says_that_somebody_looked_where_they_did(home: House, *, looks: bool) -> None:
    receipt = home.run(home.cases.receive(report(), "here"))
    home.run(home.cases.view(OTHER_MODERATOR, receipt.case_id))  # who decides nothing
    if looks:
        home.run(home.cases.view(MODERATOR, receipt.case_id))
    home.decide(receipt.case_id)
    home.tick()
    reasons = next(p.body for p in home.post.parcels.values() if "the reasons" in p.subject)
    said = "A person looked at it and decided."
    assert (said in reasons) is looks
    assert "Copies were found" not in reasons, "there are none"


@pytest.mark.parametrize("lookers", [0, 1, 2])
def test_two_are_said_to_have_looked_where_both_did(home: House, lookers: int) -> None:
    receipt = home.run(home.cases.receive(report(matter=Matter.CHILD), "here"))
    for staff in (MODERATOR, SENIOR)[:lookers]:
        home.run(home.cases.view(staff, receipt.case_id))
    home.decide(receipt.case_id, CHILD)
    home.run(home.cases.second(SENIOR, receipt.case_id, home.row(receipt.case_id).version, agrees=True))
    home.tick()
    reasons = next(p.body for p in home.post.parcels.values() if "the reasons" in p.subject)
    said = "Two people looked at it and agreed." if lookers == 2 else "Two people decided and agreed, on the report"
    assert said in reasons


def test_what_was_hidden_on_a_report_alone_is_not_said_to_have_been_found_by_a_fingerprint(home: House) -> None:
    home.run(home.cases.receive(report(), "here"))
    home.tick()
    hidden = next(p.body for p in home.post.parcels.values() if "is being hidden" in p.subject)
    assert "because of what the report says" in hidden
    assert "fingerprint" not in hidden


def test_no_letter_says_done_what_the_platform_has_not_confirmed(home: House) -> None:
    receipt = home.run(home.cases.receive(report(), "here"))
    home.decide(receipt.case_id)
    code, pin = account_receipt(home)
    home.run(home.cases.contest(code, pin, "there", "mine"))
    home.decide(receipt.case_id, KEEP, SENIOR)
    told = "\n".join(letter.body for letter in home.run(home.cases.status(code, pin, "there")).letters)
    assert "we ordered that a picture in a post of yours" in told
    assert "we decided that a picture in a post of yours" in told
    for word in ("cannot be seen", "It was hidden", "were removed", "can be seen again"):
        assert word not in told
