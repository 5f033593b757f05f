"""GIF (89a): a screen, then images and extensions made of sub-blocks, then one trailer byte."""

import struct

from safelight.signals.image.containers.model import Block, BlockKind, Format, Outline, corrupt, require_padding

SIGNATURES = (b"GIF87a", b"GIF89a")

_MAX_SUB_BLOCKS = 400_000
"""A 50 MB picture in full sub-blocks of 255 bytes has 206,000."""
_MAX_PARTS = 20_000
_EXTENSION, _IMAGE, _TRAILER = 0x21, 0x2C, 0x3B
_CONTROL, _COMMENT, _PLAIN_TEXT, _APPLICATION = 0xF9, 0xFE, 0x01, 0xFF


def outline_gif(content: bytes) -> Outline:
    """Walk the blocks. Raises BadInput for what is truncated or followed by more.

    Width and height are those of the canvas grown to hold every image: readers differ on images beyond the screen.
    """
    width, height, flags = struct.unpack_from("<6xHHB", content)
    position = 13 + _table_bytes(flags)
    kept = [content[:position]]
    blocks: list[Block] = []
    budget = _MAX_SUB_BLOCKS
    frames = 0
    for _ in range(_MAX_PARTS):
        mark = content[position]
        if mark == _TRAILER:
            break
        if mark == _IMAGE:
            left, top, image_width, image_height, flags = struct.unpack_from("<x4HB", content, position)
            data = position + 10 + _table_bytes(flags) + 1
            end, budget = _sub_blocks_end(content, data, budget)
            width, height = max(width, left + image_width), max(height, top + image_height)
            frames += 1
            kept.append(content[position:end])
        elif mark == _EXTENSION:
            label = content[position + 1]
            end, budget = _sub_blocks_end(content, position + 2, budget)
            if label == _CONTROL:
                kept.append(content[position:end])
            elif label in {_COMMENT, _PLAIN_TEXT}:
                blocks.append(Block(BlockKind.TEXT, _joined(content, position + 2, end)))
            elif label == _APPLICATION and content[position + 3 : position + 14] == b"XMP DataXMP":
                blocks.append(Block(BlockKind.XMP, content[position + 14 : end]))
        else:
            raise corrupt("the GIF has bytes between its blocks")
        position = end
    else:
        raise corrupt("the GIF is cut into more blocks than any picture needs")
    if not frames:
        raise corrupt("the GIF holds no picture")
    require_padding(content[position + 1 :])
    kept.append(bytes([_TRAILER]))
    return Outline(Format.GIF, width, height, frames, b"".join(kept), False, tuple(blocks))


def _table_bytes(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _sub_blocks_end(content: bytes, position: int, budget: int) -> tuple[int, int]:
    """Where the sub-blocks from `position` end, and how many more the file may have."""
    while length := content[position]:
        position += length + 1
        budget -= 1
        if budget < 0:
            raise corrupt("the GIF is cut into more blocks than any picture needs")
    return position + 1, budget


def _joined(content: bytes, position: int, end: int) -> bytes:
    parts = []
    while position < end and (length := content[position]):
        parts.append(content[position + 1 : position + 1 + length])
        position += length + 1
    return b"".join(parts)
