"""Starts the little upstream and Safelight as processes of their own, and watches the memory of the latter."""

import contextlib
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import psutil

_HERE = Path(__file__).parent
_START_TIMEOUT_S = 60.0
_MIB = 1024 * 1024


@dataclass
class Gate:
    """A running Safelight."""

    origin: str
    ready_s: float
    """From the start of the process to the first 200 of `/ready`."""
    process: psutil.Process
    upstream: psutil.Process
    peak_mb: float = 0.0
    """The most resident memory seen, children included, in MiB."""

    def cpu_s(self) -> dict[str, float]:
        """Processor seconds so far, by process: the gate, the upstream, and the client, which is this one."""
        processes = {"gate": self.process, "upstream": self.upstream, "client": psutil.Process()}
        times = {name: process.cpu_times() for name, process in processes.items()}
        return {name: time.user + time.system for name, time in times.items()}

    def memory_mb(self) -> float:
        """Resident memory now, children included, in MiB."""
        family = [self.process, *self.process.children(recursive=True)]
        now = float(sum(member.memory_info().rss for member in family)) / _MIB
        self.peak_mb = max(self.peak_mb, now)
        return now


@dataclass(frozen=True, slots=True)
class Upstream:
    """A running `upstream.py`."""

    origin: str
    process: psutil.Process


@contextlib.contextmanager
def upstream() -> Iterator[Upstream]:
    """The image model, which answers with canned pictures."""
    port = _free_port()
    origin = f"http://127.0.0.1:{port}"
    with _process([sys.executable, str(_HERE / "upstream.py"), "--port", str(port)]) as process:
        _wait_for(f"{origin}/v1/models", process)
        yield Upstream(origin, psutil.Process(process.pid))


@contextlib.contextmanager
def safelight(model: Upstream) -> Iterator[Gate]:
    """Safelight in front of `model`, as its users start it, without keys, on a new data folder."""
    port = _free_port()
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "safelight", "serve", "--port", str(port), "--backend", "openai"]
        command += ["--upstream-url", f"{model.origin}/v1", "--open", "--data-dir", folder]
        started = time.perf_counter()
        with _process(command) as process:
            origin = f"http://127.0.0.1:{port}"
            _wait_for(f"{origin}/ready", process)
            gate = Gate(origin, time.perf_counter() - started, psutil.Process(process.pid), model.process)
            stop = threading.Event()
            watcher = threading.Thread(target=_watch, args=(gate, stop), daemon=True)
            watcher.start()
            try:
                yield gate
            finally:
                stop.set()
                watcher.join(5)


def _watch(gate: Gate, stop: threading.Event) -> None:
    while not stop.wait(0.1):
        with contextlib.suppress(psutil.NoSuchProcess):
            gate.memory_mb()


@contextlib.contextmanager
def _process(command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        try:
            yield process
        except BaseException:
            log.seek(0)
            sys.stderr.write(log.read()[-4000:].decode(errors="replace"))
            raise
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(5)


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_TIMEOUT_S
    said = "nothing"
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the server behind {url} ended with {process.returncode}")
        with contextlib.suppress(httpx2.TransportError):
            response = httpx2.get(url, trust_env=False, timeout=5)
            if response.status_code == 200:
                return
            said = response.text[:1000]
        time.sleep(0.02)
    raise RuntimeError(f"{url} was not ready within {_START_TIMEOUT_S:.0f} s; it said {said}")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
