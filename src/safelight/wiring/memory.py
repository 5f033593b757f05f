"""The process's memory: how the C library is asked to hold it. Does nothing under another than glibc."""

import contextlib
import ctypes

_MALLOC_OPTIONS = {-8: 2, -3: 4 * 1024 * 1024, -1: 32 * 1024 * 1024}
"""glibc's M_ARENA_MAX, M_MMAP_THRESHOLD and M_TRIM_THRESHOLD (bytes), by their numbers in malloc.h."""


def keep_memory_small() -> None:
    """Have glibc give the buffers of large pictures back to the system at once, and keep two heaps rather than sixteen.

    Without it the process keeps the largest edit's memory once for each thread. Does nothing under another C library.
    """
    with contextlib.suppress(OSError, AttributeError):
        libc = ctypes.CDLL("libc.so.6")
        for option, value in _MALLOC_OPTIONS.items():
            libc.mallopt(option, value)


def give_memory_back() -> None:
    """Return to the system what loading the models needed for a moment."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)
