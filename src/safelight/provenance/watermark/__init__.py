"""The watermark: eight bytes, hidden in the brightness of a picture, that only the key's holder can read."""

from safelight.provenance.watermark.embed import can_carry, embed
from safelight.provenance.watermark.errors import NotMarkable
from safelight.provenance.watermark.key import WatermarkKey
from safelight.provenance.watermark.model import PAYLOAD_BYTES, NotRead, Picture, Reading, WhyNotRead
from safelight.provenance.watermark.read import carried, read

__all__ = [
    "PAYLOAD_BYTES",
    "NotMarkable",
    "NotRead",
    "Picture",
    "Reading",
    "WatermarkKey",
    "WhyNotRead",
    "can_carry",
    "carried",
    "embed",
    "read",
]
