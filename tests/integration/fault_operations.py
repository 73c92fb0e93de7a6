# SPDX-License-Identifier: Apache-2.0
"""The operations that sweeps call: what each needs before, how it is called, and what may be left of it."""

import itertools

from certificates import MAKER_USE, SEAL_USE, Authority
from fault_sweep import ROOT, Finding, Reply
from pictures import SVG

MANAGER = "/org/sealsd1"
APPLICANT, REVIEWER, MAKER, ADMIN = "seal-applicant", "seal-reviewer", "seal-maker", ROOT
OTHER_ADMIN = "seal-admin"
AUDITOR = "seal-auditor"
GET_ALL = "org.freedesktop.DBus.Properties.GetAll"
DIGEST = bytes(range(32))

serial = itertools.count(1)


def application(**more):
    return {"name": ("s", f"Seal {next(serial)}"), "keepers": ("as", ["user:root"]),
            **{k.replace("_", "-"): v for k, v in more.items()}}


PICTURE = {"picture": ("ay", SVG), "picture_mm": ("(uu)", (42, 42))}


def new_request(bench, **more):
    reply = bench.call(APPLICANT, MANAGER, "Manager.Apply", "a{sv}", application(**more))
    if reply.error == "QuotaExceeded":
        withdraw_requests(bench)
        return new_request(bench, **more)
    if reply.error:
        raise Finding(f"without a fault, Apply answers {reply}")
    return reply.body[0]


def withdraw_requests(bench, user=APPLICANT):
    """A user may have sixteen that are open."""
    for state in ("applied", "approved", "failed"):
        for path, _kind, _state, _number, applicant, _created in bench.good(
                user, MANAGER, "Manager.ListRequests", "a{sv}", {"state": ("s", state)}):
            if applicant == f"user:{user}":
                bench.good(user, path, "Request.Cancel", "s", "swept")


def approve(bench, request):
    bench.good(REVIEWER, request, "Request.Approve", "sa{sv}", "seen", {})
    return request


def seal_of(bench, request):
    number = bench.good(ADMIN, request, "org.freedesktop.DBus.Properties.Get", "ss",
                        "org.sealsd1.Request", "Seal")[1]
    return f"/org/sealsd1/seal/{number}"


def delivered_seal(bench):
    """Of separation dual: an approval does all of it."""
    return seal_of(bench, approve(bench, new_request(bench)))


def active_seal(bench):
    seal = delivered_seal(bench)
    bench.good(ROOT, seal, "Seal.Accept", "a{sv}", {})
    return seal


def delivered_pin_seal(bench):
    reply = bench.call(APPLICANT, MANAGER, "Manager.Apply", "a{sv}", application(pin=("b", True)))
    if reply.error == "QuotaExceeded":
        withdraw_requests(bench)
        return delivered_pin_seal(bench)
    if reply.error:
        raise Finding(f"without a fault, Apply answers {reply}")
    return seal_of(bench, approve(bench, reply.body[0]))


def pin_seal(bench):
    seal = delivered_pin_seal(bench)
    bench.good(ROOT, seal, "Seal.Accept", "a{sv}", {"new-pin": ("s", "4711")})
    return seal


def after(member, before=active_seal, user=ROOT):
    """A preparation: what another makes, and a call on it that succeeds."""

    def prepare(bench):
        seal = before(bench)
        bench.good(user, seal, member, "s", "for a sweep")
        return seal

    return prepare


def request_about(kind, before=active_seal, **options):
    """A preparation: an open request about a seal that another makes."""

    def prepare(bench):
        withdraw_requests(bench, ADMIN)
        options_here = {"reason": ("s", "for a sweep"), **options}
        return bench.good(ADMIN, before(bench), "Seal.Apply", "sa{sv}", kind, options_here)

    return prepare


def renewed_seal(bench):
    """The new one, delivered."""
    return seal_of(bench, approve(bench, request_about("renew")(bench)))


