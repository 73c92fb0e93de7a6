# SPDX-License-Identifier: Apache-2.0
"""Approvers of seals: real users with openssl's keys, and the road from a document to its signature."""

import hashlib
import json
import re
import time

from lifecycle import KEEPER, Life, dictionary

# Accounts that every system has, and that hold no role.
ALICE, BOB, CAROL, DAVE = "games", "mail", "news", "uucp"
SIGN = "openssl dgst -sha256 -sign {key} -out {out} {data}"
LIVE = ("live", "b", "true")


def document(text):
    """A digest."""
    return hashlib.sha256(text.encode()).digest()


class Approver:
    def __init__(self, box, user, algorithm="P-256"):
        self.box, self.user, self.subject = box, user, f"user:{user}"
        self.key = f"{box.temp(f'{user}-{algorithm}')}.key"
        make = (f"openssl genrsa -out {self.key} 2048" if algorithm == "RSA" else
                f"openssl ecparam -name prime256v1 -genkey -noout -out {self.key}")
        box.ok(f"[ -e {self.key} ] || {make} 2> /dev/null; chmod 644 {self.key}")
        self.pem = box.ok(f"openssl pkey -in {self.key} -pubout")

    def sign(self, data):
        """Over bytes, as anybody with openssl would."""
        path = self.box.write("to-sign", bytes(data))
        return self.box.run(f"openssl dgst -sha256 -sign {self.key} {path}").bytes


class Uses:
    """Uses of the seals of a Life."""

    def __init__(self, life):
        self.life, self.box = life, life.box

    def approvers(self, *users, algorithm="P-256"):
        return [Approver(self.box, user, algorithm) for user in users]

    def seal(self, approvers, threshold, *options, **more):
        words = [word for a in approvers for word in (a.subject, a.pem)]
        return self.life.seal("Acme", ("approvers", "a(ss)", len(approvers), *words),
                              ("threshold", "u", threshold), *options, **more)

    def request(self, number, digest, *options, user=KEEPER):
        path = self.life.do(number, "RequestUse", "aya{sv}", len(digest), *digest, *dictionary(*options),
                            user=user)[0]
        return int(path.rsplit("/", 1)[1])

    def refused_request(self, number, digest, *options, user=KEEPER):
        return self.life.refused(number, "RequestUse", "aya{sv}", len(digest), *digest,
                                 *dictionary(*options), user=user)

    def refused(self, identity, member, *arguments, user=KEEPER):
        return self.box.error(f"/org/sealsd1/request/{identity}", "Request", member,
                              *[str(a) for a in arguments], user=user)

    def challenge(self, identity, user=None):
        told = self.life.told(self.box.request(identity, "Challenge", user=user))[0]
        return {name: value["data"] for name, value in told.items()}

    def to_sign(self, identity, user=None):
        return bytes(self.challenge(identity, user)["to-sign"])

    def authorize(self, identity, approver, signature=None, user=None):
        """(data or None, error)"""
        if signature is None:
            signature = approver.sign(self.to_sign(identity, approver.user))
        return self.box.request(identity, "Authorize", "say", approver.subject, len(signature), *signature,
                                user=user or approver.user)

    def refused_approval(self, identity, approver, signature, user=None):
        return self.refused(identity, "Authorize", "say", getattr(approver, "subject", approver),
                            len(signature), *signature, user=user or getattr(approver, "user", None))

    def approve(self, identity, *approvers):
        for approver in approvers:
            self.life.told(self.authorize(identity, approver))

    def withdraw(self, identity, approver, user=None):
        return self.box.request(identity, "WithdrawApproval", "s", approver.subject,
                                user=user or approver.user)

    def cancel(self, identity, user=KEEPER):
        self.life.told(self.box.request(identity, "Cancel", "s", "not needed any more", user=user))

    def collect(self, identity, user=KEEPER):
        """(signature, use)"""
        data = self.life.told(self.box.request(identity, "Collect", user=user))
        return bytes(data[0]), data[1]

    def state(self, identity, user=None):
        return self.life.request(identity, "State", user)

    def missing(self, identity):
        return self.life.request(identity, "Missing")

    def describe(self, identity, user=None):
        return json.loads(self.life.told(self.box.request(identity, "Describe", user=user))[0])

    def listed(self, user, *options):
        rows = self.life.told(self.box.manager("ListRequests", "a{sv}", *dictionary(*options), user=user))[0]
        return [int(row[0].rsplit("/", 1)[1]) for row in rows]

    def use_count(self, number):
        return self.box.seal_property(number, "UseCount")

    def events(self, name, number):
        rows = self.life.told(self.box.manager("ReadLedger", "a{sv}", 2, "event", "s", name, "seal", "s",
                                               number))[0]
        return [json.loads(row) for row in rows]


def opened(box, words=""):
    """An empty sandbox, initialized."""
    box.ok(f"sealctl init --authority $SEAL_AUTHORITY {words}")
    return Uses(Life(box, "dual"))


# --- at the chip --------------------------------------------------------------------------------

def sessions(box):
    """That the chip or its resource manager holds."""
    return len(re.findall("0x", box.ok("tpm2_getcap handles-loaded-session; tpm2_getcap handles-saved-session")))


def idle_sessions(box):
    """The same once the last signature has given back what it kept for the next one, a second later."""
    end = time.monotonic() + 60
    while (count := sessions(box)) > 0 and time.monotonic() < end:
        time.sleep(0.2)
    return count
