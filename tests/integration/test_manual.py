# SPDX-License-Identifier: Apache-2.0
"""The examples of docs/bus.md, run as they stand, and every member of the interfaces among them."""

import json
import re

from certificates import MAKER_USE, Authority
from conftest import ROOT
from pictures import SVG

MANUAL = (ROOT / "docs/bus.md").read_text()
BLOCKS = re.findall(r"```sh\n(.*?)```", MANUAL, re.S)
SETUP, EXAMPLES = BLOCKS[0], [line for block in BLOCKS[1:] for line in block.splitlines()]


WITH_DESCRIPTORS = {"ExportLedger": "sealctl ledger export", "DepositSecret": "sealctl sign"}


def example(start):
    [found] = [line for line in EXAMPLES if line.startswith(start)]
    return found


class Reader:
    """Runs the manual's lines in one folder, as one of the users."""

    def __init__(self, box):
        self.box, self.used = box, set()
        box.ok("install -d -m 1777 /run/test; openssl pkey -in $SEAL_AUTHORITY -pubout "
               "> /run/test/authority-public.pem; "
               "openssl ecparam -name prime256v1 -genkey -noout | openssl pkey -pubout "
               "> /run/test/reviewer.pem; openssl ecparam -name prime256v1 -genkey -noout -out "
               "/run/test/approver.key; head -c 32 /dev/urandom > /run/test/digest.bin; "
               "date > /run/test/document; "
               "chmod 0644 /run/test/*")

    def run(self, start, user=None, seal="", **replace):
        line = example(start)
        self.used.add(line)
        for old, new in replace.items():
            line = line.replace(old.replace("__", "-"), new)
        done = self.box.run(f"cd /run/test; SEAL={seal}\n{SETUP}\n{line}", user)
        assert done.status == 0, (line, done)
        return done.stdout

    def challenges(self):
        # busctl prints a(ssayt) in one line: COUNT then id, kind, size, bytes…, expires.
        words = self.run("call $M ListChallenges").split()[2:]
        while words:
            identity, kind, size = words[0].strip('"'), words[1].strip('"'), int(words[2])
            yield identity, kind, bytes(int(b) for b in words[3:3 + size])
            words = words[4 + size:]

    def answer(self):
        for identity, _kind, message in self.challenges():
            self.box.write("message", message)
            self.box.ok("cd /run/test; openssl dgst -sha256 -sign $SEAL_AUTHORITY -out signature.der "
                        "message")
            self.run("call $M Answer", machine__state__7f3a09c1=identity)