def made_seal(bench):
    """Of separation strict."""
    return bench.good(MAKER, approve(bench, new_request(bench)), "Request.Make")


def filed_seal(bench):
    seal = made_seal(bench)
    bench.good(MAKER, seal, "Seal.RecordFiling", "a{sv}", {"filing-number": ("s", "2026-17")})
    return seal


def number_of(path):
    return path.rsplit("/", 1)[1]


class Operation:
    """member is called on what prepare gives, which serves until a call has done its work."""

    user, signature, body = ADMIN, "", ()
    repeated = ("InvalidState",)  # what the same call says when the work is done already
    may_fail_late = False         # an error though all is done is told rightly
    tells_of_others = False       # it writes the counted refusals and disclosures down that wait

    def __init__(self, member, separation="dual", name=None, **more):
        self.member, self.separation = member, separation
        self.name = name or member
        for key, value in more.items():
            setattr(self, key, value)

    def prepare(self, bench):
        return MANAGER

    def arguments(self):
        return self.body

    def call(self, bench, target):
        return bench.call(self.user, target, self.member, self.signature, *self.arguments())

    def check(self, bench, target, reply):
        """A success is one."""

    def repeat(self, bench, target):
        """The call was told as failed, but is done."""
        reply = self.call(bench, target)
        if reply.error and reply.error not in self.repeated:
            raise Finding(f"repeated, it answers {reply}")

    def is_half(self, change, broken):
        """Is this change a state from which finish goes on? broken: the daemon could not clean up."""
        return False

    def finish(self, bench, target):
        raise NotImplementedError


class Changes(Operation):
    """On an object that the preparation makes."""

    def __init__(self, member, before, **more):
        super().__init__(member, **more)
        self.before = before

    def prepare(self, bench):
        return self.before(bench)


class Applies(Operation):
    user, signature = APPLICANT, "a{sv}"
    repeated = ()
    options = {}

    def arguments(self):
        return (application(**self.options),)

    def check(self, bench, target, reply):
        withdraw_requests(bench)

    def repeat(self, bench, target):
        super().repeat(bench, target)
        withdraw_requests(bench)


class Makes(Changes):
    """Ends with a key in the register, or with a request from which Make goes on."""

    maker = REVIEWER

    def is_half(self, change, broken):
        states = ("approved", "failed") + (("making",) if broken else ())
        for table, what, telling, columns in change:
            if table == "seal" or what == "gone":
                return False
            if table == "request" and dict(telling).get("state") not in (*states, None):
                return False
            if table == "nv_index" and not broken:  # a bit that was not given back
                return False
        return True

    def request(self, bench, target):
        return target

    def finish(self, bench, target):
        request = self.request(bench, target)
        get = (ADMIN, request, "org.freedesktop.DBus.Properties.Get", "ss", "org.sealsd1.Request")
        number = bench.good(*get, "Seal")[1]
        if bench.good(*get, "State")[1] == "making":
            bench.box.ctl("restart")  # what stayed so is found at the next start
        seal = bench.good(self.maker, request, "Request.Make")
        if number and number_of(seal) != number:
            raise Finding(f"the number {number} became {seal}")


class Creates(Makes):
    maker = ADMIN
    signature = "a{sv}"

    def __init__(self):
        super().__init__("Manager.CreateSeal", None, separation="single")

    def prepare(self, bench):
        return application(token=("s", f"token {next(serial)}"))

    def call(self, bench, target):
        return bench.call(ADMIN, MANAGER, self.member, self.signature, target)

    def check(self, bench, target, reply):
        again = self.call(bench, target)
        if again != reply:
            raise Finding(f"the same token gave {reply} and {again}")
        self.sign(bench, reply.body[0])

    def sign(self, bench, seal):
        reply = bench.call(ROOT, seal, "Seal.Sign", "aya{sv}", DIGEST, {})
        if reply.error:
            raise Finding(f"the seal that was made answers {reply}")
        bench.note_signature(number_of(seal), DIGEST, reply)

    def finish(self, bench, target):
        reply = self.call(bench, target)
        if reply.error:
            raise Finding(f"the same token again: {reply}")
        self.sign(bench, reply.body[0])


