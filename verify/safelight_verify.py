"""Verify a Safelight transparency log without trusting who runs it: `proofs` the mathematics, `verify` the command."""
