# SPDX-License-Identifier: Apache-2.0
"""A time stamp authority: `openssl ts` behind HTTP on 127.0.0.1, whose path says how it misbehaves.

Run as a program: time_authority.py FOLDER. It makes its certificates there (root.pem, authority.pem)
unless they are, prints its port, and ends with its standard input.
"""

import http.server
import pathlib
import subprocess
import sys
import threading
import time

CONFIGURATION = """
[ req ]
distinguished_name = name
prompt = no
[ name ]
CN = Authority of time
[ root ]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[ authority ]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
[ tsa ]
default_tsa = here
[ here ]
serial = {folder}/serial
signer_cert = {folder}/authority.pem
certs = {folder}/root.pem
signer_key = {folder}/authority.key
signer_digest = sha256
default_policy = 1.3.6.1.4.1.99999.1
digests = sha256, sha384, sha512
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""

ANSWER = "application/timestamp-reply"


def openssl(*words, stdin=None):
    return subprocess.run(["openssl", *map(str, words)], check=True, input=stdin,
                          capture_output=True).stdout


class Authority:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.configuration = self.folder / "tsa.cnf"
        self.root = self.folder / "root.pem"
        self.asked = []  # the paths, in order
        if not self.root.exists():
            self.make()

    def make(self):
        def at(name):
            return self.folder / name

        self.configuration.write_text(CONFIGURATION.format(folder=self.folder))
        at("serial").write_text("01\n")
        for name in ("root", "authority"):
            openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out",
                    at(f"{name}.key"))
        openssl("req", "-x509", "-new", "-key", at("root.key"), "-subj", "/CN=Root of time", "-days",
                "3650", "-config", self.configuration, "-extensions", "root", "-out", self.root)
        openssl("req", "-new", "-key", at("authority.key"), "-config", self.configuration, "-out",
                at("authority.csr"))
        openssl("x509", "-req", "-in", at("authority.csr"), "-CA", self.root, "-CAkey",
                at("root.key"), "-days", "365", "-extfile", self.configuration, "-extensions",
                "authority", "-out", at("authority.pem"))

    def reply(self, query):
        path = self.folder / "query"
        path.write_bytes(query)
        openssl("ts", "-reply", "-config", self.configuration, "-queryfile", path, "-out",
                self.folder / "reply")
        return (self.folder / "reply").read_bytes()

    def imprint(self, query):
        """The hash that is asked for, in hex."""
        path = self.folder / "query"
        path.write_bytes(query)
        lines = openssl("ts", "-query", "-in", path, "-text").decode().splitlines()
        dump = [line.split(" - ")[1][:48] for line in lines if " - " in line]
        return "".join(dump).replace("-", "").replace(" ", "")

    def other_query(self, imprint):
        """With a nonce of its own."""
        return openssl("ts", "-query", "-sha256", "-cert", "-digest", imprint)

    def answer(self, path, query):
        """(status, headers, body)"""
        if path == "/wrong-nonce":
            query = self.other_query(self.imprint(query))
        if path == "/wrong-imprint":
            query = query.replace(bytes.fromhex(self.imprint(query)), bytes(32))
        if path == "/slow":
            time.sleep(5)
        if path == "/error":
            return 500, {"Content-Type": ANSWER}, b""
        if path == "/redirect":
            return 302, {"Location": "/good"}, b""
        if path == "/page":
            return 200, {"Content-Type": "text/html"}, b"<p>Welcome</p>"
        if path == "/garbage":
            return 200, {"Content-Type": ANSWER}, b"\x30\x03\x02\x01\x00 and more"
        if path == "/refuse":  # PKIStatus rejection, badAlg
            return 200, {"Content-Type": ANSWER}, bytes.fromhex("3009300702010203020780")
        body = self.reply(query)
        if path in ("/large", "/endless"):
            body += bytes(100_000)
        if path == "/parameter":
            return 200, {"Content-Type": f"{ANSWER}; charset=binary"}, body
        return 200, {"Content-Type": ANSWER}, body


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        authority = self.server.authority
        authority.asked.append((self.path, self.headers["Content-Type"]))
        query = self.rfile.read(int(self.headers["Content-Length"]))
        status, headers, body = authority.answer(self.path, query)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if self.path != "/endless":  # which does not say how much comes
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            pass  # nobody waits any more

    def log_message(self, *words):
        pass


def serve(authority):
    """A server with url(path) and close()."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.authority = authority
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


if __name__ == "__main__":
    print(serve(Authority(sys.argv[1])).server_port, flush=True)
    sys.stdin.read()
