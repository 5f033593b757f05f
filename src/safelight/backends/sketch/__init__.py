"""Pictures without a model, for trying the gate: loose scenes from words, and simple real edits of a photo.

It knows no person and can draw none; every picture says in its corner that no model made it.
`words` what is understood · `scene` and `things` drawing · `subject` who stands in front · `edit` changing a photo ·
`finish` size, caption and format · `backend` the port.
"""

from safelight.backends.sketch.backend import SketchBackend

__all__ = ["SketchBackend"]
