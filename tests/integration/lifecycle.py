# SPDX-License-Identifier: Apache-2.0
"""Seals on their way through the life cycle, by real users on the bus."""

import json

KEEPER, OTHER = "seal-keeper", "seal-stranger"
APPLICANT, REVIEWER, MAKER = "seal-applicant", "seal-reviewer", "seal-maker"
ADMIN, AUDITOR = "seal-admin", "seal-auditor"
DAY = 24 * 3600 * 1000000


def dictionary(*entries):
    """busctl's words for an a{sv} of (name, signature, value…)."""
    return [len(entries), *(word for entry in entries for word in entry)]


class Life:
    """A sandbox in one of the modes; every call names who makes it. Root and ADMIN are administrators."""

    def __init__(self, box, separation):
        self.box, self.separation = box, separation

    # --- calls: each returns what was told, or fails ----------------------------------------------

    def told(self, result):
        data, error = result
        assert data is not None, error
        return data

    def do(self, number, member, *arguments, user=None):
        return self.told(self.box.seal(number, member, *arguments, user=user))

    def refused(self, number, member, *arguments, user=None):
        """The error's name."""
        return self.box.error(f"/org/sealsd1/seal/{number}", "Seal", member,
                              *[str(a) for a in arguments], user=user)

    def state(self, number, user=None):
        return self.box.seal_property(number, "State", user)

    def why_not(self, number):
        return self.box.seal_property(number, "WhyNot").split(":")[0]

    def describe(self, number, user=None):
        return json.loads(self.do(number, "Describe", user=user)[0])

    def request(self, identity, name, user=None):
        return self.box.property(f"/org/sealsd1/request/{identity}", "Request", name, user)

    # --- steps ------------------------------------------------------------------------------------

    def apply(self, number, kind, *options, user=None, reason="as decided"):
        """The request's id. By default root, who is an administrator, applies."""
        options = dictionary(("reason", "s", reason), *options)
        path = self.do(number, "Apply", "sa{sv}", kind, *options, user=user)[0]
        return path.rsplit("/", 1)[1]

    def approve(self, identity, user=None):
        user = user or (None if self.separation == "single" else REVIEWER)
        return self.told(self.box.request(identity, "Approve", "sa{sv}", "seen", 0, user=user))

    def refused_approval(self, identity, user=REVIEWER):
        return self.box.error(f"/org/sealsd1/request/{identity}", "Request", "Approve", "sa{sv}", "seen",
                              "0", user=user)

    def make(self, identity):
        """What is left to people after the approval; the new seal's number."""
        if self.separation == "dual":
            return self.request(identity, "Seal")
        user = MAKER if self.separation == "strict" else None
        return self.told(self.box.request(identity, "Make", user=user))[0].rsplit("/", 1)[1]

    def hand_out(self, number, keeper):
        """From whatever the mode has made of it to active."""
        if self.state(number) == "made":
            self.do(number, "RecordFiling", "a{sv}", 0, user=MAKER)
        if self.state(number) == "filed":
            self.do(number, "Deliver", "s", f"user:{keeper}", user=ADMIN)
        if self.state(number) == "delivered":
            self.do(number, "Accept", "a{sv}", 0, user=keeper)

    def seal(self, name="Acme", *options, keeper=KEEPER, accept=True):
        """A new one, active."""
        options = dictionary(("name", "s", name), ("keepers", "as", 1, f"user:{keeper}"), *options)
        if self.separation == "single":
            path = self.told(self.box.manager("CreateSeal", "a{sv}", *options))[0]
            return path.rsplit("/", 1)[1]
        path = self.told(self.box.manager("Apply", "a{sv}", *options, user=APPLICANT))[0]
        identity = path.rsplit("/", 1)[1]
        self.approve(identity)
        number = self.make(identity)
        if accept:
            self.hand_out(number, keeper)
        return number

    def sign_error(self, number, user=KEEPER):
        return self.refused(number, "Sign", "aya{sv}", "32", *["7"] * 32, "0", user=user)

    def signs(self, number, user=KEEPER):
        return self.box.sign(number, user=user)[0] is not None

    def now(self):
        return int(self.box.ok("date +%s%6N"))


def started(new_sandbox, separation, **more):
    box = new_sandbox(**more)
    box.ok(f"sealctl init --authority $SEAL_AUTHORITY --separation {separation}")
    return Life(box, separation)


# --- keys on the disk ---------------------------------------------------------------------------

# The record that has the key: the ciphertext, or of a record that is not encrypted the key itself.
BLOB = """
import json, os, pathlib, sqlite3, sys
db = sqlite3.connect(f"file:{os.environ['SEALSD_STATE']}/register.db?mode=ro", uri=True)
version, sealed = db.execute("SELECT version, sealed FROM seal WHERE number = ?", sys.argv[1:]).fetchone()
db.close()
print((sealed if version else json.loads(sealed)["private"].encode()).hex())
"""

GREP = """
import os, pathlib, sys
needle = bytes.fromhex(sys.argv[1])
pieces = [needle[i:i + 48] for i in range(0, len(needle) - 48, 48)]
for path in pathlib.Path(os.environ["SEALSD_STATE"]).rglob("*"):
    if path.is_file():
        data = path.read_bytes()
        for piece in pieces:
            if piece in data:
                print(path)
                break
"""


def blob_of(box, number):
    return box.ok(["/usr/bin/python3", "-c", BLOB, number]).strip()


def files_with(box, blob):
    return box.ok(["/usr/bin/python3", "-c", GREP, blob]).split()
