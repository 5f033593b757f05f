"""The words of the pages, one file a language (`words/*.toml`), read once and strictly.

Rules of this module
- Every language has every key of the English one, with the same {places to fill in}; otherwise nothing starts.
- Words are plain text. The templates escape them like everything else.
- A person is never made to choose a language before they can read the page: the browser's wish is taken first.
"""

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files

from babel import Locale
from babel.dates import format_datetime
from babel.units import format_unit
from markupsafe import Markup, escape

from safelight.core.errors import NotStartable

LANGUAGES = ("en", "cy", "fr", "de", "es", "pl", "ar", "hi")
"""In the order in which the pages list them."""
_HOURS = {"cy": "{} awr"}
"""Where the packaged CLDR has no word for hours."""
_FILLED_IN = re.compile(r"\{(\w+)\}")
_WISH = re.compile(r"\s*([A-Za-z]{2,3})(?:-[A-Za-z0-9-]+)?\s*(?:;\s*q=([01](?:\.[0-9]{0,3})?))?\s*")


@dataclass(frozen=True, slots=True)
class Words:
    """The pages in one language."""

    language: str
    """BCP 47."""
    texts: Mapping[str, str]

    @property
    def direction(self) -> str:
        """`ltr` or `rtl`."""
        return self.texts["direction"]

    def __call__(self, key: str, **filled: object) -> str:
        """The words under `key`. Raises KeyError for a key that no language has."""
        return self.texts[key].format(**filled)

    def moment(self, at: datetime) -> str:
        """A moment as this language writes it, in UTC, which is said."""
        return format_datetime(at, f"d MMMM y{self._comma} HH:mm 'UTC'", locale=self.language)

    def time(self, at: datetime) -> Markup:
        """A moment as an element, which the script of the page turns into the reader's own time."""
        return Markup('<time datetime="{}">{}</time>').format(at.isoformat(), self.moment(at))

    def at(self, key: str, when: datetime, **filled: object) -> Markup:
        """The words under `key`, with a moment in them."""
        return Markup(escape(self.texts[key])).format(when=self.time(when), **filled)  # noqa: S704 (escaped here)

    def span(self, seconds: float) -> str:
        """So much time in hours and minutes, or only one of them; a minute is the least."""
        hours, minutes = divmod(max(1, int(seconds // 60)), 60)
        if not hours:
            return self._count(minutes, "minute")
        told = _HOURS[self.language].format(hours) if self.language in _HOURS else self._count(hours, "hour")
        return self("hours_and_minutes", hours=told, minutes=self._count(minutes, "minute")) if minutes else told

    def _count(self, count: int, unit: str) -> str:
        return format_unit(count, f"duration-{unit}", locale=self.language)

    def place(self, place: str) -> str:
        """Where a hotline helps: codes of countries and of the world (CLDR) by their names in this language.

        Anything else stays as the operator wrote it.
        """
        names = Locale(self.language).territories
        said = [names.get(part, part) for part in place.split(", ")]
        said[0] = said[0][:1].upper() + said[0][1:]
        return f"{self._comma} ".join(said)

    @property
    def _comma(self) -> str:
        return "،" if self.language == "ar" else ","


def packaged_texts(language: str) -> Mapping[str, str]:
    """The file of one language. Raises NotStartable."""
    try:
        texts = tomllib.loads(files(__package__).joinpath("words", f"{language}.toml").read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise NotStartable(f"The words in {language!r} cannot be read; install Safelight again.") from error
    if not all(isinstance(text, str) for text in texts.values()):
        raise NotStartable(f"The words in {language!r} hold something that is no text.")
    return texts


def load_words(texts_of: Callable[[str], Mapping[str, str]] = packaged_texts) -> Mapping[str, Words]:
    """Every language. Raises NotStartable for a file that is not whole."""
    found = {language: Words(language, texts_of(language)) for language in LANGUAGES}
    english = found["en"].texts
    for words in found.values():
        if odd := english.keys() ^ words.texts.keys():
            raise NotStartable(f"The words in {words.language!r} and in English differ in {', '.join(sorted(odd))}.")
        for key, text in words.texts.items():
            if sorted(_FILLED_IN.findall(text)) != sorted(_FILLED_IN.findall(english[key])):
                raise NotStartable(f"The words under {key!r} in {words.language!r} fill in something else.")
    return found


def wished_language(accept_language: str) -> str:
    """The language of ours that a browser wishes most (RFC 9110, 12.5.4); English where it wishes none of them."""
    wishes = []
    for place, part in enumerate(accept_language[:500].split(",")):
        wish = _WISH.fullmatch(part)
        if wish and (language := wish[1].lower()) in LANGUAGES:
            wishes.append((-float(wish[2] or 1), place, language))
    return min(wishes)[2] if wishes and min(wishes)[0] < 0 else "en"
