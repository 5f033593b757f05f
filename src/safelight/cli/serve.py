"""`safelight serve`."""

import asyncio
import gc
import os
import signal
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import structlog
import typer
import uvicorn
import uvloop

from safelight.cli.database import unknown_settings
from safelight.settings import BackendName, ProfileName, Settings

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_STOP_S = 30
"""How long requests under way may take once the service is told to stop."""
_GIVEN_UP_S = 5.0
"""How long those may take to be answered and recorded that were not done by then."""

HELP = """Run the gate.

Example: `safelight serve --backend openai --upstream-url http://127.0.0.1:9000/v1`, then point the OpenAI client's
`base_url` at `http://127.0.0.1:8484/v1`. Every option can also be set as `SAFELIGHT_…` in the environment.
"""


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
    backend: Annotated[BackendName | None, typer.Option(help="The image model behind the gate.")] = None,
    upstream_url: Annotated[str | None, typer.Option(help="Base address of an OpenAI-compatible upstream.")] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Folder for the database and the digest key.")] = None,
    policy_file: Annotated[Path | None, typer.Option("--policy", help="Policy file; none: the default.")] = None,
    profile: Annotated[ProfileName | None, typer.Option(help="Packaged policy, where no file is given.")] = None,
    open_door: Annotated[bool | None, typer.Option("--open", help="Ask for no API key; loopback only.")] = None,
    try_page: Annotated[bool | None, typer.Option("--try-page", help="Serve the page at /try; with --open.")] = None,
    as_json: Annotated[bool | None, typer.Option("--json", help="Log lines as JSON (the default).")] = None,
) -> None:
    """Run the gate until it is told to stop."""
    chosen = {
        "host": host,
        "port": port,
        "backend": backend,
        "upstream_url": upstream_url,
        "data_dir": data_dir,
        "policy_file": policy_file,
        "policy_profile": profile,
        "open": open_door,
        "try_page": try_page,
        "log_json": as_json,
    }
    settings = settings_from(chosen)
    configure_logs(as_json=settings.log_json)
    for name in unknown_settings(os.environ):
        structlog.get_logger().warning("unknown_setting", name=name, message="No setting has this name: misspelt?")
    # Next to nothing that is made until the gate is open is garbage, and looking for it took a sixth of the start.
    gc.disable()
    try:
        uvloop.run(run(settings))
    except asyncio.CancelledError:
        message = "Told to stop before the gate was open: nobody was served, and what was opened is closed again."
        structlog.get_logger().info("stopped_early", message=message)
    finally:
        gc.enable()


def settings_from(chosen: Mapping[str, object]) -> Settings:
    """The settings, with what was `chosen` on the command line before them."""
    given: dict[str, Any] = {name: value for name, value in chosen.items() if value is not None}
    if "policy_profile" in given:
        if "policy_file" in given:
            raise typer.BadParameter("give --policy or --profile, not both")
        given["policy_file"] = None  # one from the environment would go before the profile
    return Settings(**given)


async def run(settings: Settings) -> None:
    """Open the gate, serve until a signal, close it.

    Raises NotStartable, and CancelledError where the signal came before it was open.
    """
    _give_up_when_told()
    # Imported here: `safelight --help` need not wait for the detectors' libraries.
    from safelight.web.app import create_app
    from safelight.wiring import Safelight

    async with Safelight(settings) as safelight:
        app = create_app(safelight)
        _leave_alone_what_stands()

        def announce(address: str) -> None:
            structlog.get_logger().info(
                "open_gate",
                address=address,
                backend=safelight.backend.name,
                policy_version=safelight.policy.version,
                load_seconds={name: round(seconds, 3) for name, seconds in safelight.load_seconds.items()},
            )

        await serve_until_signal(make_server(app, settings, announce))


def _give_up_when_told() -> None:
    """On SIGINT or SIGTERM from here on, cancel this task: what is open by then is closed on the way out."""
    task = asyncio.current_task()
    assert task  # noqa: S101 (this is called in a coroutine)

    def give_up(_number: int, _frame: object) -> None:
        if not task.cancelling():  # told once more, it would not close to the end
            task.cancel()

    for one in _SIGNALS:
        signal.signal(one, give_up)


async def serve_until_signal(server: uvicorn.Server) -> None:
    """Serve until SIGINT or SIGTERM, answer what is under way, and return so that the parts are closed behind it."""

    def stop(_number: int, _frame: object) -> None:
        # uvicorn raises the signal once more when it is done. Python's own handlers would then end the process before
        # the log was told that it stops, and every stop would look like a crash.
        server.should_exit = True

    for one in _SIGNALS:
        signal.signal(one, stop)
    await server.serve()
    if given_up := list(server.server_state.tasks):  # told to end, not waited for: what they decided is recorded first
        await asyncio.wait(given_up, timeout=_GIVEN_UP_S)


def _leave_alone_what_stands() -> None:
    """Collect garbage from now on, but never look at what stands: each full look held every request up for 0.1 s."""
    gc.collect()
    gc.freeze()
    gc.enable()


class _Server(uvicorn.Server):
    """uvicorn, which says where it listens once it does: port 0 is another one by then, and a taken one is none."""

    announce: Callable[[str], None]

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then say so."""
        await super().startup(sockets)
        host = f"[{self.config.host}]" if ":" in self.config.host else self.config.host
        self.announce(f"http://{host}:{self.servers[0].sockets[0].getsockname()[1]}")


def make_server(app: Any, settings: Settings, announce: Callable[[str], None] = lambda _: None) -> uvicorn.Server:
    """uvicorn, set as we want it: no access log (it would hold addresses), bounded headers and keep-alive.

    `announce` is called with its address once it listens.
    """
    server = _Server(
        uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            access_log=False,
            log_level="warning",
            server_header=False,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=_STOP_S,
            h11_max_incomplete_event_size=64 * 1024,
        )
    )
    server.announce = announce
    return server


def configure_logs(*, as_json: bool) -> None:
    """Structured lines on standard output; never a prompt, an image or an account in them."""
    renderer: Any = structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(20),
        logger_factory=structlog.PrintLoggerFactory(),
    )
