# SPDX-License-Identifier: Apache-2.0
"""sealctl certificate: what certifies a seal, shown, asked for and taken in."""

import json

import pytest
from certificates import SEAL_USE, Authority, certificates, serial


def show(box, number, user=None):
    return json.loads(box.ok(f"sealctl --json certificate show {number}", user))


def test_certificate_is_shown_with_those_above_it(shared):
    number = shared["SEAL"]
    own, maker = show(shared, number)
    assert own["subject"] == f"CN={number},O=Sandbox Seal" and own["issuer"] == maker["subject"]
    assert own["serial"] == serial(shared, certificates(shared, number)[0]).lower()
    assert own["not-after"] // 1000000 == shared.seal_property(number, "NotAfter") // 1000000
    told = shared.ok(f"sealctl certificate show {number}")
    assert "SERIAL NUMBER" in told and own["serial"] in told
    assert shared.run(f"sealctl certificate show {number}", shared["SEAL_STRANGER"]).status != 0


def test_show_tells_who_certified_the_seal_and_until_when(shared):
    own = show(shared, shared["SEAL"])[0]
    lines = dict(line.strip().split(": ", 1) for line in shared.ok("sealctl show $SEAL").splitlines()
                 if line.strip().startswith("Certif"))
    assert lines["Certified by"].strip() == own["issuer"]
    end = shared.ok(f"date -u -d @{own['not-after'] // 1000000} '+%Y-%m-%d %H:%M:%SZ'").strip()
    assert lines["Certificate ends"].strip() == end


def test_another_authority_is_asked_and_its_chain_taken_in(sandbox):
    """From the request to a seal that signs with that authority's word, by files alone."""
    box, number, other = sandbox, sandbox["SEAL"], Authority(sandbox)
    box.ok(f"cd /run/test; sealctl certificate request {number} --output asked.csr")
    issued = other.issue(box.run("cat /run/test/asked.csr").bytes, SEAL_USE)
    box.write("issued.der", issued)
    box.ok("cd /run/test; openssl x509 -inform DER -in issued.der > chain.pem; cat ca.pem >> chain.pem")
    assert "has the certificates of" in box.ok(f"cd /run/test; sealctl certificate set {number} chain.pem")
    assert certificates(box, number) == [issued, other.root]
    assert show(box, number)[0]["issuer"] == "CN=ca root,O=Test"
    told = box.ok(f"cd /run/test; echo a > doc; sealctl sign {number} doc --format cades")
    assert "those of\nanother authority where one certified the seal" in told
    box.ok("cd /run/test; sealctl verify doc --trust ca.pem || test $? = 11")


@pytest.mark.parametrize("words,status", [("set $SEAL", 2), ("set $SEAL a b", 2), ("show", 2), ("show x!", 2)])
def test_what_lacks_or_is_too_much_is_refused_here(shared, words, status):
    assert shared.run(f"sealctl certificate {words}").status == status


def test_chain_of_another_key_is_refused_with_the_reason(shared):
    Authority(shared, "wrong")
    done = shared.run(f"sealctl certificate set {shared['SEAL']} /run/test/wrong.pem")
    assert done.status != 0 and "key" in done.stderr, done
    assert len(certificates(shared, shared["SEAL"])) == 2
