"""Published figures and matched tiers, checked by an outsider against a log: true, false, and not to be had."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from safelight.ledger.proofs.leaf import Leaf, LeafKind
from safelight.ledger.verify.main import main
from safelight.ledger.verify.page import bars, every_day
from tests.ledger.proofs.test_parity import opening
from tests.ledger.twin import AT, KEY, honest_entries, leaf, naive_root, write_log

TOKENS = Path(__file__).parents[3] / "src/safelight/web/static/tokens.css"
PERIOD = ("--from", "2026-11-22", "--to", "2026-11-23")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    write_log(tmp_path / "log", honest_entries(300))
    return tmp_path / "log"


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, dict[str, Any]]:
    code = main([*map(str, arguments), "--json", "--key", KEY.public().to_text()])
    shown: dict[str, Any] = json.loads(capsys.readouterr().out)
    return code, shown


def publish(folder: Path, entries: list[bytes], **changes: object) -> Path:
    """Figures for the day as the operator would publish them, with `changes`."""
    figures = {
        "requests": 300,
        "requests_by_day": {"2026-11-22": 300},
        "kinds": {"decision": 300, "process_end": 1, "process_start": 1, "totals": 1},
        "takedown_s": {"count": 0, "median": None, "longest": None, "within_24h": 0, "within_48h": 0},
        "gone_s": {"count": 0, "median": None, "longest": None, "within_24h": 0, "within_48h": 0},
    }
    published = {
        "format": "safelight-figures/1",
        "log": KEY.name,
        "size": len(entries),
        "root": naive_root(entries).hex(),
        "from": "2026-11-22T00:00:00.000000Z",
        "to": "2026-11-23T00:00:00.000000Z",
        "figures": figures,
    }
    file = folder / "figures.json"
    file.write_text(json.dumps(published | changes))
    return file


def test_figures_are_counted_for_a_period(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, shown = run(capsys, "totals", log, *PERIOD)
    assert (code, shown["figures"]["requests"], shown["complete"]) == (0, 300, True)
    code, shown = run(capsys, "totals", log, "--from", "2026-11-23", "--to", "2026-11-24")
    assert (code, shown["figures"]["requests"]) == (0, 0)


def test_what_was_published_recomputes_though_the_log_has_grown(
    log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entries = honest_entries(300)
    published = publish(tmp_path, entries)
    assert run(capsys, "totals", log, "--published", published)[0] == 0
    write_log(log, [*entries, leaf(0, LeafKind.PROCESS_START, "b" * 16, heartbeat_s=30), leaf(1, process="b" * 16)])
    code, shown = run(capsys, "totals", log, "--published", published)
    assert (code, shown["figures"]["requests"], shown["size"]) == (0, 300, 305)


def test_a_figure_that_does_not_add_up_is_named(log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    entries = honest_entries(300)
    file = publish(tmp_path, entries)
    file.write_text(file.read_text().replace('"requests": 300', '"requests": 299'))
    code, shown = run(capsys, "totals", log, "--published", file, "--html", tmp_path / "report.html")
    assert (code, shown["code"]) == (1, "figures_wrong")
    assert shown["differences"] == [{"figure": "requests", "published": 299, "found": 300}]
    assert "Not as published" in (tmp_path / "report.html").read_text("utf-8")


def test_a_figure_of_a_later_release_is_no_fault_of_an_earlier_publication(
    log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`gone_s` came later: figures that were published before it do not name it, and are not false."""
    file = publish(tmp_path, honest_entries(300))
    published = json.loads(file.read_text())
    del published["figures"]["gone_s"]
    file.write_text(json.dumps(published))
    code, shown = run(capsys, "totals", log, "--published", file)
    assert (code, shown.get("differences")) == (0, None)
    published["figures"]["of_next_year"] = 7
    file.write_text(json.dumps(published))
    code, shown = run(capsys, "totals", log, "--published", file)
    assert (code, shown["code"]) == (2, "misused")
    assert "'of_next_year'" in shown["message"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"size": 299}, "consistency_failed"),
        ({"size": 999}, "consistency_failed"),
        ({"root": "00" * 32}, "consistency_failed"),
        ({"log": "another.example/log"}, "consistency_failed"),
        ({"format": "something"}, "misused"),
        ({"figures": []}, "misused"),
        ({"to": "tomorrow"}, "misused"),
        ({"root": "xyz"}, "misused"),
    ],
)
def test_figures_of_another_head_or_form_are_refused(
    log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, object], code: str
) -> None:
    ended, shown = run(capsys, "totals", log, "--published", publish(tmp_path, honest_entries(300), **changes))
    assert (ended, shown["code"]) == (1 if code == "consistency_failed" else 2, code)


