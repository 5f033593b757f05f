"""Sends requests and times them: in pairs, at a fixed rate, or as fast as they are answered."""

import asyncio
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import uvloop

from wire import Answer, Wire, Wires, written
from work import Ask


@dataclass
class Timed:
    """How long answers took, in milliseconds, and which were not as hoped."""

    took_ms: list[float] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    """Prompt and first words of each 400: ordinary work that the gate turned away."""
    failures: list[str] = field(default_factory=list)
    """The same of every other answer that was not 200."""
    elapsed_s: float = 0.0

    def part_ms(self, percent: int) -> float:
        """The percentile `percent`, between the nearest two values."""
        if len(self.took_ms) < 2:
            return self.took_ms[0] if self.took_ms else float("nan")
        return statistics.quantiles(self.took_ms, n=100, method="inclusive")[percent - 1]

    @property
    def rate(self) -> float:
        """Good answers a second."""
        return len(self.took_ms) / self.elapsed_s if self.elapsed_s else 0.0


def in_pairs(direct: str, gate: str, asks: Iterator[Ask], count: int, warm_up: int) -> tuple[Timed, Timed]:
    """Send each of `count` asks to both origins, one after the other, taking turns in who is first."""
    timed = {direct: Timed(), gate: Timed()}
    with Wire(direct) as to_direct, Wire(gate) as to_gate:
        wires = {direct: to_direct, gate: to_gate}
        for number in range(warm_up + count):
            ask = next(asks)
            request = written(ask)
            for origin in (direct, gate) if number % 2 else (gate, direct):
                sent = time.perf_counter()
                answer = wires[origin].ask(request)
                took_ms = (time.perf_counter() - sent) * 1000
                if number >= warm_up:
                    _note(timed[origin], ask, answer, took_ms)
    return timed[direct], timed[gate]


def one_by_one(origin: str, asks: Iterator[Ask], count: int, warm_up: int) -> Timed:
    """Send `count` asks to one origin."""
    timed = Timed()
    with Wire(origin) as wire:
        for number in range(warm_up + count):
            ask = next(asks)
            request = written(ask)
            sent = time.perf_counter()
            answer = wire.ask(request)
            if number >= warm_up:
                _note(timed, ask, answer, (time.perf_counter() - sent) * 1000)
    timed.elapsed_s = sum(timed.took_ms) / 1000
    return timed


def at_rate(origin: str, asks: Iterator[Ask], per_second: float, seconds: float) -> Timed:
    """Open loop: one ask every 1/`per_second`, whether or not earlier ones were answered.

    Each is timed from the moment at which it was due, so a server that falls behind cannot hide it.
    """
    return uvloop.run(_at_rate(origin, asks, per_second, seconds))


def flat_out(origin: str, asks: Iterator[Ask], clients: int, seconds: float) -> Timed:
    """Closed loop: `clients` of them, each asking again as soon as it was answered."""
    return uvloop.run(_flat_out(origin, asks, clients, seconds))


async def _at_rate(origin: str, asks: Iterator[Ask], per_second: float, seconds: float) -> Timed:
    timed = Timed()
    wires = Wires(origin)
    async with asyncio.TaskGroup() as group:
        started = time.perf_counter()
        for number in range(round(per_second * seconds)):
            due = started + number / per_second
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            group.create_task(_send(wires, next(asks), timed, due))
    timed.elapsed_s = time.perf_counter() - started
    wires.close()
    return timed


async def _flat_out(origin: str, asks: Iterator[Ask], clients: int, seconds: float) -> Timed:
    timed = Timed()
    wires = Wires(origin)
    async with asyncio.TaskGroup() as group:
        started = time.perf_counter()
        until = started + seconds
        for _ in range(clients):
            group.create_task(_keep_asking(wires, asks, timed, until))
    timed.elapsed_s = time.perf_counter() - started
    wires.close()
    return timed


async def _keep_asking(wires: Wires, asks: Iterator[Ask], timed: Timed, until: float) -> None:
    while time.perf_counter() < until:
        await _send(wires, next(asks), timed, time.perf_counter())


async def _send(wires: Wires, ask: Ask, timed: Timed, due: float) -> None:
    try:
        answer = await wires.ask(written(ask))
    except (OSError, EOFError) as error:
        timed.failures.append(type(error).__name__)
        return
    _note(timed, ask, answer, (time.perf_counter() - due) * 1000)


def _note(timed: Timed, ask: Ask, answer: Answer, took_ms: float) -> None:
    if answer.status == 200:
        timed.took_ms.append(took_ms)
    else:
        unmet = timed.refusals if answer.status == 400 else timed.failures
        unmet.append(f"{ask.prompt[:80]!r}: {answer.status} {answer.body[:160].decode(errors='replace')}")