class Signs(Changes):
    signature = "aya{sv}"
    options = {}

    def __init__(self, member="Seal.Sign", **more):
        super().__init__(member, self.seal, **more)
        self.bench = None

    def seal(self, bench):
        """The same one for all."""
        if self.bench is not bench:
            self.bench, self.path = bench, active_seal(bench)
        return self.path

    def call(self, bench, target):
        self.digest = next(serial).to_bytes(32, "big")
        return bench.call(ROOT, target, self.member, self.signature, self.digest, self.options)

    def check(self, bench, target, reply):
        if not self.options:
            bench.note_signature(number_of(target), self.digest, reply)


class SignsMany(Signs):
    signature = "aaya{sv}"

    def __init__(self):
        super().__init__("Seal.SignMany")

    def call(self, bench, target):
        self.digests = [next(serial).to_bytes(32, "big") for _ in range(3)]
        return bench.call(ROOT, target, self.member, self.signature, self.digests, {})

    def check(self, bench, target, reply):
        signatures, first = reply.body
        for i, digest in enumerate(self.digests):
            bench.note_signature(number_of(target), digest, Reply("", (signatures[i], first + i)))


class OnUses(Changes):
    """On a request for a use of one seal for all, root's to keep and to approve."""

    approvals = 0
    options = {}

    def __init__(self, member, **more):
        super().__init__(member, self.request, **more)
        self.seals = {}

    def seal(self, bench):
        if bench not in self.seals:
            pem = bench.box.ok("install -d -m 1777 /run/test; openssl ecparam -name prime256v1 -genkey -noout "
                               "-out /run/test/approver.key; openssl pkey -in /run/test/approver.key -pubout")
            path = bench.good(APPLICANT, MANAGER, "Manager.Apply", "a{sv}", application(
                approvers=("a(ss)", [("user:root", pem)]), threshold=("u", 1)))
            self.seals[bench] = seal_of(bench, approve(bench, path))
            bench.good(ROOT, self.seals[bench], "Seal.Accept", "a{sv}", {})
        return self.seals[bench]

    def signature_for(self, bench, request):
        challenge = bench.good(ROOT, request, "Request.Challenge")
        bench.box.write("to-sign", bytes(challenge["to-sign"][1]))
        return bench.box.run("openssl dgst -sha256 -sign /run/test/approver.key /run/test/to-sign").bytes

    def request(self, bench):
        self.digest = next(serial).to_bytes(32, "big")
        request = bench.good(ROOT, self.seal(bench), "Seal.RequestUse", "aya{sv}", self.digest, self.options)
        if self.approvals:
            bench.good(ROOT, request, "Request.Authorize", "say", "user:root", self.signature_for(bench, request))
        return request


class RequestsUse(OnUses):
    signature, repeated = "aya{sv}", ()

    def prepare(self, bench):
        withdraw_requests(bench, ROOT)
        return self.seal(bench)

    def call(self, bench, target):
        return bench.call(ROOT, target, self.member, self.signature, DIGEST, self.options)


class Authorizes(OnUses):
    signature, repeated = "say", ()

    def prepare(self, bench):
        request = self.request(bench)
        return request, self.signature_for(bench, request)

    def call(self, bench, target):
        return bench.call(ROOT, target[0], self.member, self.signature, "user:root", target[1])


class Collects(OnUses):
    """What was interrupted is made by the next call, by the use that was taken."""

    approvals, repeated = 1, ()

    def check(self, bench, target, reply):
        if not self.options:
            bench.note_signature(number_of(self.seal(bench)), self.digest, reply)

    def is_half(self, change, broken):
        return all(table in ("use_result", "seal_use") for table, *_rest in change)

    def finish(self, bench, target):
        reply = self.call(bench, target)
        if reply.error:
            raise Finding(f"collected again: {reply}")
        self.check(bench, target, reply)


