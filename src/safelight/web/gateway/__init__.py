"""The OpenAI-compatible door, and `/v1/check` for platforms that call their own model.

`images.py`, `moderations.py`, `check.py`, `consent.py`, `match.py`, `hma.py`, `protect.py`, `reports.py`, `trace.py`
and `health.py` hold the routes; `bodies.py` reads what comes in, strictly; `errors.py` is
the one table from errors to answers.
"""
