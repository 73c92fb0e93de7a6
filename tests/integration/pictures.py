# SPDX-License-Identifier: Apache-2.0
"""Pictures of seals, made here."""

import random
import struct
import zlib

SVG = (b'<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40">'
       b'<circle cx="20" cy="20" r="18" fill="none" stroke="#c00"/></svg>')


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width=40, height=40, shade=0x80, noise=False):
    """Grey, of one shade, or of all at random (the same each time), which does not compress."""
    rng = random.Random(shade)
    row = rng.randbytes if noise else lambda size: bytes([shade]) * size
    rows = b"".join(b"\0" + row(width) for _ in range(height))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
