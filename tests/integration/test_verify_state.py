# SPDX-License-Identifier: Apache-2.0
"""The row seal-state of `sealctl verify`: what this machine's register says of the seal that signed."""

import json
import time

import pytest

from test_verify_signers import both


def signed(box):
    """A document signed by the ready seal, whose key somebody else has certified by its number."""
    box.ok("""rm -rf /run/test; install -d /run/test; cd /run/test; echo text > doc
        sealctl sign $SEAL doc; sealctl show $SEAL --public-key --output seal.pem
        openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=CA -keyout ca.pem -out ca.crt 2>/dev/null
        chmod 755 .; chmod 644 *""")
    certify(box, "seal", "$SEAL")


def certify(box, key, number):
    box.ok(f"""cd /run/test
        openssl req -new -newkey rsa:2048 -nodes -keyout other.key -subj /CN={number} -out csr 2>/dev/null
        openssl x509 -req -in csr -force_pubkey {key}.pem -CA ca.crt -CAkey ca.pem -out {key}.crt -days 9 2>/dev/null
        chmod 644 {key}.crt""")


def state(box, words="", user=None, certificate="seal.crt"):
    """The row's result and text, (None, None) where there is none; and the exit status."""
    done = box.run("cd /run/test; sealctl --json verify doc --signature doc.sig "
                   f"--certificate {certificate} --trust ca.crt {words}", user)
    assert done.status in (0, 10, 11), done
    for row in json.loads(done.stdout)["checks"]:
        if row["check"] == "seal-state":
            return row["result"], row["text"]
    return None, None


@pytest.fixture(name="box")
def box_of(sandbox):
    signed(sandbox)
    return sandbox


def test_the_register_tells_how_the_seal_stood_at_that_time(box):
    seal = box["SEAL"]
    result, text = state(box)
    assert result == "passed" and f"seal {seal} was active at " in text
    before = time.time()
    box.ok("sealctl suspend $SEAL 'a contract is in dispute'")
    result, text = state(box)
    assert result == "failed" and f"seal {seal} was suspended at " in text
    assert state(box, f"--at {int(before * 1e6)}")[0] == "passed"
    box.ok("sealctl --yes revoke $SEAL 'sold'")
    assert state(box)[0] == "failed" and "revoked" in state(box)[1]
    assert state(box, f"--at {int(before * 1e6)}")[0] == "passed"
    assert state(box, "--at -1d") == ("failed", f"At that time seal {seal} was not made yet")
    assert state(box, "--offline") == (None, None)


def test_only_a_seal_with_the_signer_s_key_is_asked(box):
    seal = box["SEAL"]
    box.ok("""cd /run/test; openssl ecparam -name prime256v1 -genkey -noout -out key
        openssl ec -in key -pubout -out stranger.pem 2>/dev/null""")
    certify(box, "stranger", seal)
    result, text = state(box, certificate="stranger.crt")
    assert result == "not-checked" and "another seal of that number" in text
    result, text = state(box, "--seal $SEAL", certificate="stranger.crt")
    assert result == "failed" and "another key than the signer" in text
    # A number of ours in nobody's name is found with --seal.
    certify(box, "seal", "Contracts")
    assert state(box)[0] == "absent" and "names no seal" in state(box)[1]
    assert state(box, "--seal $SEAL")[0] == "passed"
    result, text = state(box, "--seal 99999999999999")
    assert (result, text) == ("not-checked", "This machine has no seal 99999999999999, or none that you may see")


def test_of_several_signers_the_named_seal_is_asked_of_the_one_with_its_key(box):
    box.ok("""cd /run/test; openssl ecparam -name prime256v1 -genkey -noout -out key
        openssl ec -in key -pubout -out stranger.pem 2>/dev/null""")
    certify(box, "stranger", "Stranger")
    box.ok("""cd /run/test; sealctl sign $SEAL doc --format cades --output ours.p7s
        openssl cms -sign -cades -binary -outform DER -in doc -signer stranger.crt -inkey key -nosmimecap -out theirs.p7s
        chmod 644 *""")
    box.write("both.p7s", both(*(box.run(["cat", f"/run/test/{whose}.p7s"]).bytes for whose in ("ours", "theirs"))))
    for words, expected in (("--seal $SEAL", {box["SEAL"]: "passed", None: "absent"}),
                            ("", {box["SEAL"]: "passed", None: "absent"}),
                            ("--seal 99999999999999", {box["SEAL"]: "not-checked", None: "not-checked"})):
        done = box.run(f"cd /run/test; sealctl --json verify doc --signature both.p7s --trust ca.crt {words}")
        found = {one["signed"].get("seal"): row["result"] for one in json.loads(done.stdout)["signers"]
                 for row in one["checks"] if row["check"] == "seal-state"}
        assert found == expected, done


def test_who_may_not_see_the_seal_is_told_nothing(box):
    result, text = state(box, user=box["SEAL_STRANGER"])
    assert result == "absent" and "none that you may see" in text
    assert state(box, "--seal $SEAL", user=box["SEAL_STRANGER"])[0] == "not-checked"
    assert state(box, user=box["SEAL_AUDITOR"])[0] == "passed"


def test_without_a_daemon_it_is_absent_unless_asked_for(box):
    box.ok("$SEALSD_CTL stop")
    assert state(box, "--seal $SEAL")[0] == "not-checked"
    result, text = state(box)
    assert result == "absent" and text.startswith("The register of this machine does not tell: ")
