# SPDX-License-Identifier: Apache-2.0
"""Certificates and revocation lists as others see them: by the bus, in files, judged by openssl."""

import json
import re
import shlex

DISTID = "1234567812345678"  # GM/T 0009
SEAL_USE = "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature,nonRepudiation"
MAKER_USE = ("basicConstraints=critical,CA:TRUE,pathlen:0\n"
             "keyUsage=critical,keyCertSign,cRLSign,digitalSignature\nsubjectKeyIdentifier=hash")
NOT_FOUND = "No list was issued yet"


def der_list(data):
    return [bytes(item) for item in data[0]]


def maker_certificates(box, user=None):
    """Of each maker its own, then those above."""
    data, error = box.manager("GetMakerCertificates", user=user)
    assert data is not None, error
    return der_list(data)


def certificates(box, number, user=None):
    return [bytes(item) for item in box.seal_property(number, "Certificates", user)]


def lists(box, user=None):
    """{algorithm: DER}"""
    data, error = box.manager("GetRevocationLists", user=user)
    assert data is not None, error
    return {algorithm: bytes(der) for algorithm, der in data[0]}


def revocation_list(box):
    data, error = box.manager("GetRevocationList")
    assert data is not None, error
    return bytes(data[0])


def pem(box, kind, ders, name):
    """A file of them; kind x509 or crl."""
    paths = [box.write(f"{name}-{i}.der", der) for i, der in enumerate(ders)]
    return box.write(f"{name}.pem", "".join(
        box.ok(f"openssl {kind} -inform DER -in {path}") for path in paths))


def text(box, der, kind="x509", more=""):
    return box.ok(f"openssl {kind} -inform DER -in {box.write('one.der', der)} -noout -text {more}")


def subject(box, der):
    return box.ok(f"openssl x509 -inform DER -in {box.write('one.der', der)} -noout -subject "
                  "-nameopt sep_comma_plus,dn_rev,sname,utf8").strip().removeprefix("subject=").strip()


def serial(box, der):
    return box.ok(f"openssl x509 -inform DER -in {box.write('one.der', der)} -noout -serial"
                  ).strip().removeprefix("serial=")


def number_of(box, der):
    """A list's own number."""
    return int(re.search(r"CRL Number: *\n +(\d+)", text(box, der, "crl"))[1])


def entries(box, der):
    """{serial: (date, reason or "")} of a list."""
    found = {}
    body = text(box, der, "crl").split("Signature Algorithm", 2)[1].split("Signature Value")[0]
    for part in body.split("Serial Number: ")[1:]:
        reason = re.search(r"Reason Code: *\n +(.*)", part)
        found[part.split()[0]] = (re.search(r"Revocation Date: (.*)", part)[1], reason[1] if reason else "")
    return found


def openssl_verify(box, chain, anchors, crls=None, more=""):
    """What `openssl verify` says of the first, the others being untrusted: (good, text)."""
    leaf, trust = pem(box, "x509", chain[:1], "leaf"), pem(box, "x509", anchors, "anchors")
    words = f"-CAfile {trust} {more}"
    if "SM2-with-SM3" in text(box, chain[0]):  # to other keys openssl does not give it
        words += f" -vfyopt distid:{DISTID}"
    if len(chain) > 1:
        words += f" -untrusted {pem(box, 'x509', chain[1:], 'between')}"
    if crls is not None:
        words += f" -crl_check -CRLfile {pem(box, 'crl', crls, 'crls')}"
    done = box.run(f"openssl verify {words} {leaf} 2>&1")
    return done.status == 0 and "OK" in done.stdout, done.stdout


def crl_is_signed(box, der, maker):
    """`openssl crl -CAfile`: by the maker's key."""
    trust = pem(box, "x509", [maker], "maker")
    done = box.run(f"openssl crl -inform DER -in {box.write('one.crl', der)} -noout -CAfile {trust} 2>&1")
    return "verify OK" in done.stdout


def sm2_is_signed(box, der, maker):
    """The same of SM2, whose identity `openssl crl` does not know: over the part that is signed."""
    path = box.write("one.der", der)
    rows = box.ok(f"openssl asn1parse -inform DER -in {path}").splitlines()
    tops = [int(row.split(":")[0]) for row in rows if row.split("d=")[1].split()[0] == "1"]
    box.ok(f"cd /run/test; openssl asn1parse -inform DER -in {path} -strparse {tops[0]} -noout -out tbs;"
           f"openssl asn1parse -inform DER -in {path} -strparse {tops[2]} -noout -out sig;"
           f"openssl x509 -inform DER -in {box.write('maker.der', maker)} -noout -pubkey > pub")
    done = box.run(f"cd /run/test; openssl dgst -sm3 -sigopt distid:{DISTID} -verify pub -signature sig tbs")
    return "Verified OK" in done.stdout


def events(box, name, seal=None):
    options = [("event", "s", name), *([("seal", "s", seal)] if seal else [])]
    data, error = box.manager("ReadLedger", "a{sv}", len(options), *[w for o in options for w in o])
    assert data is not None, error
    return [json.loads(row) for row in data[0]]


def array(der):
    return [len(der), *der]


def chain_words(ders):
    return ["aay", len(ders), *[word for der in ders for word in array(der)]]


class Authority:
    """Another authority, of openssl's: a root, and what it issues."""

    def __init__(self, box, name="ca", key="-algorithm EC -pkeyopt ec_paramgen_curve:P-256", days=400):
        self.box, self.name = box, name
        box.ok(f"install -d -m 1777 /run/test; cd /run/test; openssl genpkey {key} -out {name}.key; "
               f"openssl req -x509 -new -key {name}.key -subj '/O=Test/CN={name} root' -days {days} "
               f"-addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign "
               f"-out {name}.pem; openssl x509 -in {name}.pem -outform DER -out {name}.der")
        self.root = box.run(f"cat /run/test/{name}.der").bytes

    def issue(self, request, extensions, days=300, more=""):
        """Of a PKCS #10 request, in DER."""
        path, wanted = self.box.write("request.der", request), self.box.write("extensions", extensions)
        done = self.box.run(
            f"cd /run/test; openssl x509 -req -inform DER -in {path} -CA {self.name}.pem -CAkey "
            f"{self.name}.key -CAcreateserial -days {days} -extfile {wanted} {more} -outform DER")
        assert done.status == 0, done
        return done.bytes

    def issue_for(self, spki, name, extensions=SEAL_USE, days=300):
        """For a public key whose owner did not ask: a request of another key, with this one put in."""
        key = self.box.write("spki.der", spki)
        self.box.ok(f"cd /run/test; openssl pkey -pubin -inform DER -in {key} -out spki.pem; openssl req "
                    f"-new -newkey rsa:2048 -nodes -keyout other.key -subj {shlex.quote(name)} -outform DER "
                    "-out other.csr")
        request = self.box.run("cat /run/test/other.csr").bytes
        return self.issue(request, extensions, days, "-force_pubkey spki.pem")
