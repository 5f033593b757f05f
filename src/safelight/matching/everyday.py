"""Hashes of pictures that everybody has, so that a list that would match one of them is noticed.

They are the PDQ hashes of sample pictures that the scikit-image package carries and that may be shown to anyone; the
name is the file's. `tests/matching/test_intake.py` works them out again.
"""

from collections.abc import Mapping

EVERYDAY: Mapping[str, bytes] = {
    name: bytes.fromhex(text)
    for name, text in (
        ("brick", "bed7058ba2005a4b071bb8a4cc6278789fbc02cfcd30d1d73fa71673c67945d2"),
        ("camera", "dc9c9d3b746978f888f40ce6e5c3f70f7266623e8d989cb99f21f2010841e1c7"),
        ("cell", "32966e6bad6952d352e92d56add6526993292c96d36955692a96aa965569512b"),
        ("chelsea", "5feb5321f01da156898e2bf629a5d3438412cdbd23f48942464526315db33ffd"),
        ("chessboard_GRAY", "1f2a15003f2aff2abf2aff2abf2aff2a00d500d5bf2a00d5bf2a00d5bf2a00d5"),
        ("coins", "8ee552196df86aa552b514e6e505e0319aeb1aaea4a5d935dd4a675a1a56a555"),
        ("color", "94939c2c53c7530c4a93f5b42ad6ae3cab4b38c64516c5f4549b9d98aaeb3363"),
        ("grass", "4d9744ef90f2838aad0cc467c8d3a1f626c43658a77772688de65daa09c38bb7"),
        ("gravel", "175218961ce0d0e173a59bdf48d052f73a3c1632c4927712365efbbe569c8177"),
        ("horse", "690d885b2f16c1de5966d6f2fa01a2d8a857ae1eb5d645d6d93634b001a5e92f"),
        ("hubble_deep_field", "1c6715e46266634f72d42df2324ad397e70e86be9c665c59a42ec19c3369b919"),
        ("logo", "6a5916e4be3dd9abbd686d06c07c0f9b52b9b0e64fe19e1ceb1059b611032e49"),
        ("moon", "131645cde366d981e1e371b264d8b25b9e4d13771d8c4f366d946ca57133d0c9"),
        ("page", "965b26d62ed3636b192ccdddcc91d88c3925812979849815e37b1cce4732a6fb"),
        ("phantom", "18670ce379b379a669e66196a18784c38793d38e16ce279c681edc63b179639c"),
        ("text", "f46721c01b1bd9936bb5cde6660a8a12430c6c9d25d95e47cbe2a6b89d6e6786"),
    )
}
"""By the name of the sample."""
