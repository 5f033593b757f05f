"""The main path: one request from door to door. Read `flow.py`."""
