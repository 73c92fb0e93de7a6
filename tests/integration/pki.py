# SPDX-License-Identifier: Apache-2.0
"""Certificates, revocation lists and signatures as others make them: all with the openssl command."""

import datetime
import subprocess

DISTID = "distid:1234567812345678"
SIGNS = "critical,digitalSignature,nonRepudiation"

CONFIG = """\
[ca]
default_ca = this
[this]
dir = {folder}
database = $dir/index
serial = $dir/serial
new_certs_dir = $dir
private_key = $dir/key.pem
certificate = $dir/cert.pem
default_md = {hash}
policy = any
unique_subject = no
email_in_dn = no
copy_extensions = none
[any]
C = optional
O = optional
CN = supplied
organizationIdentifier = optional
[req]
distinguished_name = name
[name]
"""


def openssl(*words, data=None):
    done = subprocess.run(["openssl", *map(str, words)], input=data, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE)
    assert done.returncode == 0, (words, done.stderr.decode())
    return done.stdout


def moment(days):
    """So many days from now, in whole seconds."""
    return (datetime.datetime.now(datetime.timezone.utc) +
            datetime.timedelta(days=days)).replace(microsecond=0)


def stamp(days, form="%Y%m%d%H%M%SZ"):
    return moment(days).strftime(form)


def key_make(path, algorithm="P-256"):
    if algorithm.startswith("rsa"):
        openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", f"rsa_keygen_bits:{algorithm[3:]}", "-out", path)
    else:
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", f"ec_paramgen_curve:{algorithm}",
                "-pkeyopt", "ec_param_enc:named_curve", "-out", path)
    return path


def der(path):
    """Of a certificate."""
    return openssl("x509", "-in", path, "-outform", "DER")


class Owner:
    """A key, its certificate, and where both are."""

    def __init__(self, folder, key, cert, sm2=False):
        self.folder, self.key, self.cert, self.sm2 = folder, key, cert, sm2

    def sign(self, data, digest=None):
        """A bare signature over data."""
        if self.sm2:
            source = self.folder / "to-sign"
            source.write_bytes(data)
            return openssl("pkeyutl", "-sign", "-inkey", self.key, "-in", source, "-rawin", "-digest",
                           digest or "sm3", "-pkeyopt", DISTID)
        return openssl("dgst", f"-{digest or 'sha256'}", "-sign", self.key, data=data)


class Authority(Owner):
    """A CA with its index."""

    def __init__(self, folder, name, by=None, algorithm="P-256"):
        folder.mkdir()
        super().__init__(folder, key_make(folder / "key.pem", algorithm), folder / "cert.pem",
                         algorithm == "SM2")
        (folder / "config").write_text(CONFIG.format(folder=folder, hash="sm3" if self.sm2 else "sha256"))
        (folder / "index").write_text("")
        (folder / "serial").write_text("1001\n")
        self.algorithm = algorithm
        usage = "critical,keyCertSign,cRLSign,digitalSignature"
        (by or self).issue(self, f"/O=Acme/CN={name}", "critical,CA:TRUE", usage, -1000, 1000,
                           self_signed=not by)

    def request(self, owner, subject):
        request = owner.folder / "request.pem"
        openssl("req", "-new", "-key", owner.key, "-subj", subject, "-out", request, "-config",
                self.folder / "config", "-utf8", *self.options(owner.sm2))
        return request

    @staticmethod
    def options(sm2):
        return ("-sm3", "-sigopt", DISTID) if sm2 else ("-sha256",)

    def issue(self, owner, subject, constraints, usage, start, end, self_signed=False, more=""):
        """Write owner.cert; start and end in days from now."""
        extensions = owner.folder / "extensions"
        extensions.write_text("[x]\nsubjectKeyIdentifier = hash\nauthorityKeyIdentifier = keyid\n"
                              f"basicConstraints = {constraints}\n"
                              + (f"keyUsage = {usage}\n" if usage else "") + more)
        openssl("ca", "-config", self.folder / "config", "-batch", "-notext", "-in",
                self.request(owner, subject), "-out", owner.cert, "-extfile", extensions, "-extensions", "x",
                "-startdate", stamp(start), "-enddate", stamp(end), "-preserveDN",
                *(("-selfsign",) if self_signed else ()),
                *(("-sigopt", DISTID) if self.sm2 else ()), *(("-vfyopt", DISTID) if owner.sm2 else ()))
        assert owner.cert.exists()  # openssl ends well also where it refuses the request
        return owner

    def signer(self, name="50011200000001", usage=SIGNS, start=-30, end=300, algorithm=None, more=""):
        """A new owner of a certificate of this authority."""
        algorithm = algorithm or self.algorithm
        folder = self.folder / f"signer-{len(list(self.folder.glob('signer-*')))}"
        folder.mkdir()
        owner = Owner(folder, key_make(folder / "key.pem", algorithm), folder / "cert.pem", algorithm == "SM2")
        return self.issue(owner, f"/C=DE/O=Acme/CN={name}", "critical,CA:FALSE", usage, start, end,
                          more=more)

    def crl(self, revoked=(), last=-1, following=30, name="crl.pem"):
        """A list of (owner, days from now, reason or "")."""
        lines = []
        for owner, days, reason in revoked:
            serial = openssl("x509", "-in", owner.cert, "-noout", "-serial").decode().strip().split("=")[1]
            date = stamp(days, "%y%m%d%H%M%SZ") + (f",{reason}" if reason else "")
            lines.append(f"R\t{stamp(1000, '%y%m%d%H%M%SZ')}\t{date}\t{serial}\tunknown\t/CN=x\n")
        (self.folder / "index").write_text("".join(lines))
        path = self.folder / name
        openssl("ca", "-config", self.folder / "config", "-gencrl", "-out", path, "-crl_lastupdate",
                stamp(last), "-crl_nextupdate", stamp(following),
                *(("-sigopt", DISTID) if self.sm2 else ()))
        return path
