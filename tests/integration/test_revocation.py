# SPDX-License-Identifier: Apache-2.0
"""Revoked stays revoked: against the daemon, root, yesterday's register and a re-made index."""

import hashlib
import json
import re

from tampering import rows

DIGEST = hashlib.sha256(b"after the end").digest()
QUIET = {"TSS2_LOG": "all+none"}  # where output and errors come as one


STATE_IN = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
print(*db.execute("SELECT state FROM seal WHERE number = ?", sys.argv[2:]).fetchone())
"""


def attacker(box, *arguments):
    """What the chip answers to root with everything that the daemon has."""
    done = box.run(["attacker", *arguments])
    assert done.status in (0, 1), done
    assert done.stdout.strip() != "Failed", done  # the tool's own trouble is no refusal
    return done.stdout.strip()


def keep_register(box, name="before"):
    box.ctl("stop")
    box.ok(f"cp -a $SEALSD_STATE /run/{name}")
    box.ctl("start")


def restore_register(box, name="before"):
    box.ctl("stop")
    box.ok(f"rm -rf $SEALSD_STATE/* && cp -a /run/{name}/. $SEALSD_STATE/")
    box.ctl("start")


def index_of(box, number):
    seal = json.loads(box.seal(number, "Describe")[0][0])
    return f"0x{seal['index']:08x}"


def sign_error(box, number):
    return box.error(f"/org/sealsd1/seal/{number}", "Seal", "Sign", "aya{sv}", "32", *["7"] * 32, "0")


def test_revoked_seal_is_refused_everywhere_and_its_neighbour_signs_on(sandbox):
    seal, neighbour = sandbox["SEAL"], sandbox.make_seal("Neighbour")
    assert index_of(sandbox, seal) == index_of(sandbox, neighbour)
    keep_register(sandbox)
    # While the seal lives the same attack signs, so that its refusal below means something.
    assert attacker(sandbox, "sign", "/run/before", seal) == "done"

    data, error = sandbox.seal(seal, "Revoke", "s", "key ceremony over")
    assert data is not None, error
    assert sandbox.seal_property(seal, "State") == "revoked"
    assert sandbox.seal_property(seal, "WhyNot").startswith("Revoked: ")
    assert sign_error(sandbox, seal) == "Revoked"
    # The chip, asked with the register of before: blob, auths and approvals are all in it.
    assert attacker(sandbox, "sign", "/run/before", seal) == "Revoked"
    signature, use = sandbox.sign(neighbour, DIGEST)
    assert signature and sandbox.verify(neighbour, DIGEST, signature)

    # The whole register of before: there the seal is active. It is noticed before anybody signs.
    restore_register(sandbox)
    assert sandbox.ok(["/usr/bin/python3", "-c", STATE_IN, "/run/before/register.db", seal]) == "active\n"
    assert sandbox.seal_property(seal, "State") == "revoked"
    assert "put back to an older copy" in sandbox.ok("cat $SEALSD_LOG")
    assert sign_error(sandbox, seal) == "Revoked"
    # Nothing signs in a register that is not the one that was left, until somebody says that it does.
    assert sandbox.manager_property("State") == "tampered"
    assert sign_error(sandbox, neighbour) == "RegisterTampered"
    data, error = sandbox.manager("AcknowledgeTampering", "sa{sv}", "put back on purpose", 0)
    assert data is not None, error
    assert sign_error(sandbox, seal) == "Revoked"
    assert sandbox.sign(neighbour, DIGEST)[0]


def test_revoking_twice_succeeds_and_never_returns(sandbox):
    seal = sandbox["SEAL"]
    assert sandbox.seal(seal, "Revoke", "s", "once")[0] is not None
    assert sandbox.seal(seal, "Revoke", "s", "twice")[0] is not None
    described = json.loads(sandbox.seal(seal, "Describe")[0][0])
    assert described["revocation-reason"] == "once"
    assert sandbox.error(f"/org/sealsd1/seal/{seal}", "Seal", "Accept", "a{sv}", "0") in (
        "InvalidState", "AccessDenied")


def test_index_made_again_with_the_same_attributes_refuses(sandbox):
    seal, neighbour = sandbox["SEAL"], sandbox.make_seal("Neighbour")
    index = index_of(sandbox, seal)
    keep_register(sandbox)
    assert sandbox.seal(seal, "Revoke", "s", "over")[0] is not None

    assert attacker(sandbox, "redefine", "/run/before", index) == "done"
    # Re-made, not written: nothing signs, the living neighbour neither. Fail closed.
    assert attacker(sandbox, "sign", "/run/before", seal) == "RegisterTampered"
    assert attacker(sandbox, "sign", "/run/before", neighbour) == "RegisterTampered"
    assert sign_error(sandbox, neighbour) == "RegisterTampered"
    # The daemon's branch wants an index that was written; only the authority's first write makes it.
    assert attacker(sandbox, "rewrite", "/run/before", index) == "RegisterTampered"
    assert attacker(sandbox, "sign", "/run/before", seal) == "RegisterTampered"
    assert sandbox.manager("GetStatus")[0][0]["state"]["data"] == "tampered"


def test_ledger_index_undefined_by_the_owner_is_tampering(sandbox):
    ledger = sandbox.manager("GetStatus")[0][0]["ledger-index"]["data"]
    sandbox.ok(f"tpm2_nvundefine -C o 0x{ledger:08x}")
    assert sandbox.manager("GetStatus")[0][0]["state"]["data"] == "tampered"
    assert sandbox.manager_property("State") == "tampered"
    assert sign_error(sandbox, sandbox["SEAL"]) == "RegisterTampered"
    assert sandbox.seal_property(sandbox["SEAL"], "WhyNot").startswith("RegisterTampered: ")


def initialize_by_hand(bare):
    """With the authority's answers kept beside the bytes that it signed: {challenge: bytes}."""
    bare.ok("install -d -m 1777 /run/test; openssl pkey -in $SEAL_AUTHORITY -pubout "
            "-out /run/test/public.pem")
    data, error = bare.manager("Initialize", "a{sv}", 1, "authority", "s",
                               bare.ok("cat /run/test/public.pem"))
    assert data is not None, error
    answers = {}
    while bare.manager_property("State") == "uninitialized":
        for identity, kind, message, _expires in bare.manager("ListChallenges")[0][0]:
            bare.write(f"{identity}.bytes", bytes(message))
            bare.ok(f"cd /run/test && openssl dgst -sha256 -sign $SEAL_AUTHORITY -out "
                    f"{identity}.sig {identity}.bytes")
            signature = bare.run(f"cat /run/test/{identity}.sig").bytes
            data, error = bare.manager("Answer", "say", identity, len(signature), *signature)
            assert data is not None, error
            answers[identity] = bytes(message)
    return answers


