"""Everything that can be wrong with a log, as seen from outside.

ProofError
├── Malformed            bytes that are not what their format asks for
├── SignatureInvalid     no trusted key signed it, or a trusted key's signature is false
├── InclusionFailed      the leaf is not in the tree at that place
├── ConsistencyFailed    the smaller tree is not the beginning of the larger one: a fork, a change or a rollback
└── Unavailable          a part of the log that should be there could not be had
"""


class ProofError(Exception):
    """Something that a verifier found. `code` is stable; the message says what it means."""

    code = "proof_error"


class Malformed(ProofError):
    """Bytes that are not what their format asks for."""

    code = "malformed"


class SignatureInvalid(ProofError):
    """No trusted key signed it, or a trusted key's signature is false."""

    code = "signature_invalid"


class InclusionFailed(ProofError):
    """The leaf is not in the tree at that place."""

    code = "inclusion_failed"


class ConsistencyFailed(ProofError):
    """The smaller tree is not the beginning of the larger one: a fork, a change or a rollback."""

    code = "consistency_failed"


class Unavailable(ProofError):
    """A part of the log that should be there could not be had."""

    code = "unavailable"
