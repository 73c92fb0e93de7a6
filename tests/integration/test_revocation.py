# SPDX-License-Identifier: Apache-2.0
"""Revoked stays revoked: against the daemon, root, yesterday's register and a re-made index."""

import hashlib
import json

DIGEST = hashlib.sha256(b"after the end").digest()


def attacker(box, *arguments, tcti=None):
    """What the chip answers to root with everything that the daemon has."""
    done = box.run(["attacker", *arguments], env={"SEALSD_TCTI": tcti} if tcti else None)
    assert done.status in (0, 1), done
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

    # The whole register of before: there the seal is active, and the daemon asks the chip.
    restore_register(sandbox)
    assert sandbox.seal_property(seal, "State") == "active"
    assert sign_error(sandbox, seal) == "Revoked"
    # And the roll-back was noticed: the register is corrected.
    assert sandbox.seal_property(seal, "State") == "revoked"
    assert "put back to an older copy" in sandbox.ok("cat $SEALSD_LOG")
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


def test_replayed_first_write_of_the_authority_is_refused(bare):
    """Initialize by hand, keep what the authority signed, and use it again on a re-made index."""
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
    status = bare.manager("GetStatus")[0][0]
    index = f"0x{status['indices']['data'][0][0]:08x}"
    ref = hashlib.sha256(f"sealsd/revocation-index/{index[2:]}".encode()).digest()
    [identity] = [i for i, message in answers.items() if message.endswith(ref)]

    bare.ctl("stop")
    bare.ok("cp -a $SEALSD_STATE /run/before")
    assert attacker(bare, "redefine", "/run/before", index) == "done"
    assert attacker(bare, "replay", "/run/before", index, f"/run/test/{identity}.bytes",
                    f"/run/test/{identity}.sig") == "ApprovalInvalid"
    assert attacker(bare, "rewrite", "/run/before", index) == "RegisterTampered"


def test_session_prepared_before_revoke_does_not_sign_after_it(sandbox):
    seal = sandbox["SEAL"]
    keep_register(sandbox)
    first = sandbox.pipe(["attacker", "hold", "/run/before", seal])
    assert first.line() == "prepared"
    first.write("sign\n")
    assert first.line() == "done"  # without a revocation in between it signs

    held = sandbox.pipe(["attacker", "hold", "/run/before", seal])
    assert held.line() == "prepared"
    assert sandbox.seal(seal, "Revoke", "s", "over")[0] is not None
    held.write("sign\n")
    assert held.line() != "done"
    assert held.wait() == 1


def test_other_users_of_the_tpm_can_neither_set_bits_nor_lock(sandbox):
    seal = sandbox["SEAL"]
    index = index_of(sandbox, seal)
    for command in (f"tpm2_nvsetbits -C {index} -i 1 {index}",
                    f"tpm2_nvsetbits -C o -i 1 {index}",
                    f"tpm2_nvreadlock -C {index} {index}",
                    f"tpm2_nvreadlock -C o {index}",
                    f"tpm2_nvread -C {index} {index}",
                    f"tpm2_nvread -C o {index}"):
        assert sandbox.run(command).status != 0, command
        assert sandbox.run(command, user="tss").status != 0, command
    # The policy's later branch without the index's auth.
    sandbox.ok("install -d -m 1777 /run/test")
    script = f"""cd /run/test && tpm2_startauthsession --policy-session -S s.ctx &&
        tpm2_policynvwritten -S s.ctx s && tpm2_policyauthvalue -S s.ctx;
        tpm2_nvsetbits -C {index} -P session:s.ctx -i 1 {index}; r=$?
        tpm2_flushcontext s.ctx; exit $r"""
    assert sandbox.run(script).status != 0
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
    # Each attempt is a round trip to the chip: the job that owes the bit comes in between.
    sandbox.ok("for i in $(seq 500); do "
               f"[ \"$(attacker sign /run/before {seal})\" = Revoked ] && exit 0; done; exit 1")


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
    assert status["capacity-used"]["data"] == 128
    assert any("80 %" in text for text in status["attention"]["data"])
    assert "attention (warning) capacity" in box.ok("cat $SEALSD_LOG")
