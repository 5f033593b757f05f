"""The wheel `safelight-verify`, built and installed by itself, reaches nothing of Safelight's and nobody else's."""

import ast
import importlib.util
import json
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from tests.ledger.twin import KEY, honest_entries, write_log

ROOT = Path(__file__).parents[3]
PACKED = [*ROOT.glob("src/safelight/ledger/proofs/*.py"), *ROOT.glob("src/safelight/ledger/verify/*.py")]
ALLOWED = {"safelight_verify", "cryptography", "cffi", "_cffi_backend", "_openssl"}
OUTSIDE = {"os", "socket", "urllib", "pathlib", "http", "subprocess", "io", "time"}
"""What pure mathematics has no use for."""
LIST_MODULES = """
import json, sys
before = set(sys.modules)
from safelight_verify.verify.main import main
code = main(sys.argv[1:])
print(json.dumps([code, sorted({name.partition(".")[0] for name in set(sys.modules) - before})]), file=sys.stderr)
"""


@pytest.mark.parametrize("path", PACKED, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_what_is_packed_imports_the_standard_library_cryptography_and_itself(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module or ""]
        if isinstance(node, ast.ImportFrom) and node.level == 2:
            assert (node.module or "").startswith("proofs")
            assert path.parent.name == "verify"
        for name in names:
            assert name.partition(".")[0] in sys.stdlib_module_names | {"cryptography"}
        if path.parent.name == "proofs":
            assert not {"os", "socket", "urllib", "pathlib", "http", "subprocess"} & {
                n.partition(".")[0] for n in names
            }


@pytest.mark.slow
def test_the_wheel_works_by_itself(tmp_path: Path) -> None:
    pytest.importorskip("hatchling", reason="builds the wheel without the network")
    _run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path / "wheel", cwd=ROOT / "verify")
    (wheel,) = (tmp_path / "wheel").glob("safelight_verify-*.whl")
    python = _environment(tmp_path / "env")
    _run(sys.executable, "-m", "pip", "--python", python, "install", "--no-index", "--no-deps", "-q", wheel)

    write_log(tmp_path / "log", honest_entries(20))
    arguments = ["log", tmp_path / "log", "--key", KEY.public().to_text(), "--json"]
    shown = _run(python.parent / "safelight-verify", *arguments)
    assert json.loads(shown.stdout)["size"] == 23

    listed = _run(python, "-I", "-c", LIST_MODULES, *arguments)
    code, modules = json.loads(listed.stderr)
    assert code == 0
    others = set(modules) - sys.stdlib_module_names - ALLOWED
    assert others == set()


def _run(*command: object, cwd: Path | None = None) -> subprocess.CompletedProcess[bytes]:
    # The commands are this test's own; nothing in them comes from outside.
    ended = subprocess.run([*map(str, command)], cwd=cwd, capture_output=True, check=False, timeout=120)  # noqa: S603
    assert ended.returncode == 0, ended.stderr
    return ended


def _environment(folder: Path) -> Path:
    """A fresh environment that holds `cryptography` and nothing else of this one; returns its Python."""
    venv.create(folder, with_pip=False, symlinks=os.name != "nt")
    inside = Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))
    for name in ("cryptography", "cffi", "_cffi_backend"):
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        found = Path(spec.origin).parent if spec.submodule_search_locations else Path(spec.origin)
        (inside / found.name).symlink_to(found)
    return folder / "bin" / "python"
