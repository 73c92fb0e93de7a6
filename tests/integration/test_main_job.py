# SPDX-License-Identifier: Apache-2.0
"""A seal signs, and only in an approved machine state."""

import hashlib
import json
import os

DOCUMENT = b"We agree.\n"
DIGEST = hashlib.sha256(DOCUMENT).digest()


def ay(data):
    return f"ay {len(data)} {' '.join(str(b) for b in data)}"


def test_signature_made_with_plain_busctl_verifies_with_openssl(shared):
    doc = shared.write("doc", DOCUMENT)
    shared.ok(f"""
        ay() {{ wc -c <"$1"; od -An -v -tu1 "$1" | tr -s '\\n ' ' '; }}
        cd /run/test
        openssl dgst -sha256 -binary {doc} > digest
        busctl --json=short --timeout=180 call -- org.sealsd1 /org/sealsd1/seal/$SEAL \
            org.sealsd1.Seal Sign 'aya{{sv}}' $(ay digest) 1 purpose s document-signing > answer
        busctl --json=short get-property org.sealsd1 /org/sealsd1/seal/$SEAL org.sealsd1.Seal \
            PublicKey > key""")
    for source, target in (("answer", "signature.der"), ("key", "key.der")):
        data = json.loads(shared.ok(f"cat /run/test/{source}"))["data"]
        shared.write(target, bytes(data[0] if source == "answer" else data))
    out = shared.ok("openssl dgst -sha256 -verify /run/test/key.der -keyform DER "
                    "-signature /run/test/signature.der /run/test/doc")
    assert "Verified OK" in out
    shared.write("other", b"We do not agree.\n")
    refused = shared.run("openssl dgst -sha256 -verify /run/test/key.der -keyform DER "
                         "-signature /run/test/signature.der /run/test/other")
    assert refused.status != 0


def test_every_use_has_its_own_number(shared):
    first = shared.sign(shared["SEAL"])[1]
    second = shared.sign(shared["SEAL"])[1]
    assert second == first + 1
    assert shared.seal_property(shared["SEAL"], "UseCount") == second


def test_longer_hashes_are_signed_too(shared):
    for name in ("sha384", "sha512"):
        digest = hashlib.new(name, DOCUMENT).digest()
        data, error = shared.seal(shared["SEAL"], "Sign", "aya{sv}", len(digest), *digest, 1, "hash",
                                  "s", name)
        assert data, error
        assert shared.verify(shared["SEAL"], digest, bytes(data[0]))


def approve_now(box, key="$SEAL_AUTHORITY", **more):
    """Sign GetMachineState's to-sign with openssl and hand it in: (data, error)."""
    state = box.manager("GetMachineState")[0][0]
    box.write("state.bin", bytes(state["to-sign"]["data"]))
    box.ok(f"openssl dgst -sha256 -sign {key} -out /run/test/state.sig /run/test/state.bin")
    signature = box.run("cat /run/test/state.sig").bytes
    options = [1, "signature", "ay", len(signature), *signature]
    if "profile" in more:
        options = [2, *options[1:], "profile", "s", more["profile"]]
    return box.manager("ApproveMachineState", "a{sv}", *options)


def test_extended_pcr_is_refused_by_name_until_the_authority_approves(sandbox):
    seal = sandbox["SEAL"]
    key = sandbox.seal_property(seal, "PublicKey")
    assert sandbox.sign(seal)[0]

    sandbox.pcr_extend(7)
    signature, error = sandbox.sign(seal)
    assert signature is None and "PCR 7 " in error, error
    assert sandbox.error(f"/org/sealsd1/seal/{seal}", "Seal", "Sign", "aya{sv}", "32", *["1"] * 32,
                         "0") == "MachineStateRefused"
    assert sandbox.manager_property("State") == "unapproved"
    assert sandbox.seal_property(seal, "WhyNot").startswith("MachineStateRefused: ")
    state = sandbox.manager("GetMachineState")[0][0]
    assert state["approved"]["data"] is False and state["differing"]["data"] == [7]

    data, error = approve_now(sandbox)
    assert data is not None, error
    signature, use = sandbox.sign(seal, DIGEST)
    assert signature, use
    assert sandbox.verify(seal, DIGEST, signature)
    assert sandbox.seal_property(seal, "PublicKey") == key
    assert sandbox.manager_property("State") == "ready"


