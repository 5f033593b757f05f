"""Banks, protected photos and hashes from the command line, on a data folder of their own."""

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from typer.testing import CliRunner

from safelight.cli.main import app
from tests.conftest import png
from tests.matching.exchanges.server import Asked, Said, speaking
from tests.matching.pictures import hash_of, jpeg, photo
from tests.matching.test_intake import random_pdqs


class Command:
    """`safelight …` in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *words: str, code: int = 0, data: bool = True) -> Any:
        place = ["--data-dir", str(self.folder)] if data else []
        done = CliRunner().invoke(app, [*words, *place, "--json"])
        assert done.exit_code == code, done.output
        return json.loads(done.stdout)

    def shown(self, *words: str) -> str:
        done = CliRunner().invoke(app, [*words, "--data-dir", str(self.folder)], env={"COLUMNS": "200"})
        assert done.exit_code in (0, 1), done.output
        return done.output

    def file(self, name: str, content: bytes) -> str:
        path = self.folder / name
        path.write_bytes(content)
        return str(path)


def size_of(file: Path) -> tuple[int, int]:
    with Image.open(file) as picture:
        return picture.size


@pytest.fixture
def run(tmp_path: Path) -> Command:
    return Command(tmp_path)


def test_a_list_is_imported_and_a_copy_matches_with_the_reason(run: Command) -> None:
    run("banks", "add", "list", "--owner", "o", "--source", "s", "--category", "ncii", "--meaning", "call the desk")
    listed = run.file("l.csv", f"id,PDQ\n1,{hash_of(photo()).hex()}\n".encode())
    assert run("banks", "import", "list", listed, "--column", "PDQ=pdq")["added"] == 1
    torn = run.file("torn.csv", b"PDQ\nno hash\n")
    assert run("banks", "import", "list", torn, "--column", "PDQ=pdq", "--lenient")["aside"]
    copy = run.file("copy.png", png(jpeg(photo(), 50)[:, ::-1]))
    (match,) = run("match", copy, code=1)["matches"]
    assert match["bank"] == "list"
    assert match["turn"] == "mirrored left to right"
    assert 0 < match["distance"] <= match["threshold"] == 31
    assert "call the desk" in run.shown("match", copy)
    assert run("match", run.file("other.png", png(photo("coffee"))))["matches"] == []


def test_a_batch_that_is_held_back_is_told_and_released(run: Command) -> None:
    run("banks", "add", "list", "--owner", "o", "--source", "s", "--category", "csam")
    old = run.file("old.jsonl", b"".join(b'{"p": "%s"}\n' % one.hex().encode() for one in random_pdqs(120)))
    run("banks", "import", "list", old, "--column", "p=pdq")
    many = [*random_pdqs(1_300, seed=1), hash_of(photo())]
    new = run.file("new.jsonl", b"".join(b'{"p": "%s"}\n' % one.hex().encode() for one in many))
    taken = run("banks", "import", "list", new, "--column", "p=pdq")
    assert "flood" in taken["held_back"]
    picture = run.file("p.png", png(photo()))
    assert run("match", picture)["matches"] == []
    states = {bank["name"]: bank["state"] for bank in run("banks", "list")}
    assert states == {"list": "active", taken["batches"][0]: "quarantined"}
    run("banks", "release", taken["batches"][0], "--why", "looked at")
    assert len(run("match", picture, code=1)["matches"]) == 1
    run("banks", "quarantine", taken["batches"][0], "--why", "again")
    run("banks", "remove", taken["batches"][0], "--why", "done")
    assert run("match", picture)["matches"] == []
    kinds = [event["kind"] for event in run("banks", "show", taken["batches"][0])["events"]]
    assert kinds == ["made", "active", "quarantined", "removed"]
    assert "flood" in run.shown("banks", "show", "list")
    assert "quarantined" not in run.shown("banks", "list")


def test_what_comes_into_a_bank_that_is_held_back_waits_and_is_said_to(run: Command) -> None:
    run("banks", "add", "list", "--owner", "o", "--source", "s", "--category", "ncii")
    run("banks", "quarantine", "list", "--why", "not sure")
    first, second = (run.file(f"{n}.csv", f"PDQ\n{one.hex()}\n".encode()) for n, one in enumerate(random_pdqs(2)))
    taken = run("banks", "import", "list", first, "--column", "PDQ=pdq")
    told = {name: taken[name] for name in ("added", "waiting", "held_back", "batches")}
    assert told == {"added": 0, "waiting": 1, "held_back": "not sure", "batches": ["list"]}
    shown = run.shown("banks", "import", "list", second, "--column", "PDQ=pdq")
    assert "they do not count yet" in shown
    assert "safelight banks release list" in shown
    picture = run.file("p.png", png(photo()))
    taken = run("banks", "add-picture", "list", picture)
    told = [taken[name] for name in ("added", "waiting", "held_back", "batches")]
    assert told == [0, 4, "not sure", ["list"]]
    run("banks", "release", "list", "--why", "sure")
    assert len(run("match", picture, code=1)["matches"]) == 2


def test_the_name_of_a_removed_bank_stays_with_its_history(run: Command) -> None:
    add = ("banks", "add", "list", "--owner", "o", "--source", "s", "--category", "ncii")
    run(*add)
    again = [*add, "--data-dir", str(run.folder)]
    assert "There is a bank 'list' already" in CliRunner().invoke(app, again).output
    run("banks", "remove", "list", "--why", "was a trial")
    assert "that was removed" in CliRunner().invoke(app, again).output


def test_a_list_is_withdrawn_and_what_a_negative_bank_overrules_is_said(run: Command) -> None:
    """A hash that was imported by mistake is taken out, or outweighed, and both can be seen."""
    for name, kind in (("list", "known"), ("not-it", "negative")):
        run("banks", "add", name, "--owner", "o", "--source", "s", "--category", "ncii", "--kind", kind)
    listed = run.file("l.csv", f"PDQ\n{hash_of(photo()).hex()}\n".encode())
    picture = run.file("p.png", png(photo()))
    for name, expected in (("list", []), ("not-it", ["not-it"])):
        run("banks", "import", name, listed, "--column", "PDQ=pdq")
        assert run("match", picture, code=int(not expected))["overruled_by"] == expected
    assert "overruled by not-it" in run.shown("match", picture)
    assert run("banks", "withdraw", "not-it", listed, "--column", "PDQ=pdq")["withdrawn"] == 1
    assert len(run("match", picture, code=1)["matches"]) == 1
    assert "1 withdrawn" in run.shown("banks", "withdraw", "list", listed, "--column", "PDQ=pdq")
    assert run("match", picture)["matches"] == []
    assert "not in the bank" in run.shown("banks", "withdraw", "list", listed, "--column", "PDQ=pdq")


def test_a_long_name_of_a_batch_breaks_no_table(run: Command) -> None:
    run("banks", "add", "list", "--owner", "o", "--source", "s", "--category", "csam")
    poison = run.file("l.csv", f"PDQ\n{hash_of(photo('chelsea')).hex()}\n".encode())
    (batch,) = run("banks", "import", "list", poison, "--column", "PDQ=pdq")["batches"]
    done = CliRunner().invoke(app, ["banks", "list", "--data-dir", str(run.folder)], env={"COLUMNS": "80"})
    assert f"\n{batch}: quarantined, 1 hashes" in done.output
    assert " active " in done.output


def test_what_was_held_back_of_a_list_is_held_back_and_removed_with_it(run: Command) -> None:
    run("banks", "add", "list", "--owner", "o", "--source", "s", "--category", "csam")
    new = run.file("new.jsonl", b'{"p": "%s"}\n' % hash_of(photo("chelsea")).hex().encode())
    batch = run("banks", "import", "list", new, "--column", "p=pdq")["batches"][0]
    run("banks", "release", batch, "--why", "looked at")
    picture = run.file("p.png", png(photo("chelsea")))
    assert len(run("match", picture, code=1)["matches"]) == 1
    assert run("banks", "quarantine", "list", "--why", "not sure")["batches"] == [batch]
    assert run("match", picture)["matches"] == []
    assert run("banks", "release", "list", "--why", "sure")["held_back"] == [batch]
    run("banks", "release", batch, "--why", "sure")
    assert len(run("match", picture, code=1)["matches"]) == 1
    assert batch in run.shown("banks", "remove", "list", "--why", "the contract is over")
    assert run("match", picture)["matches"] == []
    assert {bank["state"] for bank in run("banks", "list")} == {"removed"}


def test_a_picture_that_everybody_has_waits_with_its_features_and_is_dropped_from_there(run: Command) -> None:
    run("banks", "add", "down", "--owner", "us", "--source", "reports", "--category", "ncii")
    picture, crop = (
        run.file(name, png(one)) for name, one in (("p.png", photo("chelsea")), ("c.png", photo("chelsea")[80:, 60:]))
    )
    for added in (4, 0):
        taken = run("banks", "add-picture", "down", picture)
        assert (taken["added"], taken["waiting"], taken["held_back"][:6]) == (0, added, "poison")
    assert "Held back" in run.shown("banks", "add-picture", "down", picture)
    assert run("match", crop)["matches"] == run("match", picture)["matches"] == []
    run("banks", "release", taken["batches"][0], "--why", "looked at")
    assert run("match", crop, code=1)["matches"][0]["bank"] == taken["batches"][0]
    run("banks", "drop-picture", "down", picture)
    assert run("match", crop)["matches"] == run("match", picture)["matches"] == []


def test_dropping_another_file_than_was_added_is_an_error_and_drops_nothing(
    run: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["safelight", "--json"])
    run("banks", "add", "down", "--owner", "us", "--source", "reports", "--category", "ncii")
    picture = run.file("p.png", png(photo("coffee")))
    run("banks", "add-picture", "down", picture)
    saved_anew = run.file("q.png", png(photo("coffee")) + b"\0")
    assert "very file" in run("banks", "drop-picture", "down", saved_anew, code=2)["error"]["message"]
    assert len(run("match", picture, code=1)["matches"]) > 0


def test_a_photo_is_protected_shown_and_taken_off(run: Command) -> None:
    picture = run.file("me.png", png(photo()))
    receipt = run("protect", "add", picture)["receipt"]
    assert run("match", picture, code=1)["matches"][0]["category"] == "protected"
    assert run("protect", "show", receipt)["attempts"] == []
    assert "Nobody has tried" in run.shown("protect", "show", receipt)
    assert [one["removed_at"] for one in run("protect", "list")] == [None]
    assert receipt not in run.shown("protect", "list")
    run("protect", "remove", receipt)
    assert run("match", picture)["matches"] == []
    assert "Taken off" in run.shown("protect", "show", receipt)


def test_a_hash_is_enough_to_protect_a_photo(run: Command) -> None:
    picture = run.file("me.png", png(photo()))
    hashed = run("hash", picture, data=False)
    assert hashed["quality"] == 100
    assert len(hashed["sha256"]) == 64
    run("protect", "add", "--pdq", hashed["pdq"])
    assert len(run("match", picture, code=1)["matches"]) == 1


def test_what_has_no_detail_is_an_answer_of_its_own(run: Command, flat: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["safelight", "--json"])
    picture = run.file("flat.png", flat)
    assert run("hash", picture, code=4, data=False)["pdq"] is None
    assert run("match", picture, code=4) == {
        "matches": [],
        "unhashable": True,
        "copies": [],
        "overruled_by": [],
        "lists": run("match", picture, code=4)["lists"],
    }
    assert run("protect", "add", picture, code=2)["error"]["code"] == "field_invalid"


def test_a_pipe_is_an_error_and_not_waited_for(run: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["safelight", "--json"])
    pipe = run.folder / "pipe.jpg"
    os.mkfifo(pipe)
    for command in (["hash", str(pipe)], ["hash", str(run.folder)]):
        assert run(*command, code=2, data=False)["error"]["code"] == "field_invalid"


def test_a_part_of_a_picture_is_found_in_a_folder(run: Command) -> None:
    folder = run.folder / "taken-down"
    folder.mkdir()
    for name in ("astronaut", "coffee"):
        (folder / f"{name}.png").write_bytes(png(photo(name)))
    (folder / ".DS_Store").write_bytes(b"no picture")
    picture = run.file("part.png", png(photo()[60:, :420]))
    answer = run("match", picture, "--against", str(folder), code=1)
    assert answer["matches"] == []
    assert [copy["file"] for copy in answer["copies"]] == ["astronaut.png"]
    assert answer["not_compared"] == [".DS_Store"]
    why = run.folder / "why.png"
    assert "astronaut.png" in run.shown("match", picture, "--against", str(folder), "--picture", str(why))
    assert size_of(why) == (420, photo().shape[0] - 60)
    assert run("match", run.file("r.png", png(photo("rocket"))), "--against", str(folder))["copies"] == []


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["banks", "show", "none"], "bank_error"),
        (["banks", "import", "none", "x.csv", "--column", "a=pdq"], "bank_error"),
        (["banks", "release", "none", "--why", "x"], "bank_error"),
        (["protect", "show", "protect_x"], "bank_error"),
        (["protect", "add"], "misused"),
        (["protect", "add", "--pdq", "xyz"], "field_invalid"),
        (["protect", "add", "--pdq", "0" * 64, "--copies"], "misused"),
        (
            ["banks", "ask-arachnid", "xyz", "--url", "https://x.example", "--user", "u", "--secret", "s"],
            "field_invalid",
        ),
        (["keys", "revoke", "key_none"], "field_invalid"),
        (["marks", "show"], "field_invalid"),
        (["marks", "rotate"], "field_invalid"),
        (
            [
                "banks",
                "sync",
                "none",
                "ncmec",
                "--url",
                "https://report.cybertip.org/x",
                "--user",
                "u",
                "--secret",
                "s",
            ],
            "not_startable",
        ),
    ],
    ids=lambda value: " ".join(value[:3]) if isinstance(value, list) else value,
)
def test_a_mistake_is_told_with_its_code(
    run: Command, words: list[str], code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["safelight", "--json"])
    assert run(*words, code=2)["error"]["code"] == code


def test_a_picture_that_cannot_be_written_is_one_error(run: Command) -> None:
    folder = run.folder / "taken-down"
    folder.mkdir()
    picture = run.file("a.png", png(photo()))
    (folder / "a.png").write_bytes(png(photo()))
    place = run.folder / "nowhere" / "why.png"
    done = CliRunner().invoke(app, ["match", picture, "--against", str(folder), "--picture", str(place)])
    assert done.exit_code == 2
    said = " ".join(done.output.split())
    assert "field_invalid" in said
    assert "cannot be written: No such file or directory. Name a place" in said
    assert "Errno" not in said


def test_a_timer_fetches_what_is_due_and_is_told_what_is_stale(run: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """The exchange refuses: the command says so in its exit code, and goes on to say which bank is stale."""
    run("banks", "add", "list", "--owner", "us", "--source", "x", "--category", "ncii", "--stale-after", "1")
    monkeypatch.setenv("A_USER", "f")
    monkeypatch.setenv("A_SECRET", "s")
    assert run("banks", "sync-all") == {"fetched": [], "stale": [], "another_run": False}
    with speaking(lambda _: Said(status=403)) as exchange:
        subscribed = f'[[exchange]]\nbank = "list"\nsource = "ncmec"\nurl = "{exchange.address}"\n'
        run.file("exchanges.toml", f'{subscribed}user_env = "A_USER"\nsecret_env = "A_SECRET"\n'.encode())
        answer = run("banks", "sync-all", code=1)
        assert "failed" in run.shown("banks", "sync-all")
    assert [(one["bank"], one["error"]["code"]) for one in answer["fetched"]] == [("list", "exchange_failed")]


def test_a_picture_that_was_taken_down_is_found_in_part_until_it_is_dropped(run: Command) -> None:
    run("banks", "add", "down", "--owner", "us", "--source", "reports", "--category", "ncii")
    picture = run.file("p.png", png(photo()))
    part = run.file("part.png", png(photo()[60:, :420]))
    assert run("banks", "add-picture", "down", picture)["added"] == 4
    (match,) = run("match", part, code=1)["matches"]
    assert (match["by"], match["bank"]) == ("features", "down")
    assert (match["distance"], match["turned_deg"], match["scale"]) == (None, 0.0, pytest.approx(0.88, abs=0.02))
    assert f"{match['agreeing']} features" in run.shown("match", part)
    why = run.folder / "why.png"
    assert run("match", part, "--picture", str(why), code=1)["picture"] == str(why)
    assert size_of(why) == size_of(Path(part))
    assert run("match", run.file("r.png", png(photo("rocket"))), "--picture", str(why))["picture"] is None
    assert {one["by"] for one in run("match", picture, code=1)["matches"]} == {"md5", "features"}
    run("banks", "drop-picture", "down", picture)
    assert run("match", picture)["matches"] == run("match", part)["matches"] == []


def test_a_protected_photo_is_found_in_part_where_its_person_wants_that(run: Command) -> None:
    picture = run.file("p.png", png(photo()))
    part = run.file("part.png", png(photo()[60:, :420]))
    run("protect", "add", picture)
    assert run("match", part)["matches"] == []
    receipt = run("protect", "add", picture, "--copies")["receipt"]
    assert len(run("match", part, code=1)["matches"]) == 1
    run("protect", "remove", receipt)
    assert run("match", part)["matches"] == []


def test_what_shield_knows_is_told_and_goes_into_a_bank(run: Command) -> None:
    run("banks", "add", "arachnid", "--owner", "C3P", "--source", "Shield", "--category", "csam")
    known, unknown = random_pdqs(2)

    def shield(asked: Asked) -> Said:
        texts = json.loads(asked.body)["hashes"]
        verdicts = {text: base64.b64decode(text) == known for text in texts}
        answers = {
            text: {"classification": "csam" if is_known else "no-known-match", "match_type": "exact"}
            for text, is_known in verdicts.items()
        }
        return Said(json.dumps({"scanned_hashes": answers}).encode())

    with speaking(shield) as server:
        words = ("banks", "ask-arachnid", "--url", server.address, "--user", "u", "--secret", "s")
        answer = run(*words, known.hex(), unknown.hex(), "--add-to", "arachnid", code=1)
        assert run(*words, unknown.hex())["answers"][0]["verdict"] == "no-known-match"
        assert "csam" in run.shown(*words, known.hex())
    assert [one["verdict"] for one in answer["answers"]] == ["csam", "no-known-match"]
    assert answer["added"] == 1
    assert [bank["hashes"] for bank in run("banks", "list")] == [1]


def test_what_staff_found_goes_back_to_the_hotlines(run: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAFELIGHT_EXCHANGE_USER", "f")
    monkeypatch.setenv("SAFELIGHT_EXCHANGE_SECRET", "s")
    one, other = (value.hex() for value in random_pdqs(2))
    with speaking(lambda _: Said(b"{}")) as exchange:
        url = ("--url", exchange.address)
        assert run("banks", "submit-stopncii", one, other, *url, data=False) == {"sent": 2}
        said = ("--verdict", "NotBlocked", "--tag", "satire")
        assert run("banks", "feedback-stopncii", one, *said, *url, data=False) == {"sent": 1}
        about = ("banks", "feedback-ncmec", "42", "image1", "--kind", "pdq", "--disagree")
        assert run(*about, *url, data=False) == {"sent": 1}
        submitted, fed_back, voted = exchange.asked
    assert [record["hashValue"] for record in json.loads(submitted.body)["hashRecords"]] == [one, other]
    assert json.loads(fed_back.body)["hashRecords"][0]["CSPFeedbacks"] == [
        {"feedbackValue": "NotBlocked", "tags": ["satire"]}
    ]
    assert (voted.path, b"<negative/>" in voted.body) == ("/v2/entries/42/image1/pdq/feedback", True)
