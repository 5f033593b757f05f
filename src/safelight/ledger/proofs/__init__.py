"""Pure mathematics and formats of the log: standard library and `cryptography`, nothing else, and no input or output.

Rules of this package
- It is also packed by itself, as part of the wheel `safelight-verify`: imports among its files are relative, and a test
  proves that nothing else of Safelight is reached.
- Everything that comes from a stranger is bytes or text with a bound, parsed strictly; whatever is malformed raises
  `Malformed`, and each parser has its writer.
- Verifying a proof and making one share no code but the two hash functions.

`merkle` RFC 6962 hashing and proofs · `tiles` C2SP tlog-tiles · `note` C2SP signed-note · `checkpoint` C2SP
tlog-checkpoint · `cosignature` C2SP tlog-cosignature · `tlog_proof` C2SP tlog-proof · `witness_request` C2SP
tlog-witness · `leaf` what an entry says · `receipt` what a person holds · `audit` a whole log, read in order.
"""
