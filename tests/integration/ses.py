# SPDX-License-Identifier: Apache-2.0
"""Electronic seals of GB/T 38540-2020 and signatures with them, as somebody else would write them."""

import hashlib
import struct
import zlib

from pki import der, moment, openssl

ALGORITHMS = {False: "1.2.840.10045.4.3.2", True: "1.2.156.10197.1.501"}  # by Owner.sm2


# --- DER ------------------------------------------------------------------------------------------


def tlv(tag, *contents):
    content = b"".join(contents)
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def seq(*contents):
    return tlv(0x30, *contents)


def integer(number):
    return tlv(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def octets(data):
    return tlv(0x04, data)


def bits(data):
    return tlv(0x03, b"\0", data)


def ia5(text):
    return tlv(0x16, text.encode())


def utf8(text):
    return tlv(0x0c, text.encode())


def when(days):
    return tlv(0x18, moment(days).strftime("%Y%m%d%H%M%SZ").encode())


def oid(dotted):
    first, second, *rest = map(int, dotted.split("."))
    out = bytes([40 * first + second])
    for number in rest:
        group = bytes([number & 0x7f])
        while number := number >> 7:
            group = bytes([0x80 | number & 0x7f]) + group
        out += group
    return tlv(0x06, out)


# --- what is in them ------------------------------------------------------------------------------


def png(side=4):
    """A grey square."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress((b"\0" + b"\x80" * side) * side)) + chunk(b"IEND", b""))


def digest(owner, data):
    return bytes.fromhex(openssl("dgst", "-sm3", "-r", data=data).split()[0].decode()) if owner.sm2 \
        else hashlib.sha256(data).digest()


def extension(identifier="1.2.3.4", critical=False, always=True):
    """critical is written always, as real files do, or where DER wants it."""
    flag = tlv(0x01, b"\xff" if critical else b"\0") if critical or always else b""
    return seq(oid(identifier), flag, octets(b"\x05\0"))


def seal(maker, certificates, number="50011200000001", version=4, kind=4, name="Acme Contracts",
         since=-20, until=200, picture=None, picture_type="PNG", extensions=(), tag=0x30, listed=1,
         value=None, spell=lambda value: value):
    """SESeal. certificates are owners; value signs in place of maker; spell writes its signature."""
    listing = seq(*(octets(der(owner.cert)) for owner in certificates)) if listed == 1 else \
        seq(*(seq(tlv(0x13, b"SM3" if maker.sm2 else b"SHA-256"),
                  octets(digest(maker, der(owner.cert)))) for owner in certificates))
    extended = {0x30: seq, 0xa0: lambda *all: tlv(0xa0, seq(*all))}[tag](*extensions) if extensions else b""
    info = seq(seq(ia5("ES"), integer(version), ia5("Acme")), ia5(number),
               seq(integer(kind), utf8(name), integer(listed), listing, when(-20), when(since), when(until)),
               seq(ia5(picture_type), octets(png() if picture is None else picture), integer(42), integer(42)),
               extended)
    return seq(info, octets(der(maker.cert)), oid(ALGORITHMS[maker.sm2]),
               bits(spell((value or maker).sign(info))))


def signature(signer, sealed, document, version=4, time=-0.5, value=None, extensions=b"", stamp=b"",
              about="whole document", spell=lambda value: value):
    """SES_Signature."""
    to_sign = seq(integer(version), sealed, when(time), bits(digest(signer, document)), ia5(about), extensions)
    return seq(to_sign, octets(der(signer.cert)), oid(ALGORITHMS[signer.sm2]),
               bits(spell((value or signer).sign(to_sign))), stamp)