class OnOneSeal(Changes):
    """The same seal serves for all calls."""

    repeated = ()

    def __init__(self, member, **more):
        super().__init__(member, self.seal, **more)
        self.kept = {}

    def seal(self, bench):
        if bench not in self.kept:
            self.kept[bench] = active_seal(bench)
        return self.kept[bench]


class RemovesGrant(OnOneSeal):
    signature = "ss"

    def prepare(self, bench):
        seal = self.seal(bench)
        return seal, bench.good(ROOT, seal, "Seal.AddGrant", "sa{sv}", "user:seal-keeper", {})

    def call(self, bench, target):
        return bench.call(ROOT, target[0], self.member, self.signature, target[1], "enough")

    repeated = ("InvalidState",)


class RaisesSeparation(Operation):
    """And has it lowered again by the authority, since the others need it so."""

    signature, body = "sa{sv}", ("strict", {})

    def check(self, bench, target, reply):
        bench.good(ADMIN, MANAGER, "Manager.SetSeparation", "sa{sv}", "dual", {})
        [(identity, _kind, message, _expires)] = bench.good(ADMIN, MANAGER, "Manager.ListChallenges")
        bench.good(ADMIN, MANAGER, "Manager.Answer", "say", identity,
                   authority_signature(bench, bytes(message)))

    def repeat(self, bench, target):
        super().repeat(bench, target)
        self.check(bench, target, None)


class RegistersReviewer(Operation):
    """Another key each time, in whose place the authority puts it."""

    signature, repeated = "ssa{sv}", ()
    registered = None  # the bench where there is a key to be replaced

    def prepare(self, bench):
        if self.registered is not bench:
            self.registered = bench
            self.call(bench, self.key(bench))
        return self.key(bench)

    def key(self, bench):
        bench.box.ok("cd /run/test && openssl ecparam -name prime256v1 -genkey -noout | "
                     "openssl pkey -pubout > reviewer.pem && "
                     "openssl pkey -pubin -in reviewer.pem -outform DER > reviewer.der")
        digest = bench.box.run("openssl dgst -sha256 -binary /run/test/reviewer.der").bytes
        signature = authority_signature(bench, b"sealsd/reviewer/replace\0user:seal-stranger\0" + digest)
        return bench.box.ok("cat /run/test/reviewer.pem"), {"signature": ("ay", signature)}

    def call(self, bench, target):
        return bench.call(ADMIN, MANAGER, self.member, self.signature, "user:seal-stranger", *target)


class Revokes(Changes):
    signature, body = "s", ("theft",)
    repeated = ()

    def __init__(self):
        super().__init__("Seal.Revoke", active_seal)

    def check(self, bench, target, reply):
        reply = bench.call(ROOT, target, "Seal.Sign", "aya{sv}", DIGEST, {})
        if reply.error != "Revoked":
            raise Finding(f"the revoked seal answers {reply}")

    def repeat(self, bench, target):
        super().repeat(bench, target)
        self.check(bench, target, None)

    def is_half(self, change, broken):
        """The register says revoked and the bit is owed, by whatever happens to it."""
        return all(table == "seal" and dict(telling).get("state") == "revoked"
                   for table, _what, telling, _columns in change)

    def finish(self, bench, target):
        """The daemon finishes it by itself, within seconds."""
        self.check(bench, target, None)
        pipe = bench.box.pipe("for i in $(seq 2000); do sleep 0.005; echo; done; echo over")
        while self.is_owed(bench, target):
            if pipe.line() == "over":
                raise Finding("the bit stays owed")
        pipe.kill()
        self.check(bench, target, None)

    def is_owed(self, bench, target):
        return any(row["revocation_pending"] for row in bench.dump()["seal"].values()
                   if row["number"] == number_of(target))


