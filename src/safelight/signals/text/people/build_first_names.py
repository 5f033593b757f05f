"""Makes `first_names.trie` again from the name lists of Faker (MIT): `pip install .[build]`, then run this file.

Kept are names of three letters or more, each in the one spelling of `spelling.py`, that are no common English words.
"""

import importlib
import pkgutil
from pathlib import Path

import marisa_trie  # type: ignore[import-not-found]  # ships no type hints

from safelight.signals.text.people.spelling import spoken

COMMON_ZIPF = 4.0
"""From this frequency on an English word is more often a word than a name."""


def names() -> set[str]:
    """Every first name that Faker has, in any of its languages."""
    import faker.providers.person  # type: ignore[import-not-found]  # installed for this run only
    from wordfreq import zipf_frequency  # type: ignore[import-not-found]  # as above

    found: set[str] = set()
    for module in pkgutil.iter_modules(faker.providers.person.__path__):
        provider = importlib.import_module(f"faker.providers.person.{module.name}").Provider
        for field in ("first_names", "first_names_male", "first_names_female", "first_names_nonbinary"):
            listed = getattr(provider, field, ())
            for name in () if isinstance(listed, property) else listed:
                keys = spoken(str(name))
                common = zipf_frequency(str(name).lower(), "en") >= COMMON_ZIPF
                if len(keys) == 1 and len(keys[0]) >= 3 and not common:
                    found.add(keys[0])
    return found


if __name__ == "__main__":
    made = marisa_trie.Trie(sorted(names()))
    made.save(str(Path(__file__).with_name("first_names.trie")))
    print(f"{len(made)} names")  # noqa: T201 (a script that tells what it made)