def walk_dual(box, new):
    reader = Reader(box)
    reader.run("call $M Initialize")
    while box.manager_property("State") == "uninitialized":
        reader.answer()
    reader.run("call $M GetStatus")
    reader.run("call $M Subscribe")
    reader.run("call $M Unsubscribe")
    state = box.manager("GetMachineState")[0][0]
    reader.run("call $M GetMachineState")
    box.write("state", bytes(state["to-sign"]["data"]))
    box.ok("cd /run/test; openssl dgst -sha256 -sign $SEAL_AUTHORITY -out state.sig state")
    reader.run("call $M ApproveMachineState")
    reader.run("call $M ListMachineStates")
    reader.run("call $M ExtendCapacity ua{sv} 640")
    reader.run("call $M ExtendCapacity ua{sv} 100")
    while box.manager("ListChallenges")[0] != [[]]:
        reader.answer()

    for _ in range(4):
        reader.run("call $M Apply 'a{sv}' 2 name s \"Acme Contracts\"", user=box["SEAL_APPLICANT"])
    reader.run("call $M ListRequests", user=box["SEAL_REVIEWER"])
    reader.run("call $R Approve", user=box["SEAL_REVIEWER"])
    reader.run("call $R Describe")
    reader.run("call $R Make", user=box["SEAL_REVIEWER"])
    reader.run("call $R Reject s", user=box["SEAL_REVIEWER"], **{"$R": '${R/request\\/1/request\\/2}'})
    reader.run("call $R RejectSigned", user=box["SEAL_REVIEWER"], **{"$R": '${R/request\\/1/request\\/4}'})
    reader.run("call $R Cancel", user=box["SEAL_APPLICANT"], **{"$R": '${R/request\\/1/request\\/3}'})
    seal = box.property("/org/sealsd1/request/1", "Request", "Seal")
    reader.run("call $M GetSeal", seal=seal)
    reader.run("call $S Decline", seal=seal)
    reader.run("call $S Deliver", seal=seal)
    reader.run("call $S Accept 'a{sv}' 0", seal=seal)
    reader.run("call $M ListSeals")
    reader.run("call $S Sign 'aya{sv}' $(ay digest.bin) 1 purpose", seal=seal)
    for member in ("SignMany", "AddGrant", "ListGrants", "RemoveGrant"):
        reader.run(f"call $S {member}", seal=seal)
    reader.run("call $S Describe", seal=seal)
    reader.run("openssl rand 32")
    reader.run("call $S Attest", seal=seal)
    reader.run("call $S Inspect", seal=seal)
    reader.run("call $M Inspect")
    reader.run("call $S StateAt", seal=seal, **{"1795000000000000": "$(date +%s%6N)"})
    reader.run("call $S Apply", seal=seal)
    reader.run("call $S Suspend", seal=seal)
    reader.run("call $S Resume", user=box["SEAL_ADMIN"], seal=seal)
    reader.run("call $M SuspendSeals")
    reader.run("call $S ReportLost", seal=seal)
    reader.run("call $S ReportFound", seal=seal)
    reader.run("call $S Surrender", seal=seal)
    reader.run("call $M ReadLedger", user=box["SEAL_AUDITOR"], seal=seal)
    reader.run("call $M VerifyLedger", user=box["SEAL_AUDITOR"])
    reader.run("sealctl ledger export", user=box["SEAL_AUDITOR"])
    reader.run("call $S Revoke", seal=seal)
    reader.run("call $S Destroy", user=box["SEAL_ADMIN"], seal=seal)
    walk_tampering(reader)
    walk_maker(reader)
    walk_uses(reader)
    walk_rsa(reader)
    walk_picture(reader)
    walk_formats(reader)
    walk_sm2(reader)
    walk_pin(reader)
    reader.run("call $M SetSeparation")
    reader.run("call $M RegisterReviewer")
    reader.run("call $M Lock")
    return reader.used | walk_states(new)


def walk_states(box):
    reader = Reader(box)
    box.ok("sealctl init --authority $SEAL_AUTHORITY --machine-states")
    reader.run("call $M RetireMachineState")
    return reader.used


def walk_tampering(reader):
    reader.box.ctl("stop")
    reader.box.ok(["/usr/bin/python3", "-c", "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); "
                   "db.execute('UPDATE counter SET value = value + 1'); db.commit()",
                   reader.box["SEALSD_STATE"] + "/register.db"])
    reader.box.ctl("start")
    reader.run("call $M AcknowledgeTampering")


def walk_maker(reader):
    """The maker's chain and a seal's, of another authority."""
    box, other = reader.box, Authority(reader.box)
    reader.run("call $M GetMakerCertificates", user=box["SEAL_STRANGER"])
    reader.run("call $M GetMakerRequest |")
    reader.run("call $M GetMakerRequests")
    box.write("maker.der", other.issue(box.run("cat /run/test/maker.csr").bytes, MAKER_USE))
    reader.run("call $M SetMakerCertificates")
    reader.run("call $M GetRevocationList |", user=box["SEAL_STRANGER"])
    box.ok("openssl crl -inform DER -in /run/test/maker.crl -noout -text")
    reader.run("call $M GetRevocationLists", user=box["SEAL_STRANGER"])
    seal = box.make_seal("Acme Elsewhere")
    box.write("seal.der", other.issue_for(bytes(box.seal_property(seal, "PublicKey")), "/O=Acme/CN=Elsewhere"))
    reader.run("call $S SetCertificates", seal=seal)


