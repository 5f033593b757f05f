"""The transparency log: every decision is a leaf, committed before the answer leaves, and verified by outsiders.

`proofs` is pure mathematics and formats (also packed by itself, for verifiers) · `verify` reads a published log ·
`draft` what a room asks to be logged · `append` writes leaves in the caller's transaction · `integrate` puts them into
the tree and signs the head · `witness` has others sign it · `subject_keys` opens and erases.
"""
