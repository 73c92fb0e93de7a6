# SPDX-License-Identifier: Apache-2.0
"""`sealctl export`, `maker` and `crl`: what others need to verify a seal's signatures, as files."""

import json

import pytest

from pictures import png


def made(box, *words):
    """The number of a new active seal, kept by root."""
    request = box.ok(f"sealctl --json apply --name Exported --keeper root {' '.join(words)}", box["SEAL_APPLICANT"])
    number = json.loads(request)["id"]
    box.ok(f"sealctl approve {number}", box["SEAL_REVIEWER"])
    seal = json.loads(box.ok(f"sealctl --json request {number}"))["seal"]
    box.ok(f"sealctl accept {seal}")
    return seal


def with_picture(box):
    picture = box.write("seal.png", png())
    return made(box, f"--picture {picture} --picture-mm 42x42"), picture


def verified(box, words):
    """Exit status and report, on what the daemon gives out."""
    done = box.run("cd /run/test; sealctl maker certificates --output maker.pem >&2; sealctl crl --output maker.crl >&2; "
                   f"sealctl --json verify {words} --trust maker.pem --crl maker.crl")
    return done.status, json.loads(done.stdout)


def results(said, *wanted):
    return [row["check"] for row in said["checks"] if row["result"] in wanted]


def test_certificate_and_chain_go_to_files(shared):
    seal = made(shared)
    shared.ok(f"""install -d /run/test; cd /run/test; rm -f *
        sealctl export {seal} --certificate leaf.pem --chain chain.pem
        openssl x509 -in leaf.pem -noout -subject | grep {seal}
        test $(grep -c BEGIN leaf.pem) = 1
        sealctl show {seal} --public-key | openssl pkey -pubin -outform DER > key.der
        openssl x509 -in leaf.pem -pubkey -noout | openssl pkey -pubin -outform DER | cmp - key.der""")
    assert shared.ok("stat -c %a /run/test/leaf.pem").split() == ["644"]
    assert shared.ok(f"cd /run/test; sealctl export {seal} --chain c.pem --certificate l.pem").splitlines() == [
        "certificate: l.pem", "chain: c.pem"]
    assert json.loads(shared.ok(f"cd /run/test; sealctl --json export {seal} --chain c.pem")) == {"chain": "c.pem"}
    for verb, said in (("maker certificates", "The certificates are in x"), ("crl", "The lists are in x"),
                       ("maker request", "The request is in x")):
        assert shared.ok(f"cd /run/test; sealctl {verb} --output x").strip() == said
        assert json.loads(shared.ok(f"cd /run/test; sealctl --json {verb} --output x")) == {"output": "x"}
        assert shared.ok(f"sealctl {verb}").startswith("-----BEGIN")
    assert shared.ok(f"sealctl export {seal} --certificate -") == shared.ok("cat /run/test/leaf.pem")


def test_electronic_seal_and_picture_go_to_files(shared):
    seal, picture = with_picture(shared)
    shared.ok(f"""install -d /run/test; cd /run/test
        sealctl export {seal} --eseal seal.esl --picture seal.png; cmp seal.png {picture}
        openssl asn1parse -inform DER -in seal.esl > /dev/null""")


@pytest.mark.parametrize("algorithm", ["ecdsa-p256", "ecdsa-p384", "rsa-2048", "rsa-3072", "sm2"])
def test_what_is_given_out_verifies_what_is_signed_until_it_is_revoked(shared, algorithm):
    picture = shared.write("seal.png", png())
    seal = made(shared, f"--picture {picture} --picture-mm 42x42 --algorithm {algorithm}")
    shared.ok(f"""install -d /run/test; cd /run/test; echo text > doc
        sealctl export {seal} --eseal seal.esl
        sealctl sign {seal} doc --format cades --output doc.p7s
        sealctl sign {seal} doc --format eseal --output doc.ses
        sleep 1 # what is revoked within the second of its signature is revoked""")
    signed = {"cades": "doc --signature doc.p7s", "eseal": "doc --signature doc.ses", "seal": "--signature seal.esl"}
    for kind, words in signed.items():
        status, said = verified(shared, words)
        assert status == 0 and said["kind"] == kind and said["signed"]["seal"] == seal, said
        assert results(said, "failed", "not-checked") == []
    shared.ok(f"sealctl --yes revoke {seal} 'the company was sold'")
    for kind in ("cades", "eseal"):
        # That it was signed before, only the signer says.
        status, said = verified(shared, signed[kind])
        assert status == 11 and results(said, "failed", "not-checked") == ["revocation", "seal-state"], said
        status, said = verified(shared, f"{signed[kind]} --at now")
        assert status == 10 and results(said, "failed", "not-checked") == ["revocation", "seal-state"], said


