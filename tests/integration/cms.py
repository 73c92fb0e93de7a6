# SPDX-License-Identifier: Apache-2.0
"""CMS signatures as somebody else would write them, every part open to change (RFC 5652, GB/T 35275)."""

import hashlib

from pki import der, moment, openssl
from ses import digest, integer, octets, oid, seq, tlv

SIGNED_DATA = {False: "1.2.840.113549.1.7.2", True: "1.2.156.10197.6.1.4.2.2"}  # by Owner.sm2
DATA = {False: "1.2.840.113549.1.7.1", True: "1.2.156.10197.6.1.4.2.1"}
HASH = {False: "2.16.840.1.101.3.4.2.1", True: "1.2.156.10197.1.401"}
SIGNATURE = {False: "1.2.840.10045.4.3.2", True: "1.2.156.10197.1.301.1"}
CONTENT_TYPE, MESSAGE_DIGEST, SIGNING_TIME = (f"1.2.840.113549.1.9.{n}" for n in (3, 4, 5))
SIGNING_CERTIFICATE, TIME_STAMP = (f"1.2.840.113549.1.9.16.2.{n}" for n in (47, 14))


def attribute(identifier, *values):
    return seq(oid(identifier), tlv(0x31, *values))


def inner(encoded, *path):
    """The TLV at a path of positions in nested ones."""
    at = 0

    def header(at):
        size, start = encoded[at + 1], at + 2
        if size >= 0x80:
            start += size & 0x7f
            size = int.from_bytes(encoded[at + 2:start], "big")
        return start, start + size

    for position in path:
        at = header(at)[0]
        for _ in range(position):
            at = header(at)[1]
    return encoded[at:header(at)[1]]


def attributes(signer, document, sm2, named=None, time=-0.5, content_type=None, more=()):
    """The set of signed ones; named is the owner whose certificate is the signing one."""
    certificate = der((named or signer).cert)
    listed = seq(seq(seq(oid(HASH[True])), octets(digest(signer, certificate)))) if sm2 else \
        seq(seq(octets(hashlib.sha256(certificate).digest())))
    every = [attribute(CONTENT_TYPE, oid(content_type or DATA[sm2])),
             attribute(MESSAGE_DIGEST, octets(digest(signer, document))),
             attribute(SIGNING_CERTIFICATE, seq(listed)), *more]
    if time is not None:
        every.append(attribute(SIGNING_TIME, tlv(0x17, moment(time).strftime("%y%m%d%H%M%SZ").encode())))
    return sorted(every)


def signature(signer, document, embedded=False, certificates=None, value=None, unsigned=lambda value: b"",
              signers=1, spell=lambda value: value, **words):
    """ContentInfo. unsigned gives the unsigned attributes from the signature's value."""
    sm2 = signer.sm2
    signed = attributes(signer, document, sm2, **words)
    certificate = der(signer.cert)
    issuer, serial = inner(certificate, 0, 3), inner(certificate, 0, 1)
    made = spell((value or signer).sign(tlv(0x31, *signed)))
    info = seq(integer(1), seq(issuer, serial), seq(oid(HASH[sm2])), tlv(0xa0, *signed), seq(oid(SIGNATURE[sm2])),
               octets(made), unsigned(made))
    content = tlv(0xa0, octets(document)) if embedded else b""
    owners = [signer] if certificates is None else certificates
    enclosed = tlv(0xa0, *sorted(der(owner.cert) for owner in owners)) if owners else b""
    return seq(oid(SIGNED_DATA[sm2]), tlv(0xa0, seq(
        integer(1), tlv(0x31, seq(oid(HASH[sm2]))), seq(oid(DATA[sm2]), content), enclosed,
        tlv(0x31, *([info] * signers)))))


def time_stamp(authority, value, folder):
    """An unsigned attribute with the token that an authority gives for the signature's value."""
    return tlv(0xa1, attribute(TIME_STAMP, token(authority, value, folder)))


TSA = """\
[tsa]
default_tsa = this
[this]
serial = {folder}/tsa-serial
crypto_device = builtin
signer_cert = {cert}
signer_key = {key}
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
ess_cert_id_alg = sha256
"""


def token(authority, value, folder):
    (folder / "tsa.conf").write_text(TSA.format(folder=folder, cert=authority.cert, key=authority.key))
    (folder / "stamped").write_bytes(value)
    if not (folder / "tsa-serial").exists():
        (folder / "tsa-serial").write_text("01\n")
    openssl("ts", "-query", "-data", folder / "stamped", "-sha256", "-cert", "-out", folder / "stamp.tsq")
    openssl("ts", "-reply", "-config", folder / "tsa.conf", "-queryfile", folder / "stamp.tsq", "-out",
            folder / "stamp.tsr")
    return openssl("ts", "-reply", "-in", folder / "stamp.tsr", "-token_out")
