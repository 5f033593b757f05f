"""The command line: one file per command group, gathered in `main.py`.

numpy's products run on one thread in every command: its threads would wait for one another on the cores that detectors
run on. numpy reads the setting once, when it is imported, so it stands here, before any import of ours.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
