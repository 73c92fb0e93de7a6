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


@pytest.mark.parametrize("verb", ["maker request", "certificate request $SEAL"])
def test_requests_are_written_as_pem_or_der_whichever_is_asked_for(shared, verb):
    shared.ok(f"""install -d -m 777 /run/test; cd /run/test; rm -f x
        sealctl {verb} --der --output x; openssl req -inform DER -in x -noout -verify
        sealctl {verb} --der -o - > x; openssl req -inform DER -in x -noout -verify
        sealctl {verb} --pem --output x; openssl req -in x -noout -verify
        sealctl {verb} --pem --output - | openssl req -noout -verify""")
    for words in ("--pem --der --output x", "--der --output nowhere/x", "--der --output - --json"):
        before = shared.seal_property(shared["SEAL"], "UseCount")
        done = shared.run(f"cd /run/test; sealctl {verb} {words}")
        assert done.status in (1, 2) and done.stdout == "", done
        assert shared.seal_property(shared["SEAL"], "UseCount") == before


def test_what_no_word_says_is_pem_of_a_maker_and_der_of_a_seal(shared):
    shared.ok("""install -d -m 777 /run/test; cd /run/test; sealctl maker request | openssl req -noout -verify
        sealctl certificate request $SEAL; openssl req -inform DER -in $SEAL.csr -noout -verify""")


@pytest.mark.parametrize("words", ["certificate set $SEAL", "maker set", "maker certify"])
def test_file_that_cannot_be_taken_in_is_a_wrong_argument_whatever_is_wrong_with_it(shared, words):
    Authority(shared, "wrong")
    shared.ok("cd /run/test; echo nothing > text; : > empty; head -c 200 wrong.der > short.der")
    for name in ("wrong.pem", "wrong.der", "text", "empty", "short.der"):
        done = shared.run(f"cd /run/test; sealctl {words} {name}")
        assert done.status == 2 and done.stderr.startswith("sealctl: "), done


@pytest.mark.parametrize("words,status", [("set $SEAL", 2), ("set $SEAL a b", 2), ("show", 2), ("show x!", 2)])
def test_what_lacks_or_is_too_much_is_refused_here(shared, words, status):
    assert shared.run(f"sealctl certificate {words}").status == status


def test_chain_of_another_key_is_refused_with_the_reason(shared):
    Authority(shared, "wrong")
    done = shared.run(f"sealctl certificate set {shared['SEAL']} /run/test/wrong.pem")
    assert done.status == 2 and "key" in done.stderr, done
    assert len(certificates(shared, shared["SEAL"])) == 2