def walk_uses(reader):
    box = reader.box
    pem = box.ok("openssl pkey -in /run/test/approver.key -pubout")
    path = box.manager("Apply", "a{sv}", 4, "name", "s", "Acme Deeds", "keepers", "as", 1, "user:root",
                       "approvers", "a(ss)", 1, "user:root", pem, "threshold", "u", 1,
                       user=box["SEAL_APPLICANT"])[0][0]
    assert box.bus(path, "Request", "Approve", "sa{sv}", "fine", 0, user=box["SEAL_REVIEWER"])[1] == ""
    seal = box.property(path, "Request", "Seal")
    assert box.seal(seal, "Accept", "a{sv}", 0)[1] == ""
    number = reader.run("call $S RequestUse", seal=seal).split('"')[1].rsplit("/", 1)[1]
    its = {"$R": f"${{R/request\\/1/request\\/{number}}}"}
    reader.run("call $R Challenge", **its)
    reader.run("openssl dgst -sha256 -sign approver.key")
    for member in ("Authorize", "WithdrawApproval", "Authorize", "Collect |", "CollectWith"):
        reader.run(f"call $R {member}", **its)


def walk_rsa(reader):
    box, applicant = reader.box, reader.box["SEAL_APPLICANT"]
    request = reader.run("call $M Apply 'a{sv}' 2 name s \"Acme Invoices\"", user=applicant)
    path = request.split('"')[1]
    assert box.bus(path, "Request", "Approve", "sa{sv}", "fine", 0, user=box["SEAL_REVIEWER"])[1] == ""
    seal = box.property(path, "Request", "Seal")
    assert box.seal(seal, "Accept", "a{sv}", 0, user=applicant)[1] == ""
    reader.run("call $S Sign 'aya{sv}' $(ay digest.bin) 2 hash", user=applicant, seal=seal)


def walk_picture(reader):
    box = reader.box
    box.write("seal.svg", SVG)
    request = reader.run("call $M Apply 'a{sv}' 3 name s \"Acme Seal\"", user=box["SEAL_APPLICANT"])
    number = request.split('"')[1].rsplit("/", 1)[1]
    assert reader.run("call $R GetPicture", **{"$R": f"${{R/request\\/1/request\\/{number}}}"}).startswith(
        f'say "svg" {len(SVG)} ')


def walk_formats(reader):
    """With the SM2 seal of the application whose picture is the manual's."""
    box = reader.box
    path = box.ok("sealctl --json apply --name Formats --algorithm sm2 --keeper user:root --picture "
                  "/run/test/seal.svg --picture-mm 42x42", box["SEAL_APPLICANT"])
    path = f"/org/sealsd1/request/{json.loads(path)['id']}"
    assert box.bus(path, "Request", "Approve", "sa{sv}", "fine", 0, user=box["SEAL_REVIEWER"])[1] == ""
    seal = box.property(path, "Request", "Seal")
    assert box.seal(seal, "Accept", "a{sv}", 0)[1] == ""
    for start in ("call $S Sign 'aya{sv}' $(ay digest.bin) 1 format", "call $S Sign 'aya{sv}' $(ay digest.bin) 2 format",
                  "call $S Sign 'aya{sv}' 0 1 format", "call $S GetCertificateRequest"):
        reader.run(start, seal=seal)


def walk_sm2(reader):
    box = reader.box
    path = box.ok("sealctl --json apply --name Prefixed --algorithm sm2 --keeper user:root",
                  box["SEAL_APPLICANT"])
    path = f"/org/sealsd1/request/{json.loads(path)['id']}"
    assert box.bus(path, "Request", "Approve", "sa{sv}", "fine", 0, user=box["SEAL_REVIEWER"])[1] == ""
    seal = box.property(path, "Request", "Seal")
    assert box.seal(seal, "Accept", "a{sv}", 0)[1] == ""
    for start in ("busctl get-property $S DigestPrefix", "cat prefix document",
                  "call $S Sign 'aya{sv}' $(ay digest.bin) 0",
                  "busctl get-property $S PublicKey"):
        reader.run(start, seal=seal)
    assert "Verified OK" in reader.run("openssl dgst -sm3 -verify", seal=seal)


