"""How networks are opened in onnxruntime: on one thread each, and with one store of memory for all.

Rules of this module
- One thread: threads of its own would fight with the gate's other detectors for two cores. Several threads of the
  caller may run one session at once.
- Tensors come from an arena, since asking the system for each anew took half of the text finder's time. All networks
  share one, because no more of them run at a time than there are cores: apart, each keeps what its largest run needed.
- Nothing plans the memory of a run ahead, which would hold more of it for no gain.
- The serialised network is let go of once it is open. onnxruntime's Python class keeps it in case it has to open it
  again on another processor, which would hold all weights twice.
"""

from functools import cache

import onnxruntime


def open_session(content: bytes, *, blocked_layout: bool = True) -> onnxruntime.InferenceSession:
    """A session for the serialised network in `content`. Raises whatever onnxruntime does when it will not open.

    `blocked_layout`: whether tensors may be laid out in blocks of channels.
    """
    _share_one_arena()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.enable_mem_pattern = False
    options.log_severity_level = 3
    options.add_session_config_entry("session.use_env_allocators", "1")
    if not blocked_layout:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"], enable_fallback=0)
    session._model_bytes = None  # the class has no other way to let go of it
    return session


@cache
def _share_one_arena() -> None:
    """Make the arena, once a process."""
    where = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    onnxruntime.create_and_register_allocator(where, None)
