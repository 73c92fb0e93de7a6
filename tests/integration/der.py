# SPDX-License-Identifier: Apache-2.0
"""DER for tests: what stands in a structure, and the parts of CMS and GB/T 38540 signatures by their places."""


def element(data, at=0):
    """(tag, content, everything, end) of the element there."""
    tag, size, begin = data[at], data[at + 1], at + 2
    if size & 0x80:
        count = size & 0x7f
        size = int.from_bytes(data[begin:begin + count], "big")
        begin += count
    end = begin + size
    assert end <= len(data)
    return tag, data[begin:end], data[at:end], end


def elements(content):
    """[(tag, content, everything)] one after the other."""
    found, at = [], 0
    while at < len(content):
        tag, inner, whole, at = element(content, at)
        found.append((tag, inner, whole))
    return found


def inside(data):
    """The elements of the one that is all of the data."""
    _tag, content, whole, end = element(data)
    assert end == len(data)
    return elements(content)


def serial_of(certificate):
    tbs = elements(inside(certificate)[0][1])
    return tbs[1][1] if tbs[0][0] == 0xa0 else tbs[0][1]


class Cms:
    """SignedData with one signer (RFC 5652, GB/T 35275)."""

    def __init__(self, data):
        kind, wrapped = inside(data)
        self.type = kind[2]
        self.parts = inside(elements(wrapped[1])[0][2])
        [signer] = elements(self.parts[-1][1])
        signer = elements(signer[1])
        certificates = [part for part in self.parts if part[0] == 0xa0]
        every = [whole for _tag, _inner, whole in elements(certificates[0][1])]
        serial = elements(signer[1][1])[1][1]  # a SET has no first
        [self.certificate] = [c for c in every if serial_of(c) == serial]
        self.others = [c for c in every if c != self.certificate]
        [attributes] = [part for part in signer if part[0] == 0xa0]
        self.signed = b"\x31" + attributes[2][1:]  # SET OF, as it is signed
        self.attributes = {values[0][2]: values[1][1] for values in map(
            lambda part: elements(part[1]), elements(attributes[1]))}
        self.value = [part for part in signer if part[0] == 0x04][-1][1]

    def attribute(self, oid):
        return self.attributes[b"\x06" + bytes([len(oid)]) + oid]


class SesSignature:
    """SES_Signature of GB/T 38540-2020."""

    def __init__(self, data):
        tbs, certificate, algorithm, value = inside(data)[:4]
        self.tbs, self.certificate, self.algorithm = tbs[2], certificate[1], algorithm[2]
        self.value = value[1][1:]
        parts = elements(tbs[1])
        self.version, self.eseal, self.time, self.hash, self.property = [part[1] for part in parts[:5]]
        self.hash = self.hash[1:]
        info, maker, _algorithm, seal_value = elements(self.eseal)
        self.info, self.maker, self.seal_value = info[2], maker[1], seal_value[1][1:]
        self.id = elements(info[1])[1][1].decode()
        self.picture = elements(elements(info[1])[3][1])[1][1]


CONTENT_TYPE, MESSAGE_DIGEST, SIGNING_TIME = (bytes.fromhex("2a864886f70d0109" + end) for end in ("03", "04", "05"))
SIGNING_CERTIFICATE_V2 = bytes.fromhex("2a864886f70d010910022f")