def test_the_maker_s_certificates_and_lists_are_for_anybody_and_openssl_reads_them(shared):
    shared.ok("""rm -rf /run/test/theirs; install -d -m 777 /run/test/theirs""")
    shared.ok("""cd /run/test/theirs; sealctl maker certificates -o maker.pem; sealctl crl -o maker.crl
        sealctl crl --der -o p256.crl; sealctl crl --algorithm sm2 > sm2.crl
        openssl x509 -in maker.pem -noout -text | grep -q 'CA:TRUE'
        openssl crl -in p256.crl -inform DER -noout -CAfile maker.pem
        test $(grep -c BEGIN maker.crl) = $(grep -c BEGIN maker.pem)
        openssl crl -in sm2.crl -noout -text | grep -q SM2""", shared["SEAL_STRANGER"])
    done = shared.run("sealctl crl --algorithm rsa-2048")
    assert done.status == 4 and "no maker of algorithm rsa-2048" in done.stderr


def test_an_authority_above_certifies_the_maker(sandbox):
    sandbox.ok("""install -d /run/test; cd /run/test
        openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -subj /O=Above/CN=Root -days 9000 -out ca.pem 2>/dev/null
        sealctl maker request -o maker.csr; openssl req -in maker.csr -noout -verify
        printf '%s\\n' basicConstraints=critical,CA:TRUE,pathlen:0 subjectKeyIdentifier=hash \
            keyUsage=critical,keyCertSign,cRLSign,digitalSignature > extensions
        openssl x509 -req -in maker.csr -CA ca.pem -CAkey ca.key -days 8000 -extfile extensions -out leaf.pem 2>/dev/null
        cat leaf.pem ca.pem > chain.pem; sealctl maker set chain.pem""")
    assert sandbox.ok("cd /run/test; sealctl maker certificates | openssl x509 -noout -issuer").strip() == \
        "issuer=O = Above, CN = Root"
    seal = made(sandbox)
    sandbox.ok(f"""cd /run/test; echo text > doc; sealctl sign {seal} doc --format cades
        sealctl crl -o maker.crl""")
    done = sandbox.run("cd /run/test; sealctl --json verify doc --trust ca.pem --crl maker.crl")
    said = json.loads(done.stdout)
    assert results(said, "failed") == [] and results(said, "not-checked") == ["revocation"], said
    done = sandbox.run("cd /run/test; sealctl maker set ca.pem")
    assert done.status == 2 and done.stderr.startswith("sealctl: ")
    assert sandbox.run("sealctl maker certify /run/test/chain.pem", sandbox["SEAL_STRANGER"]).status == 3


def test_what_a_seal_does_not_have_is_said(shared):
    seal = made(shared)
    done = shared.run(f"sealctl export {seal} --eseal /run/test/none.esl")
    assert done.status == 5 and "without a picture" in done.stderr
    assert shared.run("test -e /run/test/none.esl").status == 1
    done = shared.run("sealctl export 99999999999999 --eseal /run/test/none.esl")
    assert done.status == 4
    assert shared.run(f"sealctl export {seal}").status == 2
    assert shared.run(f"sealctl export {seal} --certificate -", shared["SEAL_STRANGER"]).status == 4
