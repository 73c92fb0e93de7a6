# SPDX-License-Identifier: Apache-2.0
"""Pictures of seals, made here."""

import struct
import zlib

SVG = (b'<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40">'
       b'<circle cx="20" cy="20" r="18" fill="none" stroke="#c00"/></svg>')


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width=40, height=40, shade=0x80):
    """Grey, one shade."""
    rows = (b"\0" + bytes([shade]) * width) * height
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