def test_a_log_that_leaves_something_out_is_true_and_incomplete(
    log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entries = honest_entries(300)
    entries[301] = leaf(301, LeafKind.TOTALS, first_seq=0, last_seq=300, counts={"input/allow/-": 299})
    write_log(log, entries)
    code, shown = run(capsys, "totals", log, *PERIOD, "--html", tmp_path / "report.html")
    assert (code, shown["verdict"], shown["complete"]) == (3, "verified", False)
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "Incomplete" in page
    assert "a total is not the sum of its leaves" in page


def test_a_day_that_never_was_is_not_the_logs_fault(
    log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, shown = run(capsys, "totals", log, "--from", "2026-02-01", "--to", "2026-02-30")
    assert (code, shown["code"]) == (2, "misused")
    report = tmp_path / "no such folder" / "report.html"
    assert run(capsys, "totals", log, *PERIOD, "--html", report)[0] == 2


def test_days_without_requests_have_their_place_in_the_chart() -> None:
    counts = {"2026-11-01": 3, "2026-11-05": 4}
    covers = ("2026-10-31T23:59:59.000000Z", "2026-11-06T00:00:01.000000Z")
    assert list(every_day(counts, covers).items()) == [
        ("2026-10-31", 0),
        ("2026-11-01", 3),
        ("2026-11-02", 0),
        ("2026-11-03", 0),
        ("2026-11-04", 0),
        ("2026-11-05", 4),
        ("2026-11-06", 0),
    ]
    for odd in (("2026-02-30T", "2026-11-06T"), ("0001-01-01T", "9999-12-31T")):
        assert every_day(counts, odd) == counts


def test_a_chart_that_does_not_show_all_says_so(log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    entries = [leaf(0, LeafKind.PROCESS_START, heartbeat_s=30), leaf(1)]
    early = entries[1].replace(b"2026-11-22", b"2026-08-01")
    write_log(log, [entries[0], early, leaf(2)])
    report = tmp_path / "report.html"
    run(capsys, "totals", log, "--from", "2026-08-01", "--to", "2026-12-01", "--html", report)
    assert "Here are the last 62 of 114; all are in the table below." in report.read_text("utf-8")


def test_without_a_period_it_says_what_to_say(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, shown = run(capsys, "totals", log, "--from", "2026-11-22")
    assert (code, shown["code"]) == (2, "misused")


class Checker(HTMLParser):
    """Every element is closed, and nothing is fetched from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not {"src", "href", "onload", "onclick"} & {name for name, _ in attrs}
        assert tag not in {"script", "link", "iframe"}
        if tag not in {"meta", "br"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not {"src", "href"} & {name for name, _ in attrs}

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_report_is_one_page_that_needs_nothing_and_runs_nothing(
    log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(capsys, "totals", log, *PERIOD, "--html", tmp_path / "report.html")[0] == 0
    page = (tmp_path / "report.html").read_text("utf-8")
    checker = Checker()
    checker.feed(page)
    assert checker.open == []
    assert "Whole and true" in page
    assert "entries in it are from 2026-11-22 12:00 to 2026-11-22 12:00; of the time around them" in page
    assert "nobody outside vouches" in page
    assert "<title>Requests, by day</title>" in page
    assert "url(" not in page


def test_a_charts_names_stay_text() -> None:
    assert "<script>" not in bars("<b>", {"<script>": 3})
    assert "&lt;script&gt;" in bars("<b>", {"<script>": 3})


def test_the_reports_colours_are_the_public_pages() -> None:
    colour = re.compile(r"(--[a-z-]+): (#[0-9a-f]{6})")
    page = (TOKENS.parents[2] / "ledger/verify/page.html").read_text("utf-8")
    theirs = dict(colour.findall(TOKENS.read_text("utf-8").partition("}")[0]))
    ours = dict(colour.findall(page))
    assert ours.items() <= theirs.items()
    assert len(ours) >= 8


def parity_log(folder: Path, treated: dict[str, str]) -> Path:
    """A log of 80 prompts on each tier, and the operator's openings of all; `treated`: the verdict by tier."""
    lines = [
        opening(2 * at + index + 1, tier, f"p{at}", verdict)
        for at in range(80)
        for index, (tier, verdict) in enumerate(treated.items())
    ]
    entries = [Leaf(LeafKind.PROCESS_START, AT, "a" * 16, 0, {"heartbeat_s": 30}).to_bytes()]
    write_log(folder / "log", [*entries, *(json.loads(line)["leaf"].encode() for line in lines)])
    file = folder / "openings.jsonl"
    file.write_text("\n".join(lines) + "\n")
    return file


def test_tiers_that_were_judged_alike_are_verified(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = parity_log(tmp_path, {"free": "refuse", "paid": "refuse"})
    code, shown = run(capsys, "parity", file, tmp_path / "log")
    assert (code, shown["openings"], shown["decisions_there"]) == (0, 160, 160)
    (found,) = shown["comparisons"]
    assert (found["pairs"], found["difference"]) == (80, 0.0)
    assert main(["parity", str(file), str(tmp_path / "log"), "--key", KEY.public().to_text()]) == 0
    assert "80 matched pairs" in capsys.readouterr().out


def test_tiers_that_were_judged_apart_are_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = parity_log(tmp_path, {"free": "refuse", "paid": "allow"})
    code, shown = run(capsys, "parity", file, tmp_path / "log")
    assert (code, shown["code"]) == (1, "tier_matters")


def test_what_was_opened_must_stand_in_the_log_and_must_be_comparable(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = parity_log(tmp_path, {"free": "allow", "paid": "allow"})
    lines = file.read_text().splitlines()
    file.write_text("\n".join(lines[:3]))
    code, shown = run(capsys, "parity", file, tmp_path / "log")
    assert (code, shown["openings"], shown["decisions_there"]) == (0, 3, 3)
    file.write_text(lines[0] + "\n" + lines[4])
    code, shown = run(capsys, "parity", file, tmp_path / "log")
    assert (code, shown["comparisons"]) == (3, [])
    file.write_text(opening(1, "free", "another prompt"))
    assert run(capsys, "parity", file, tmp_path / "log")[1]["code"] == "inclusion_failed"
    file.write_text("\n".join((*lines[:2], *lines[:2])))  # two files of the operator, put together
    code, shown = run(capsys, "parity", file, tmp_path / "log")
    assert (code, shown["openings"], shown["comparisons"][0]["pairs"]) == (0, 2, 1)
    file.write_text("")
    code, shown = run(capsys, "parity", file, tmp_path / "log")
    assert (code, shown["openings"], shown["comparisons"]) == (3, 0, [])
    half = json.loads(lines[0])
    half["openings"]["tier"]["value"] = "\ud800"
    file.write_text(json.dumps(half))
    assert run(capsys, "parity", file, tmp_path / "log")[1]["code"] == "inclusion_failed"
    assert run(capsys, "opening", file)[1]["code"] == "inclusion_failed"
    for unread in (json.dumps(json.loads(lines[0]) | {"openings": {}}), lines[0][:-9], "[]"):
        file.write_text(unread)
        code, shown = run(capsys, "parity", file, tmp_path / "log")
        assert (code, shown["code"]) == (2, "misused")
