"""Maps files of shared memory so that the kernel can keep them in large pages, and asks it to.

A lookup touches some thousand places far apart. In pages of 4 kB the processor has to look up where each of them is,
which makes lookups slower by a third; in pages of 2 MB it knows. The kernel puts a file of shared memory together into
such pages on demand (`MADV_COLLAPSE`, madvise(2), Linux 6.1). That takes longer than reading the index, so it is done
beside the first lookups. Where it cannot be done, lookups are slower and as right.
"""

import ctypes
import mmap
import os
import threading
import weakref

import numpy as np
from numpy.typing import NDArray

ENLARGED_FROM = 1 << 26
"""Bytes. What is smaller is mostly in the processor's cache."""
THREAD = "large pages"
_LARGE = 1 << 21
_MAP_FIXED = 0x10
_MADV_COLLAPSE = 25


def mapped(file: int, size: int) -> tuple[mmap.mmap, NDArray[np.uint8]]:
    """A mapping that lives as long as its array, and the `size` bytes of the file in it, read-only. Raises OSError."""
    kind = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    room = mmap.mmap(-1, size + _LARGE, flags=kind, prot=mmap.PROT_READ)
    whole = np.frombuffer(room, np.uint8)
    # The file goes over the room that was taken, at an address from which the kernel can use large pages.
    start = -whole.ctypes.data % _LARGE
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
    address = whole.ctypes.data + start
    if libc.mmap(address, size, mmap.PROT_READ, mmap.MAP_SHARED | _MAP_FIXED, file, 0) != address:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return room, whole[start : start + size]


def enlarge(room: mmap.mmap, memory: NDArray[np.uint8]) -> None:
    """Have the memory in large pages after a while, if it is large and is still wanted then."""
    if memory.nbytes >= ENLARGED_FROM:
        wanted = weakref.ref(room)
        arguments = (wanted, memory.ctypes.data, memory.nbytes // _LARGE)
        threading.Thread(target=_enlarge, args=arguments, name=THREAD, daemon=True).start()


def _enlarge(wanted: "weakref.ref[mmap.mmap]", address: int, pages: int) -> None:
    libc = ctypes.CDLL(None)  # its calls hold no lock of Python's
    libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    for page in range(pages):
        room = wanted()  # for this page only: who lets go of the memory does not wait for the rest
        if room is None:
            return
        libc.madvise(address + page * _LARGE, _LARGE, _MADV_COLLAPSE)  # that it cannot changes no answer
        del room
