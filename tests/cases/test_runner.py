"""The clocks' own loop: it ends when it is told to, whatever comes at the same moment."""

import asyncio

from tests.cases.house import House, report


def test_closing_right_after_a_step_ends(home: House) -> None:
    async def open_and_close() -> None:
        async with asyncio.timeout(30):
            await home.cases.start()
            await asyncio.sleep(0.2)
            await home.cases.receive(report(), "here")
            await home.cases.close()

    home.run(open_and_close())
    home.tick()
    assert home.platform.commands


def test_effects_run_however_many_wait_for_receipts(home: House) -> None:
    """Receipts go first, for a bounded time: hiding is never starved."""

    async def tick() -> None:
        await home.cases.receive(report(), "here")
        home.cases._few_wait.clear()  # as though more came than ever get receipts
        async with asyncio.timeout(30):
            await home.cases.tick()

    home.run(tick())
    assert home.platform.commands