def walk_pin(reader):
    box = reader.box
    path = box.ok("sealctl --json apply --name Guarded --pin --keeper user:root", box["SEAL_APPLICANT"])
    path = f"/org/sealsd1/request/{json.loads(path)['id']}"
    assert box.bus(path, "Request", "Approve", "sa{sv}", "fine", 0, user=box["SEAL_REVIEWER"])[1] == ""
    seal = box.property(path, "Request", "Seal")
    reader.run("call $S Accept 'a{sv}' 1 new-pin", seal=seal)
    reader.run("call $S Sign 'aya{sv}' $(ay digest.bin) 1 pin", seal=seal)
    box.write("pin.txt", "4711\n")
    reader.run("sealctl sign", seal=seal)
    reader.run("call $S ChangePin", seal=seal)


def walk_single(box):
    reader = Reader(box)
    box.ok("sealctl init --authority $SEAL_AUTHORITY --separation single")
    reader.run("call $M CreateSeal")
    return reader.used


def walk_strict(box):
    reader = Reader(box)
    box.ok("sealctl init --authority $SEAL_AUTHORITY --separation strict")
    reader.run("call $M Apply 'a{sv}' 2 name s \"Acme Contracts\"", user=box["SEAL_APPLICANT"])
    reader.run("call $R Approve", user=box["SEAL_REVIEWER"])
    reader.run("call $R Make", user=box["SEAL_MAKER"])
    reader.run("call $S RecordFiling", user=box["SEAL_MAKER"],
               seal=box.property("/org/sealsd1/request/1", "Request", "Seal"))
    return reader.used


def test_every_example_of_the_manual_works(new_sandbox):
    used = walk_dual(new_sandbox(), new_sandbox()) | walk_single(new_sandbox()) | walk_strict(new_sandbox())
    assert set(EXAMPLES) - {""} == used


def test_every_method_of_the_bus_has_an_example(shared):
    paths = {"M": "/org/sealsd1", "R": "/org/sealsd1/request/1",
             "S": f"/org/sealsd1/seal/{shared['SEAL']}"}
    for letter, path in paths.items():
        xml = shared.ok(f"busctl --xml-interface introspect org.sealsd1 {path}")
        ours = re.search(r'<interface name="org\.sealsd1\..*?</interface>', xml, re.S).group(0)
        for member, arguments in re.findall(r'<method name="(\w+)"(.*?)(?:</method>|/>)', ours, re.S):
            # busctl hands over no descriptors.
            start = WITH_DESCRIPTORS.get(member, f"call ${letter} {member}")
            assert ('type="h"' in arguments) == (member in WITH_DESCRIPTORS)
            assert any(line.startswith(start) for line in EXAMPLES), member


def test_documented_keys_are_the_keys_that_come(shared):
    """Each key that the manual names for a dictionary or a document is there."""
    status = shared.manager("GetStatus")[0][0]
    machine = shared.manager("GetMachineState")[0][0]
    seal = json.loads(shared.seal(shared["SEAL"], "Describe")[0][0])
    request = json.loads(shared.request(1, "Describe")[0][0])
    for heading, got in (("### GetStatus()", status), ("### GetMachineState()", machine)):
        text = MANUAL.split(heading)[1].split("###")[0]
        named = re.findall(r"`([a-z-]+)` (?:s|u|t|b|ay|as|au|a\{su\}|a\(\w+\))(?=[\s,.(])", text)
        assert named and set(named) == set(got), (heading, set(named) ^ set(got))
    for heading, got in (("Describe's JSON: `id`", request), ("Describe's JSON: `number`", seal)):
        text = MANUAL.split(heading)[1].split("```")[0]
        outer = re.sub(r"\([^()]*(?:\([^()]*\)[^()]*)*\)", "", text)
        named = set(re.findall(r"`([a-z-]+)`", outer)) | {heading.split("`")[1]}
        assert named == set(got), (heading, named ^ set(got))
