"""The database of the running Safelight, for commands that read or change it."""

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from pydantic_settings import DotEnvSettingsSource
from sqlalchemy import Connection

from safelight.settings import Settings
from safelight.store.database import Database, make_data_dir, sqlite_url

T = TypeVar("T")

DataDir = Annotated[Path | None, typer.Option(help="The data folder of the running Safelight.")]


def settings_of(data_dir: Path | None) -> Settings:
    """The settings in force, with the data folder that was named, made if it is not there. Raises NotStartable."""
    settings = Settings() if data_dir is None else Settings(data_dir=data_dir)
    make_data_dir(settings.data_dir)
    return settings


_OF_JUDGING = (
    "policy_file",
    "policy_profile",
    "observe_deadline_s",
    "fetch_allow_http",
    "cores",
    "copy_model_file",
    "copy_model_cosine",
)


def trial_settings(folder: Path, **chosen: object) -> Settings:
    """Settings for trying the gate out in a data folder of its own.

    The operator's settings of how to judge hold, and `chosen`; none of the service's does: a trial must not write the
    service's log on, nor sign with its key, tell its platform, or be refused because that one is in production.
    """
    operators = Settings()
    judging = {name: getattr(operators, name) for name in _OF_JUDGING}
    trial: dict[str, Any] = {"data_dir": folder, "open": True} | judging | chosen
    return Settings.model_construct(**trial)  # unlike the constructor, this one reads no environment


def unknown_settings(environment: Iterable[str]) -> list[str]:
    """Names that look like settings and are none, in `environment` and in the `.env` file.

    A misspelt one would be passed over in silence.
    """
    known = {f"SAFELIGHT_{name.upper()}" for name in Settings.model_fields}
    in_file = {name.upper() for name in DotEnvSettingsSource(Settings).env_vars}
    return sorted(
        name for name in {*environment, *in_file} if name.startswith("SAFELIGHT_") and name.upper() not in known
    )


def in_database(data_dir: Path | None, work: Callable[[Connection], T]) -> T:
    """Run `work` in one transaction. Raises StoreFailed."""
    settings = settings_of(data_dir)
    database = Database(settings.database_url or sqlite_url(settings.data_dir / "safelight.db"))
    try:
        database.migrate()
        return asyncio.run(database.write(work))
    finally:
        database.close()