def test_refused_use_is_not_counted(sandbox):
    seal = sandbox["SEAL"]
    before = sandbox.seal_property(seal, "UseCount")
    sandbox.pcr_extend(0)
    assert sandbox.sign(seal)[0] is None
    assert sandbox.seal_property(seal, "UseCount") == before


def test_approval_of_another_key_or_profile_is_refused(sandbox):
    sandbox.pcr_extend(2)
    sandbox.ok("install -d -m 1777 /run/test; openssl ecparam -name prime256v1 -genkey -noout "
               "-out /run/test/other.pem")
    data, error = approve_now(sandbox, key="/run/test/other.pem")
    assert data is None and "authority" in error

    # The right key over the right state, but for another profile: other bytes.
    state = sandbox.manager("GetMachineState")[0][0]
    ref = hashlib.sha256(b"sealsd/profile/other").digest()
    sandbox.write("state.bin", bytes(state["policy"]["data"]) + ref)
    sandbox.ok("openssl dgst -sha256 -sign $SEAL_AUTHORITY -out /run/test/s /run/test/state.bin")
    signature = sandbox.run("cat /run/test/s").bytes
    assert sandbox.error("/org/sealsd1", "Manager", "ApproveMachineState", "a{sv}", "1", "signature",
                         "ay", str(len(signature)), *signature) == "ApprovalInvalid"
    assert approve_now(sandbox, profile="other")[0] is None
    assert sandbox.sign(sandbox["SEAL"])[0] is None

    # And bytes that stand for no machine at all are not taken for this one's.
    sandbox.write("state.bin", os.urandom(32) + hashlib.sha256(b"sealsd/profile/default").digest())
    sandbox.ok("openssl dgst -sha256 -sign $SEAL_AUTHORITY -out /run/test/s /run/test/state.bin")
    signature = sandbox.run("cat /run/test/s").bytes
    assert sandbox.error("/org/sealsd1", "Manager", "ApproveMachineState", "a{sv}", "1", "signature",
                         "ay", str(len(signature)), *signature) == "ApprovalInvalid"


def test_state_approved_ahead_signs_when_it_comes(sandbox):
    state = sandbox.manager("GetMachineState")[0][0]
    values = {pcr: bytes(value) for pcr, value in state["values"]["data"]}
    predicted = hashlib.sha256(values[7] + bytes.fromhex("11" * 32)).digest()
    after = {**values, 7: predicted}
    pcr_digest = hashlib.sha256(b"".join(after[n] for n in sorted(after))).digest()
    selection = bytes.fromhex("00000001000b03850000")
    assert sandbox.manager("GetStatus")[0][0]["pcrs"]["data"] == "sha256:0,2,7"
    policy = hashlib.sha256(bytes(32) + bytes.fromhex("0000017f") + selection + pcr_digest).digest()
    sandbox.write("state.bin", policy + bytes(state["policy-ref"]["data"]))
    sandbox.ok("openssl dgst -sha256 -sign $SEAL_AUTHORITY -out /run/test/s /run/test/state.bin")
    signature = sandbox.run("cat /run/test/s").bytes
    data, error = sandbox.manager("ApproveMachineState", "a{sv}", 2, "signature", "ay",
                                  len(signature), *signature, "predicted", "a(uay)", 1, 7, 32,
                                  *predicted)
    assert data is not None, error
    assert sandbox.sign(sandbox["SEAL"])[0]
    sandbox.pcr_extend(7)
    signature, error = sandbox.sign(sandbox["SEAL"])
    assert signature, error


def test_restarted_daemon_signs_on(sandbox):
    sandbox.ctl("restart")
    assert sandbox.sign(sandbox["SEAL"])[0]


def test_tpm_reset_keeps_the_seal(sandbox):
    sandbox.ctl("stop")
    sandbox.ok("$SEALSD_TPM_CTL stop && $SEALSD_TPM_CTL start")
    sandbox.ctl("start")
    signature, error = sandbox.sign(sandbox["SEAL"])
    assert signature, error
