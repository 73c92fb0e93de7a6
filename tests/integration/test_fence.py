# SPDX-License-Identifier: Apache-2.0
"""The fence: a revocation extends a PCR, which ends every policy session that was prepared before."""

FENCE_14 = "[Tpm]\nFencePcr=14\n"


def pcr(box, number):
    box.ok(f"install -d -m 1777 /run/test; tpm2_pcrread sha256:{number} -o /run/test/pcr")
    return box.run("cat /run/test/pcr").bytes


def test_revocation_extends_the_configured_pcr_and_no_other(new_sandbox):
    for conf, fence, other in ((FENCE_14, 14, 15), (None, 15, 14)):
        box = new_sandbox("--ready", conf=conf)
        assert box.manager("GetStatus")[0][0]["fence-pcr"]["data"] == fence
        before = pcr(box, fence), pcr(box, other)
        assert box.seal(box["SEAL"], "Revoke", "s", "over")[0] is not None
        assert pcr(box, fence) != before[0]
        assert pcr(box, other) == before[1]


def test_fence_cannot_be_bound_and_what_it_is_not_can(new_sandbox):
    box = new_sandbox(conf=FENCE_14)
    call = ("/org/sealsd1", "Manager", "Initialize", "a{sv}", "2", "passphrase", "s", "correct horse",
            "pcrs", "s")
    assert box.error(*call, "sha256:0,14") == "InvalidArgs"
    assert box.manager_property("State") == "uninitialized"
    assert box.error(*call, "sha256:0,15") == "ok"
    seal = box.make_seal()
    assert box.sign(seal)[0]
    # A revocation by the fence 14 leaves the machine's state, which 15 is part of, as it was.
    assert box.seal(box.make_seal("Other"), "Revoke", "s", "over")[0] is not None
    assert box.sign(seal)[0]


def test_session_prepared_before_a_revocation_ends_by_the_configured_pcr(new_sandbox):
    box = new_sandbox("--ready", conf=FENCE_14)
    box.ctl("stop")
    box.ok("cp -a $SEALSD_STATE /run/before")
    box.ctl("start")
    held = box.pipe(["attacker", "hold", "/run/before", box["SEAL"]], env={"TSS2_LOG": "all+none"})
    assert held.line() == "prepared"
    assert box.seal(box["SEAL"], "Revoke", "s", "over")[0] is not None
    held.write("sign\n")
    assert held.line() == "Busy"
    assert held.wait() == 1