class AppliesAbout(Changes):
    signature, body = "sa{sv}", ("revoke", {"reason": ("s", "why")})
    repeated = ("AlreadyExists",)

    def check(self, bench, target, reply):
        withdraw_requests(bench, ADMIN)

    def repeat(self, bench, target):
        super().repeat(bench, target)
        withdraw_requests(bench, ADMIN)


class SuspendsSeals(Operation):
    """One seal of a type that no other has."""

    signature, body = "a{sv}s", ({"type": ("s", "finance")}, "audit")
    repeated = ()

    def prepare(self, bench):
        reply = bench.good(APPLICANT, MANAGER, "Manager.Apply", "a{sv}", application(type=("s", "finance")))
        seal = seal_of(bench, approve(bench, reply))
        bench.good(ROOT, seal, "Seal.Accept", "a{sv}", {})
        return MANAGER

    def check(self, bench, target, reply):
        if reply.body[0] != 1:
            raise Finding(f"it says that it suspended {reply.body[0]}")


def machine_state_options(bench):
    """The present state, approved by the authority with plain openssl; it stays the same."""
    report = bench.good(ADMIN, MANAGER, "Manager.GetMachineState")
    return {"signature": ("ay", authority_signature(bench, bytes(report["to-sign"][1])))}


def authority_signature(bench, message):
    bench.box.write("message", message)
    bench.box.ok("openssl dgst -sha256 -sign $SEAL_AUTHORITY -out /run/test/sig /run/test/message")
    return bench.box.run("cat /run/test/sig").bytes


class ApprovesState(Operation):
    signature = "a{sv}"

    def prepare(self, bench):
        return machine_state_options(bench)

    def call(self, bench, target):
        return bench.call(ADMIN, MANAGER, self.member, self.signature, target)

    repeated = ()
    may_fail_late = True  # kept, but not read back: approved again, it is the same


class MeasuresRoom(Operation):
    """ExtendCapacity, all of it but the answers: indices are planned, defined and removed again. What a
    fault leaves of them is an extension that any later call goes on with."""

    signature, body = "ua{sv}", (64, {"measure": ("b", True)})
    repeated = ()

    def is_half(self, change, broken):
        return all(table == "nv_index" and what != "gone" for table, what, *_ in change)

    def finish(self, bench, target):
        bench.good(ADMIN, MANAGER, self.member, self.signature, 1, {})
        while listed := self.indices_offered(bench):
            for identity, message in listed:
                bench.good(ADMIN, MANAGER, "Manager.Answer", "say", identity,
                           authority_signature(bench, bytes(message)))

    def indices_offered(self, bench):
        """Another operation may have left a change of the separation to be answered, which must stay so."""
        return [(identity, message) for identity, kind, message, _expires
                in bench.good(ADMIN, MANAGER, "Manager.ListChallenges") if kind == "index"]


class SetsCertificates(Operation):
    """Of another authority: the maker's, or one seal's for all."""

    signature, repeated = "aay", ()

    def __init__(self, member, asked, extensions):
        super().__init__(member)
        self.asked, self.extensions, self.kept = asked, extensions, {}

    def prepare(self, bench):
        if bench not in self.kept:
            other = Authority(bench.box, self.member.split(".")[0].lower())
            target, leaf = self.asked(bench, other, self.extensions)
            self.kept[bench] = target, [leaf, other.root]
        return self.kept[bench][0]

    def call(self, bench, target):
        return bench.call(ADMIN, target, self.member, self.signature, self.kept[bench][1])


def makers_leaf(bench, other, extensions):
    return MANAGER, other.issue(bytes(bench.good(ADMIN, MANAGER, "Manager.GetMakerRequest")), extensions)


def seals_leaf(bench, other, extensions):
    seal = active_seal(bench)
    key = bench.good(ADMIN, seal, "org.freedesktop.DBus.Properties.Get", "ss", "org.sealsd1.Seal", "PublicKey")
    return seal, other.issue_for(bytes(key[1]), "/O=Other/CN=Seal", extensions)


