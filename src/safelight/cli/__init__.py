"""The command line: one file per command group, gathered in `main.py`."""
