"""The page holds every number, needs nothing beside it, and lets no name become markup."""

import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from safelight.evaluation.cases import Label
from safelight.evaluation.obfuscate import Invariance, Same
from safelight.evaluation.page import page
from safelight.evaluation.report import Conditions, Report, report_of
from safelight.evaluation.tally import Share
from tests.evaluation.twin import WORD, WordDetector, case, judge_with


@pytest.fixture(scope="module")
def report() -> Report:
    judge = judge_with(WordDetector())
    cases = [
        case(f"a {WORD}", family="<b>&amp;"),
        case("missed", family="2"),
        case("a", f"b {WORD}"),
        case("a hat", label=Label.ALLOW),
        case(f"the {WORD}", label=Label.ALLOW),
    ]
    judged = [judge.judge(one) for one in cases]
    conditions = Conditions(("set <1>.jsonl",), "general", "sha256:0", ("text_meaning@twin",), True)
    same = Same("base64", Share(2, 3), Share(1, 2), is_pair=False, is_lossy=False)
    return report_of(judged, conditions, Invariance((same,)))


def test_the_report_counts_what_was_judged(report: Report) -> None:
    assert report.all_cases.recall == Share(2, 3)
    assert report.all_cases.false_positives == Share(1, 2)
    assert report.named_right == Share(2, 2)
    assert (report.missed, report.refused) == (("missed",), (f"the {WORD}",))
    found = report.to_json()
    assert found["by_family"] != []
    assert found["obfuscation"]["singles"]["block"]["rate"] == pytest.approx(0.66667)  # type: ignore[index, call-overload]


def test_a_page_has_each_share_with_its_interval(report: Report) -> None:
    html = page(report)
    assert "66.67 %" in html
    assert "20.77 to 93.85 %" in html
    assert "base64" in html
    assert "one process on one core" in html


def test_a_page_needs_nothing_beside_it_and_no_script(report: Report) -> None:
    html = page(report)
    assert not re.search(r"<script|<link|<img|@import|url\(|\ssrc=", html)
    assert set(re.findall(r"https?://[^\"\s]+", html)) <= {"http://www.w3.org/2000/svg"}


def test_no_name_becomes_markup(report: Report) -> None:
    html = page(report)
    assert "<b>&amp;" not in html.replace("&lt;b&gt;", "")
    assert "set &lt;1&gt;.jsonl" in html


def test_each_chart_is_well_formed_and_titled(report: Report) -> None:
    charts = re.findall(r"<svg.*?</svg>", page(report), re.DOTALL)
    assert len(charts) >= 8
    for chart in charts:
        root = ET.fromstring(chart)  # noqa: S314 (our own)
        assert root[0].tag.endswith("title")
        assert root[0].text


def test_a_report_of_one_half_only_has_a_page(report: Report) -> None:
    judged = [judge_with(WordDetector()).judge(case("a hat", label=Label.ALLOW))]
    html = page(report_of(judged, replace(report.conditions, one_core=False)))
    assert "–" in html
    assert "one core" not in html
    assert "Conversations" not in html