class Reads(Changes):
    """Changes nothing, and gives something."""

    def __init__(self, member, before=lambda bench: MANAGER, **more):
        super().__init__(member, before, **more)
        self.kept = {}

    def prepare(self, bench):
        if bench not in self.kept:
            self.kept[bench] = self.before(bench)
        return self.kept[bench]


def get_seal(bench):
    return number_of(active_seal(bench))


class GetsSeal(Reads):
    signature = "s"

    def call(self, bench, target):
        return bench.call(ADMIN, MANAGER, self.member, self.signature, target)


def operations():
    """All but Initialize and Answer, which begin elsewhere."""
    return [
        Signs(),
        Signs(name="Seal.Sign (cades)", options={"format": ("s", "cades")}),
        Revokes(),
        Makes("Request.Approve", new_request, user=REVIEWER, signature="sa{sv}", body=("seen", {})),
        Changes("Request.Approve", new_request, name="Request.Approve (strict)", separation="strict",
                user=REVIEWER, signature="sa{sv}", body=("seen", {})),
        Makes("Request.Make", lambda bench: approve(bench, new_request(bench)), separation="strict",
              user=MAKER, maker=MAKER, repeated=()),
        Creates(),
        Applies("Manager.Apply"),
        Applies("Manager.Apply", name="Manager.Apply (picture)", options=PICTURE),
        Reads("Request.GetPicture", lambda bench: new_request(bench, **PICTURE)),
        Changes("Request.Reject", new_request, user=REVIEWER, signature="s", body=("no",)),
        Changes("Request.Cancel", new_request, user=APPLICANT, signature="s", body=("no",)),
        Changes("Seal.RecordFiling", made_seal, separation="strict", user=MAKER, signature="a{sv}",
                body=({"filing-number": ("s", "2026-17")},)),
        Changes("Seal.Deliver", filed_seal, separation="strict", signature="s", body=("user:root",)),
        Changes("Seal.Accept", delivered_seal, signature="a{sv}", body=({},)),
        Changes("Seal.Accept", delivered_pin_seal, name="Seal.Accept (PIN)", signature="a{sv}",
                body=({"new-pin": ("s", "4711")},)),
        Changes("Seal.ChangePin", pin_seal, signature="vv", body=(("s", "4711"), ("s", "4711")),
                repeated=()),
        Changes("Seal.Decline", delivered_seal, signature="s", body=("not mine",)),
        Changes("Request.RejectSigned", new_request, user=REVIEWER, signature="sa{sv}", body=("no", {})),
        SignsMany(),
        OnOneSeal("Seal.GetCertificateRequest", signature="a{sv}", body=({},)),
        OnOneSeal("Seal.AddGrant", signature="sa{sv}", body=("user:seal-keeper", {"count": ("t", 5)})),
        OnOneSeal("Seal.AddGrant", name="Seal.AddGrant (emergency)", user=OTHER_ADMIN,
                  signature="sa{sv}", body=("user:seal-keeper", {"emergency": ("b", True),
                                                                 "reason": ("s", "fire")})),
        RemovesGrant("Seal.RemoveGrant"),
        Reads("Seal.ListGrants", active_seal),
        RaisesSeparation("Manager.SetSeparation"),
        Reads("Manager.SetSeparation", name="Manager.SetSeparation (challenge)", signature="sa{sv}",
              body=("single", {})),
        RegistersReviewer("Manager.RegisterReviewer"),
        AppliesAbout("Seal.Apply", active_seal),
        Changes("Seal.Suspend", active_seal, signature="s", body=("holidays",)),
        Changes("Seal.Resume", after("Seal.Suspend"), user=OTHER_ADMIN, signature="s", body=("back",)),
        Changes("Seal.ReportLost", active_seal, signature="s", body=("gone",)),
        Changes("Seal.ReportFound", after("Seal.ReportLost"), signature="s", body=("here",)),
        Changes("Seal.Surrender", active_seal, signature="s", body=("he leaves",)),
        Changes("Seal.Destroy", after("Seal.Revoke"), user=OTHER_ADMIN, signature="s", body=("over",),
                repeated=("UnknownObject",)),
        RequestsUse("Seal.RequestUse"),
        RequestsUse("Seal.RequestUse", name="Seal.RequestUse (cades)", options={"format": ("s", "cades")}),
        OnUses("Request.Challenge", repeated=()),
        Authorizes("Request.Authorize"),
        OnUses("Request.WithdrawApproval", approvals=1, signature="s", body=("user:root",),
               repeated=("NotFound",)),
        Collects("Request.Collect"),
        Collects("Request.Collect", name="Request.Collect (cades)", options={"format": ("s", "cades")}),
        Collects("Request.CollectWith", signature="a{sv}", body=({},)),
        SuspendsSeals("Manager.SuspendSeals"),
        Changes("Request.Approve", request_about("transfer", keeper=("s", "user:seal-keeper")),
                name="Request.Approve (transfer)", user=REVIEWER, signature="sa{sv}", body=("seen", {})),
        Makes("Request.Approve", request_about("renew"), name="Request.Approve (renew)", user=REVIEWER,
              signature="sa{sv}", body=("seen", {})),
        Changes("Seal.Accept", renewed_seal, name="Seal.Accept (renewal)", signature="a{sv}", body=({},)),
        Makes("Request.Approve", request_about("destroy", after("Seal.Revoke")),
              name="Request.Approve (destroy)", user=REVIEWER, signature="sa{sv}", body=("seen", {})),
        Makes("Request.Approve", request_about("recertify"), name="Request.Approve (recertify)",
              user=REVIEWER, signature="sa{sv}", body=("seen", {})),
        SetsCertificates("Manager.SetMakerCertificates", makers_leaf, MAKER_USE),
        SetsCertificates("Seal.SetCertificates", seals_leaf, SEAL_USE),
        Reads("Manager.GetMakerCertificates"),
        Reads("Manager.GetMakerRequest"),
        Reads("Manager.GetMakerRequests"),
        Reads("Manager.GetRevocationList"),
        Reads("Manager.GetRevocationLists"),
        Reads("Seal.StateAt", active_seal, signature="t", body=(1 << 60,)),
        ApprovesState("Manager.ApproveMachineState"),
        MeasuresRoom("Manager.ExtendCapacity"),
        Reads("Manager.GetMachineState"),
        Reads("Manager.ListMachineStates"),
        Reads("Manager.GetStatus"),
        Reads("Manager.Inspect"),
        Reads("Seal.Inspect", active_seal),
        Reads("Seal.Attest", active_seal, signature="ay", body=(b"asked once",)),
        Reads("Manager.ReadLedger", user=AUDITOR, signature="a{sv}", body=({"limit": ("u", 5)},),
              tells_of_others=True),
        Reads("Manager.VerifyLedger", user=AUDITOR, tells_of_others=True),
        Reads("Manager.ListChallenges"),
        Reads("Manager.ListSeals", signature="a{sv}", body=({},)),
        Reads("Manager.ListRequests", signature="a{sv}", body=({"awaiting": ("s", "me")},)),
        GetsSeal("Manager.GetSeal", get_seal),
        Reads("Manager.Subscribe"),
        Reads("Manager.Unsubscribe"),
        Reads("Request.Describe", new_request),
        Reads("Seal.Describe", active_seal),
        Reads(GET_ALL, name="Manager's properties", signature="s", body=("org.sealsd1.Manager",)),
        Reads(GET_ALL, new_request, name="Request's properties", signature="s",
              body=("org.sealsd1.Request",)),
        Reads(GET_ALL, active_seal, name="Seal's properties", signature="s",
              body=("org.sealsd1.Seal",)),
        Reads("org.freedesktop.DBus.Introspectable.Introspect", active_seal, name="Introspect"),
    ]
