"""Scanning is an extra: whoever has not installed it is told how, in one line."""

import importlib
import sys

import pytest

from safelight.scan.errors import ScanFailed


def test_a_scan_without_its_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.delitem(sys.modules, "safelight.scan.results", raising=False)
    with pytest.raises(ScanFailed, match=r"pip install 'safelight\[scan\]'"):
        importlib.import_module("safelight.scan.results")