def first_index_and_its_challenge(bare, answers):
    status = bare.manager("GetStatus")[0][0]
    index = f"0x{status['indices']['data'][0][0]:08x}"
    ref = hashlib.sha256(f"sealsd/revocation-index/{index[2:]}".encode()).digest()
    [identity] = [i for i, message in answers.items() if message.endswith(ref)]
    return index, identity


def test_replayed_first_write_of_the_authority_is_refused(bare):
    """Initialize by hand, keep what the authority signed, and use it again on a re-made index."""
    index, identity = first_index_and_its_challenge(bare, initialize_by_hand(bare))

    bare.ctl("stop")
    bare.ok("cp -a $SEALSD_STATE /run/before")
    assert attacker(bare, "redefine", "/run/before", index) == "done"
    assert attacker(bare, "replay", "/run/before", index, f"/run/test/{identity}.bytes",
                    f"/run/test/{identity}.sig") == "ApprovalInvalid"
    assert attacker(bare, "rewrite", "/run/before", index) == "RegisterTampered"
    # The control: the same steps pass with the session's own nonce and a signature made for it, and
    # once the index is written, so does the daemon's branch.
    assert attacker(bare, "answer", "/run/before", index, f"/run/test/{identity}.bytes",
                    bare["SEAL_AUTHORITY"]) == "done"
    assert attacker(bare, "rewrite", "/run/before", index) == "done"


def test_session_prepared_before_revoke_does_not_sign_after_it(sandbox):
    seal = sandbox["SEAL"]
    keep_register(sandbox)
    first = sandbox.pipe(["attacker", "hold", "/run/before", seal], env=QUIET)
    assert first.line() == "prepared"
    first.write("sign\n")
    assert first.line() == "done"  # without a revocation in between it signs

    held = sandbox.pipe(["attacker", "hold", "/run/before", seal], env=QUIET)
    assert held.line() == "prepared"
    assert sandbox.seal(seal, "Revoke", "s", "over")[0] is not None
    held.write("sign\n")
    assert held.line() == "Busy"  # what TPM_RC_PCR_CHANGED of the fence is translated to
    assert "measurements changed" in held.line()
    assert held.wait() == 1


def chip_code(done):
    """The response code that a tpm2-tools command was refused with."""
    found = re.search(r"ErrorCode \((0x[0-9a-f]+)\)", done.stderr)
    assert done.status != 0 and found, done
    return int(found[1], 16)


