"""`safelight consent` and `safelight names`, as an operator uses them. Every name is invented."""

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from typer.testing import CliRunner

from safelight.cli.main import app


def refused(*words: str | Path) -> str:
    """What a command that could not do it says."""
    answer = CliRunner().invoke(app, [*map(str, words)])
    assert answer.exit_code == 2, answer.output
    return " ".join(answer.output.split())


def run(*words: str | Path, code: int = 0) -> Any:
    answer = CliRunner().invoke(app, [*map(str, words), "--json"])
    assert answer.exit_code == code, answer.output
    return json.loads(answer.stdout)


@pytest.fixture
def keys(tmp_path: Path) -> tuple[Path, Path]:
    """A private and a public key file."""
    private = Ed25519PrivateKey.generate()
    secret, public = tmp_path / "key.pem", tmp_path / "key.pub.pem"
    secret.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return secret, public


def test_a_record_from_the_key_to_the_withdrawal(tmp_path: Path, keys: tuple[Path, Path], flat: bytes) -> None:
    data = ("--data-dir", tmp_path / "data")
    photo, file, signed = tmp_path / "a.png", tmp_path / "statement.json", tmp_path / "signed.json"
    photo.write_bytes(flat)
    enrolled = run("consent", "enrol", keys[1], "--checked-by", "desk 4", "--reference", "check 7", *data)
    signer = enrolled["id"]
    file.write_text(
        json.dumps(
            run("consent", "template", signer, "--use", "swimwear", "--photo", photo, "--account", "studio-12", *data)
        )
    )
    signed.write_text(json.dumps(run("consent", "sign", file, "--key", keys[0])))
    assert run("consent", "verify", signed, *data) == {"state": "active", "record": None}
    record = run("consent", "add", signed, "--by", "desk 4", *data)["id"]
    listed = run("consent", "list", *data)
    assert [(one["id"], one["state"]) for one in listed["records"]] == [(record, "active")]
    assert "studio-12" not in json.dumps(listed), "accounts stand there by pseudonym"
    revoking = ("consent", "revoke", record, "--by", "desk 4", *data)
    revoked = {"id": record, "state": "revoked"}
    assert run(*revoking, "--reason", "asked us to") == revoked | {"already_since": None}
    since = run("consent", "list", record, *data)["history"][-1]["at"]
    assert run(*revoking) == revoked | {"already_since": since}
    assert f"revoked already, since {since}" in CliRunner().invoke(app, [*map(str, revoking)]).output
    assert run("consent", "verify", signed, *data, code=1)["state"] == "revoked"
    assert [event["kind"] for event in run("consent", "list", record, *data)["history"]] == ["added", "revoked"]


def test_nobody_is_asked_to_sign_what_could_not_count(tmp_path: Path, keys: tuple[Path, Path], flat: bytes) -> None:
    data, photo = ("--data-dir", tmp_path / "data"), tmp_path / "a.png"
    photo.write_bytes(flat)
    signer = run("consent", "enrol", keys[1], "--checked-by", "desk 4", "--reference", "check 7", *data)["id"]
    asked = ("--use", "swimwear", "--photo", photo, *data)
    assert "not enrolled" in refused("consent", "template", f"csg_{26 * '0'}", *asked)
    assert "not enrolled" in refused("consent", "template", signer, "--platform", "other", *asked)
    run("consent", "revoke", signer, "--by", "desk 4", *data)
    assert "revoked" in refused("consent", "template", signer, *asked)


def test_what_cannot_be_taken_is_said(tmp_path: Path, keys: tuple[Path, Path]) -> None:
    data = ("--data-dir", tmp_path / "data")
    for words in (
        ("consent", "enrol", tmp_path / "nothing.pem", "--checked-by", "x", "--reference", "y", *data),
        ("consent", "enrol", keys[0], "--checked-by", "x", "--reference", "y", *data),
        ("consent", "add", keys[1], "--by", "x", *data),
        ("consent", "revoke", "con_nothing", "--by", "x", *data),
        ("consent", "list", "con_nothing", *data),
        ("consent", "sign", keys[1], "--key", keys[0]),
    ):
        assert "consent_invalid" in refused(*words)


def test_tables_for_people(tmp_path: Path, keys: tuple[Path, Path]) -> None:
    data = ["--data-dir", str(tmp_path / "data")]
    words = ["consent", "enrol", str(keys[1]), "--checked-by", "desk 4", "--reference", "check 7", *data]
    assert "enrolled" in CliRunner().invoke(app, words).output
    assert "desk 4" in CliRunner().invoke(app, ["consent", "list", *data], env={"COLUMNS": "200"}).output


def test_names_are_imported_listed_checked_and_removed(tmp_path: Path) -> None:
    data = ("--data-dir", tmp_path / "data")
    file = tmp_path / "names.csv"
    file.write_text(
        "name,kind,aliases\nMarielle Velkonova,protected,\nTomasz Grzembalski,public_figure,Tomek G\n", "utf-8"
    )
    assert run("names", "import", file, *data) == {"read": 2, "names": 2}
    assert run("names", "import", file, *data)["names"] == 2
    found = run("names", "check", "a photo of M. Welkonowa", *data)["found"]
    assert [entry["name"] for entry in found] == ["Marielle Velkonova"]
    disguised = run("names", "check", "M.a.r.i.e.l.l.e V.e.l.k.o.n.o.v.a", *data)["found"]
    assert disguised == found, "as the gate would read it"
    assert run("names", "remove", "marielle velkonova", *data)["names"] == 1
    assert [entry["name"] for entry in run("names", "list", *data)["names"]] == ["Tomasz Grzembalski"]
    assert "not in the register" in refused("names", "remove", "nobody", *data)


def test_a_file_with_a_defect_changes_nothing(tmp_path: Path) -> None:
    data = ("--data-dir", tmp_path / "data")
    file = tmp_path / "names.jsonl"
    file.write_text('{"name": "Ilvana Drosk", "kind": "protected"}\n{"name": 1}\n')
    assert "Line 2" in refused("names", "import", file, *data)
    assert "No such file" in refused("names", "import", str(tmp_path / "nowhere.csv"), *data)
    assert run("names", "list", *data)["names"] == []
