"""Marks: what says that a picture was made here, and what leads from a picture in hand back to its request.

`credentials/` signed statements in the file (C2PA) · `watermark/` an invisible id in the pixels · `pixels.py` pictures
written again in their own format · `register.py` the outputs by id and fingerprint · `trace.py` all three together.
"""
