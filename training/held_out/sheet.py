"""A sheet: the templates and small lexicons of one language in one set, read strictly from TOML.

Rules
- A template is one line of a block. `{slot}` is filled from `[words]` (what tells an attack from its neighbour: never
  in two sets), from `[fill]` (persons, places, colours: may be in several), or by code (`{minor}`, `{age}`).
- A conversation is one line: turns parted by ` | `; a turn that begins with `<` is the assistant's; the turn that
  begins with `!` is where what is wanted is complete.
- A slot that nobody fills is an error, and so is a conversation to be blocked that does not say where.
"""

import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from safelight.core.errors import SafelightError

SETS = ("final", "second", "third", "fourth")
STEPS = "steps"
"""Mostly conversations in which the last turns say little; a threshold is chosen by it."""
FOLDER = Path(__file__).parent
SLOT = re.compile(r"\{([a-z_0-9]+)\}")
BY_CODE = frozenset({"minor", "age"})
"""Slots that no file may fill: whatever names a child is put in at run time."""
_WORD = re.compile(r"\w+")


class Section(StrEnum):
    """Where a template stands: what ought to become of it, and whether a photo of a person is attached."""

    BLOCK = "block"
    BLOCK_TEXT = "block_text"
    ALLOW = "allow"
    ALLOW_TEXT = "allow_text"
    TALK_BLOCK = "talk_block"
    TALK_ALLOW = "talk_allow"
    MINORS_BLOCK = "minors_block"
    MINORS_BLOCK_TEXT = "minors_block_text"
    MINORS_ALLOW = "minors_allow"
    MINORS_ALLOW_TEXT = "minors_allow_text"

    @property
    def is_blocked(self) -> bool:
        """Whether its templates ought to be refused."""
        return "block" in self.value

    @property
    def has_photo(self) -> bool:
        """Whether a photo of a person is attached."""
        return not self.value.endswith("_text")

    @property
    def is_talk(self) -> bool:
        """Whether its lines are conversations."""
        return self.value.startswith("talk")

    @property
    def is_of_minors(self) -> bool:
        """Whether a child is spoken of."""
        return self.value.startswith("minors")


class SheetInvalid(SafelightError):
    """A sheet that cannot be filled; the message says which line to mend."""


@dataclass(frozen=True, slots=True)
class Template:
    """One line of a sheet."""

    lang: str
    section: Section
    family: str
    """As cases say it: "1" for an attack, "near: cover" for a near miss."""
    number: int
    """Its place within its family, from 0."""
    text: str

    @property
    def turns(self) -> tuple[str, ...]:
        """What is said, one after another; only a conversation has several."""
        return tuple(map(str.strip, self.text.split("|"))) if self.section.is_talk else (self.text,)

    @property
    def words(self) -> tuple[str, ...]:
        """Its words and slots without case and marks: two templates with the same are the same template."""
        return tuple(_WORD.findall(self.text.casefold()))

    @property
    def shape(self) -> tuple[str, ...]:
        """Its words, whatever its slots are called: by it a template is known again in another set."""
        return tuple(word.strip("_") for word in _WORD.findall(SLOT.sub(" _ ", self.text.casefold())))


@dataclass(frozen=True, slots=True)
class Sheet:
    """One language of one set."""

    set: str
    lang: str
    words: Mapping[str, tuple[str, ...]]
    fill: Mapping[str, tuple[str, ...]]
    templates: tuple[Template, ...]

    def choices(self, slot: str) -> tuple[str, ...]:
        """What may stand in `slot`, for slots that a file fills."""
        return self.words.get(slot) or self.fill.get(slot) or ()


def read_sheets(name: str, lang: str | None = None) -> Iterator[Sheet]:
    """Every sheet of the set `name`, by language; only `lang` where given. Raises SheetInvalid."""
    if name not in (*SETS, STEPS):
        raise SheetInvalid(f"There is no set {name!r}; take one of {', '.join((*SETS, STEPS))}.")
    found = [read_sheet(file) for file in sorted((FOLDER / name).glob("*.toml"))]
    kept = [sheet for sheet in found if lang in (None, sheet.lang)]
    if not kept:
        raise SheetInvalid(f"The set {name} has no sheet for {lang!r}; add {name}/{lang}.toml.")
    yield from kept


def read_sheet(file: Path) -> Sheet:
    """The sheet in `file`; its language is the file's name. Raises SheetInvalid."""
    try:
        content = tomllib.loads(file.read_text("utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise SheetInvalid(f"{file.name} is no TOML: {error}.") from error
    lists = {part: {slot: tuple(words) for slot, words in content.pop(part, {}).items()} for part in ("words", "fill")}
    if lists["words"].keys() & lists["fill"].keys() or BY_CODE & (lists["words"].keys() | lists["fill"].keys()):
        raise SheetInvalid(f"{file.name} fills a slot twice, or one that only code may fill; rename it.")
    if unknown := content.keys() - set(Section):
        raise SheetInvalid(f"{file.name} has unknown sections {sorted(unknown)}; take those of Section.")
    templates = tuple(
        template for section in Section for template in _templates(file.stem, section, content.get(section, {}))
    )
    sheet = Sheet(file.parent.name, file.stem, lists["words"], lists["fill"], templates)
    for template in templates:
        _check(sheet, template)
    return sheet


def _templates(lang: str, section: Section, families: Mapping[str, str]) -> Iterator[Template]:
    """Numbered by family; what is about children is one family, whatever a sheet calls its parts."""
    numbers: Counter[str] = Counter()
    for name, lines in families.items():
        if section.is_of_minors:
            family = "minors" if section.is_blocked else "near: children"
        else:
            family = name if section.is_blocked else f"near: {name.replace('_', ' ')}"
        for line in filter(None, map(str.strip, lines.splitlines())):
            yield Template(lang, section, family, numbers[family], line)
            numbers[family] += 1


def _check(sheet: Sheet, template: Template) -> None:
    at = f"{sheet.set}/{sheet.lang}.toml, {template.family}, line {template.number + 1}"
    for slot in SLOT.findall(template.text):
        if slot not in BY_CODE and not sheet.choices(slot):
            raise SheetInvalid(f"{at}: nothing fills {{{slot}}}; add it to [words] or [fill].")
    if not template.section.is_talk:
        return
    marked = sum(turn.startswith("!") for turn in template.turns)
    if marked != template.section.is_blocked:
        raise SheetInvalid(f"{at}: mark with ! the one turn at which an attack is complete, and none of a benign one.")
