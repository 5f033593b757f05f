"""Who else can help: hotlines and helplines by their own names, from a TOML file that the operator may replace."""

import tomllib
from collections.abc import Sequence
from enum import StrEnum
from importlib.resources import files
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from safelight.core.errors import NotStartable

Line = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")]


class HelpFor(StrEnum):
    """Whom a service is for."""

    UNDER_18 = "under_18"
    ADULT = "adult"
    TALK = "talk"
    """Somebody to talk to, for those under 18."""


class Hotline(BaseModel):
    """One service. Its name stays as it calls itself, in every language."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Line
    whom: HelpFor = Field(alias="for")
    address: Annotated[str, StringConstraints(max_length=300, pattern=r"^https://[^\s<>\"']+$")]
    place: Line
    telephone: str = Field("", max_length=40, pattern=r"^[0-9 +()-]*$")


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    hotline: tuple[Hotline, ...]


def load_hotlines(path: Path | None = None) -> Sequence[Hotline]:
    """The operator's file, or the packaged one. Raises NotStartable."""
    source = path or files(__package__).joinpath("hotlines.toml")
    try:
        return _File.model_validate(tomllib.loads(source.read_text("utf-8"))).hotline
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, ValidationError) as error:
        raise NotStartable(f"The hotlines in {source} cannot be used; reports/hotlines.toml shows the form.") from error