# TPM 2.0 Part 2, section 6.6.3
BAD_AUTH = 0x9A2  # of the first session: the authorisation value is another
AUTH_UNAVAILABLE = 0x12F  # this kind of authorisation does not write here
NV_AUTHORIZATION = 0x149  # the owner has no part in this index


def auth_of(box, index):
    """What the daemon keeps to itself: the index's authorisation value, as tpm2-tools writes it."""
    out = box.ok(["/usr/bin/python3", "-c",
                  "import os, sqlite3, sys\n"
                  "db = sqlite3.connect(os.environ['SEALSD_STATE'] + '/register.db')\n"
                  "print(*db.execute('SELECT hex(auth) FROM nv_index WHERE handle = ?',\n"
                  "                  (int(sys.argv[1], 0),)).fetchone())", index])
    return f"hex:{out.strip()}"


def branches_of(box, index):
    """The two branches of the index's policy, from the specification: tpm2_policyor's list."""
    def extend(digest, *parts):
        return hashlib.sha256(digest + b"".join(parts)).digest()

    status = box.manager("GetStatus")[0][0]
    nv_written, signed, auth_value = (bytes.fromhex(code) for code in
                                      ("0000018f", "00000160", "0000016b"))
    ref = hashlib.sha256(f"sealsd/revocation-index/{index[2:]}".encode()).digest()
    first = extend(extend(bytes(32), nv_written, b"\0"), signed,
                   bytes(status["authority-name"]["data"]))
    later = extend(extend(bytes(32), nv_written, b"\1"), auth_value)
    box.write("first", extend(first, ref))
    box.write("later", later)
    return "sha256:/run/test/first,/run/test/later"


def test_other_users_of_the_tpm_can_neither_read_nor_lock(sandbox):
    seal = sandbox["SEAL"]
    index = index_of(sandbox, seal)
    auth = auth_of(sandbox, index)
    for user in (None, "tss"):
        for tool in ("tpm2_nvread", "tpm2_nvreadlock"):
            assert chip_code(sandbox.run([tool, "-C", index, index], user)) == BAD_AUTH, tool
            assert chip_code(sandbox.run([tool, "-C", "o", index], user)) == NV_AUTHORIZATION, tool
        # The control: with the index's own auth the same command line reads.
        sandbox.ok(["tpm2_nvread", "-C", index, "-P", auth, index], user)
    assert sandbox.sign(seal)[0]
    sandbox.ok(["tpm2_nvreadlock", "-C", index, "-P", auth, index])
    assert sign_error(sandbox, seal) == "Locked"


def test_other_users_of_the_tpm_cannot_set_bits(sandbox):
    seal = sandbox["SEAL"]
    index = index_of(sandbox, seal)
    auth, branches = auth_of(sandbox, index), branches_of(sandbox, index)
    free = 1 << 63
    sandbox.ok("install -d -o tss /run/test/tss")

    def set_bits(password, user=None):
        """By the branch that the daemon uses."""
        return sandbox.run(f"""cd /run/test/tss
            tpm2_startauthsession --policy-session -S s >&2
            trap 'tpm2_flushcontext s >&2; rm s' EXIT
            tpm2_policynvwritten -S s s >&2; tpm2_policyauthvalue -S s >&2
            tpm2_policyor -S s -l {branches} >&2
            tpm2_nvsetbits -C {index} -P session:s{password} -i {free} {index}""", user)

    for user in (None, "tss"):
        for who, code in ((index, AUTH_UNAVAILABLE), ("o", NV_AUTHORIZATION)):
            done = sandbox.run(["tpm2_nvsetbits", "-C", who, "-i", str(free), index], user)
            assert chip_code(done) == code
        # The index's auth alone does not write either, and the policy not without the auth.
        done = sandbox.run(["tpm2_nvsetbits", "-C", index, "-P", auth, "-i", str(free), index], user)
        assert chip_code(done) == AUTH_UNAVAILABLE
        assert chip_code(set_bits("", user)) == BAD_AUTH
    read = ["tpm2_nvread", "-C", index, "-P", auth, index]
    assert sandbox.run(read).bytes == bytes(8)
    # The control: the same steps with the index's auth set the bit.
    done = set_bits(f"+{auth}")
    assert done.status == 0, done
    assert sandbox.run(read).bytes == free.to_bytes(8, "big")
    assert sandbox.sign(seal)[0]


