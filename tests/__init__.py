"""The tests run numpy's products on one thread: its threads would wait for one another where workers share the cores.

numpy reads the setting once, when it is imported, so it stands here, before any test is.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
