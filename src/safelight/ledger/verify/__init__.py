"""`safelight-verify`: one command for outsiders, who install nothing else of Safelight.

With `proofs` beside it this is the wheel `safelight-verify` (folder `verify/` of the repository), so imports are
relative and reach the standard library, `cryptography` and `..proofs` only.
"""