def test_revocation_marked_before_a_kill_is_finished_after_it(sandbox):
    """The register says revoked, the bit is owed: the next start sets it."""
    seal = sandbox["SEAL"]
    keep_register(sandbox)
    sandbox.ctl("stop")
    sandbox.ok("/usr/bin/python3 - <<'END'\n"
               "import os, sqlite3\n"
               "db = sqlite3.connect(os.environ['SEALSD_STATE'] + '/register.db')\n"
               f"db.execute(\"UPDATE seal SET state='revoked', revocation_pending=1 WHERE number='{seal}'\")\n"
               "db.commit()\nEND\nchown -R sealsd:sealsd $SEALSD_STATE")
    assert attacker(sandbox, "sign", "/run/before", seal) == "done"
    sandbox.ctl("start")
    # Each of these calls goes to the chip: the job that owes the bit comes in between.
    for _ in range(50):
        assert sandbox.manager("GetMachineState")[0]
        if attacker(sandbox, "sign", "/run/before", seal) == "Revoked":
            break
    assert attacker(sandbox, "sign", "/run/before", seal) == "Revoked"


def test_seals_of_a_second_index_work_and_the_last_bit_ends_it(new_sandbox):
    """capacity 63: two indices, of which 2 bits are the maker's; then CapacityExhausted."""
    box = new_sandbox()
    box.ok("sealctl init --authority $SEAL_AUTHORITY --separation single --capacity 63")
    indices = box.manager("GetStatus")[0][0]["indices"]["data"]
    assert len(indices) == 2
    made = []
    for i in range(62):
        data, error = box.manager("CreateSeal", "a{sv}", 1, "name", "s", f"Seal {i}")
        assert data, error
        made.append(data[0].rsplit("/", 1)[1])
    first = index_of(box, made[0])
    data, error = box.manager("CreateSeal", "a{sv}", 1, "name", "s", "In the second")
    assert data, error
    other = data[0].rsplit("/", 1)[1]
    second = index_of(box, other)
    assert first != second
    signature, _use = box.sign(other, DIGEST)
    assert signature and box.verify(other, DIGEST, signature)
    assert box.seal(other, "Revoke", "s", "over")[0] is not None
    assert sign_error(box, other) == "Revoked"
    assert box.sign(made[61], DIGEST)[0]
    for i in range(63):
        data, error = box.manager("CreateSeal", "a{sv}", 1, "name", "s", f"Seal {i} of 2")
        assert data, error
    assert box.error("/org/sealsd1", "Manager", "CreateSeal", "a{sv}", "1", "name", "s",
                     "One too many") == "CapacityExhausted"
    status = box.manager("GetStatus")[0][0]
    assert status["capacity-used"]["data"] == 126
    assert any("revocation bit" in text for text in status["attention"]["data"])
    assert "attention (warning) capacity" in box.ok("cat $SEALSD_LOG")


REVOKES = """
import sys
from jeepney import DBusAddress, MessageType, new_method_call
from jeepney.io.blocking import open_dbus_connection
path, *reasons = sys.argv[1:]
seal = DBusAddress(path, bus_name="org.sealsd1", interface="org.sealsd1.Seal")
with open_dbus_connection("SYSTEM") as bus:
    for reason in reasons:
        bus.send(new_method_call(seal, "Revoke", "s", (reason,)))
    for _ in reasons:
        reply = bus.receive(timeout=60)
        while reply.header.message_type == MessageType.signal:
            reply = bus.receive(timeout=60)
        ok = reply.header.message_type == MessageType.method_return
        print("ok" if ok else reply.header.fields[4])
"""


def test_bit_that_two_set_at_once_is_recorded_once(sandbox):
    seal = sandbox["SEAL"]
    monitor = sandbox.pipe(["busctl", "--json=short", "monitor",
                            "--match=type='method_return',sender='org.freedesktop.PolicyKit1'"])
    while not monitor.line().startswith("Monitoring"):
        pass
    sandbox.ok("kill -STOP $(cat /run/sealsd-sandbox/swtpm.pid)")
    number = sandbox.start(["/usr/bin/python3", "-c", REVOKES, f"/org/sealsd1/seal/{seal}", "theft", "loss"])
    for _ in range(2):
        while json.loads(monitor.line())["type"] != "method_return":
            pass
    # polkit's answers lie before this one in the daemon's queue.
    sandbox.ok(["busctl", "call", "--", "org.sealsd1", "/org/sealsd1", "org.freedesktop.DBus.Peer", "Ping"])
    monitor.kill()
    sandbox.ok("kill -CONT $(cat /run/sealsd-sandbox/swtpm.pid)")
    assert sandbox.finish(number).stdout.split() == ["ok", "ok"]
    assert json.loads(sandbox.seal(seal, "Describe")[0][0])["revocation-reason"] == "theft"
    assert len([row for row in rows(sandbox) if row["event"] == "seal-revocation-settled"]) == 1
