"""`safelight marks`: the keys behind the marks."""

import json
from pathlib import Path

from typer.testing import CliRunner

from safelight.cli.main import app
from safelight.core.clock import utc_now
from safelight.provenance.credentials.chain import load_or_make


def test_the_keys_are_shown_and_a_new_watermark_key_goes_first(tmp_path: Path) -> None:
    before = CliRunner().invoke(app, ["marks", "show", "--data-dir", str(tmp_path)])
    assert before.exit_code == 2
    load_or_make(tmp_path / "marks", utc_now(), production=False)

    def shown() -> dict[str, object]:
        answer = CliRunner().invoke(app, ["marks", "show", "--data-dir", str(tmp_path), "--json"])
        assert answer.exit_code == 0, answer.output
        told: dict[str, object] = json.loads(answer.stdout)
        return told

    first = shown()
    assert (first["development"], first["unfit"], first["trusted_roots"]) == (True, "", 1)
    made = CliRunner().invoke(app, ["marks", "rotate", "--data-dir", str(tmp_path), "--json"])
    assert made.exit_code == 0, made.output
    old = first["watermark_keys"]
    assert isinstance(old, list)
    assert shown()["watermark_keys"] == [json.loads(made.stdout)["watermark_key"], *old]
    assert "watermark keys" in CliRunner().invoke(app, ["marks", "show", "--data-dir", str(tmp_path)]).stdout
