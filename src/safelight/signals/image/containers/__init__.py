"""What is inside an image file, read from its structure alone: nothing is inflated or decoded here.

One file a format. Each `outline_…` walks the whole container once, in bounded steps, and answers an `Outline`: how
large the pictures are, how many, what text travels with them, and the same file cut down to its pixels. What does not
walk cleanly to its end is refused, so that no second file hides behind, between or inside the parts that were judged.
"""
