# SPDX-License-Identifier: Apache-2.0
"""Seals whose signatures several people approve, by sealctl, as the people themselves."""

import itertools
import json
import re

import pytest

PEOPLE = ("SEAL_STRANGER", "SEAL_MAKER", "SEAL_ADMIN")
PASSPHRASE = "correct horse"
COUNTER = itertools.count(1)


@pytest.fixture(scope="module")
def keys(shared):
    """{user: file} of the approvers' public keys; the private ones are beside, each its owner's alone."""
    place = shared.temp("keys")
    shared.ok(f"install -d -m 1777 {place}")
    kinds = ("-algorithm EC -pkeyopt ec_paramgen_curve:P-256",
             "-algorithm RSA -pkeyopt rsa_keygen_bits:2048",
             f"-algorithm EC -pkeyopt ec_paramgen_curve:P-256 -aes-256-cbc -pass 'pass:{PASSPHRASE}'")
    found = {}
    for kind, user in zip(kinds, (shared[p] for p in PEOPLE)):
        secret = "-passin 'pass:" + PASSPHRASE + "'"
        shared.ok(f"umask 077; openssl genpkey {kind} -out {place}/{user}.pem; umask 022; "
                  f"openssl pkey -in {place}/{user}.pem {secret} -pubout -out {place}/{user}.pub", user)
        found[user] = f"{place}/{user}.pub"
    return found


def private(keys, user):
    return keys[user].replace(".pub", ".pem")


def apply(box, keys, words="", user="SEAL_APPLICANT"):
    """The id of an application for a seal of root's with all three approvers."""
    approvers = " ".join(f"--approver {user}={file}" for user, file in keys.items())
    return json.loads(box.ok(f"sealctl --json apply --name Approved --keeper root {approvers} {words}",
                             box[user]))["id"]


def make(box, keys, words="--threshold 2"):
    """The number of an active seal."""
    request = apply(box, keys, words)
    number = json.loads(box.ok(f"sealctl --json approve {request}", box["SEAL_REVIEWER"]))["seal"]
    box.ok(f"sealctl accept {number}")
    return number


@pytest.fixture(scope="module")
def number(shared, keys):
    """Two of three."""
    return make(shared, keys)


# --- applying ---------------------------------------------------------------------------------


def fingerprint(box, file):
    return box.ok(f"openssl pkey -pubin -in {file} -outform DER | sha256sum").split()[0]


def test_reviewers_see_who_will_approve_and_by_which_key(shared, keys):
    request = apply(shared, keys, "--threshold 2 --pin")
    told = json.loads(shared.ok(f"sealctl --json request {request}", shared["SEAL_REVIEWER"]))
    application = told["application"]
    assert [a["subject"] for a in application["approvers"]] == [f"user:{user}" for user in keys]
    assert application["threshold"] == 2 and application["pin"] is True
    shown = shared.ok(f"sealctl request {request}", shared["SEAL_REVIEWER"])
    assert "approved by 2 of 3" in shown and "PIN" in shown
    for user, file in keys.items():
        assert f"user:{user}" in shown and fingerprint(shared, file) in shown


def test_without_a_threshold_all_approve(shared, keys):
    request = apply(shared, keys)
    told = json.loads(shared.ok(f"sealctl --json request {request}", shared["SEAL_REVIEWER"]))
    assert told["application"]["threshold"] == 3 and "pin" not in told["application"]


def test_show_tells_approvers_and_what_the_chip_asks(shared, keys, number):
    shown = shared.ok(f"sealctl show {number}")
    assert "approved by 2 of 3" in shown
    for user, file in keys.items():
        assert f"user:{user}" in shown and fingerprint(shared, file) in shown
    told = json.loads(shared.ok(f"sealctl --json show {number}"))
    assert told["threshold"] == 2 and [a["subject"] for a in told["approvers"]] == \
        [f"user:{user}" for user in keys]
    assert told["pin"] is False


def test_certificates_serve_and_only_their_key_counts(shared, keys):
    user = shared["SEAL_STRANGER"]
    shared.ok(f"cd /run/test/keys; openssl req -x509 -key {user}.pem -subj /CN=Dave -days 1 -out {user}.crt; "
              f"chmod 644 {user}.crt", user)
    request = json.loads(shared.ok(
        f"sealctl --json apply --name A --approver {user}=/run/test/keys/{user}.crt",
        shared["SEAL_APPLICANT"]))["id"]
    shown = shared.ok(f"sealctl request {request}", shared["SEAL_REVIEWER"])
    assert "approved by 1 of 1" in shown and fingerprint(shared, keys[user]) in shown


@pytest.mark.parametrize("words,status,text", [
    ("--approver {user}", 2, "SUBJECT=FILE"),
    ("--approver {user}=", 2, "SUBJECT=FILE"),
    ("--approver robot:x={pub}", 2, "robot:x"),
    ("--approver {user}=/nowhere", 4, "/nowhere"),
    ("--approver {user}=/etc/passwd", 2, "/etc/passwd"),
    ("--approver {user}={own}", 2, "private key"),
    ("--approver {user}={p521}", 2, "p521"),
    ("--approver {user}={pub} --threshold 2", 2, "--threshold"),
    ("--threshold 5", 2, "--threshold"),
    ("--threshold 1", 2, "--approver is missing"),
    ("--approver {user}={pub} --approver {user}={other}", 2, "user:"),
    ("--approver {user}={pub} --approver root={pub}", 2, "key"),
    ("--approver nobody-of-that-name={pub}", 2, "nobody-of-that-name"),
    ("--approver {user}={pub} " * 5, 2, "at most 4"),
])
def test_wrong_approvers_are_refused_before_anything_is_asked(shared, keys, words, status, text):
    applicant, user = shared["SEAL_APPLICANT"], shared["SEAL_STRANGER"]
    shared.ok("cd /run/test/keys; test -e own.pem || openssl genpkey -algorithm EC "
              "-pkeyopt ec_paramgen_curve:P-256 -out own.pem; test -e p521.pub || openssl genpkey "
              "-algorithm EC -pkeyopt ec_paramgen_curve:P-521 | openssl pkey -pubout -out p521.pub", applicant)
    place = {"user": user, "pub": keys[user], "other": keys[shared["SEAL_MAKER"]],
             "own": "/run/test/keys/own.pem", "p521": "/run/test/keys/p521.pub"}
    done = shared.run(f"sealctl apply --name Wrong {words.format(**place)}", applicant)
    assert done.status == status and text in done.stderr, done


@pytest.mark.parametrize("made_by,why", [
    ("true", "The key is empty"),
    ("openssl ecparam -name secp256k1 -genkey -noout", "on another curve"),
    ("openssl ecparam -name prime256v1 -param_enc explicit -genkey -noout", "curve has no name"),
    ("openssl genpkey -algorithm ed25519", "of another kind"),
    ("openssl genpkey -algorithm RSA-PSS", "of another kind"),
    ("openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024", "of another size"),
    ("openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_pubexp:3", "another exponent"),
])
def test_keys_of_approvers_that_do_not_serve_are_refused_with_the_reason(shared, made_by, why):
    applicant = shared["SEAL_APPLICANT"]
    key = shared.temp("odd.pub")
    shared.ok(f"{made_by} 2> /dev/null | openssl pkey -pubout 2> /dev/null > {key} || :; "
              f"chmod 644 {key}")
    done = shared.run(f"sealctl apply --name Wrong --approver {applicant}={key}", applicant)
    assert done.status == 2 and why in done.stderr, done
    assert made_by == "true" or "accepted are P-256, P-384, and RSA" in done.stderr


def test_a_list_of_applications_has_approvers_and_pins(shared, keys):
    applicant, (first, second, _third) = shared["SEAL_APPLICANT"], keys
    text = ("name,approver,approver,threshold,pin\n"
            f"One,{first}={keys[first]},{second}={keys[second]},1,yes\n"
            "Two,,,,no\n")
    path = shared.write("approvers.csv", text)
    rows = json.loads(shared.ok(f"sealctl --json apply --csv {path}", applicant))
    one, two = (json.loads(shared.ok(f"sealctl --json request {row['id']}", applicant))["application"]
                for row in rows)
    assert one["threshold"] == 1 and len(one["approvers"]) == 2 and one["pin"] is True
    assert "approvers" not in two and "pin" not in two
    path = shared.write("wrong.csv", "name,pin\nOne,perhaps\n")
    done = shared.run(f"sealctl apply --csv {path}", applicant)
    assert done.status == 2 and "line 2" in done.stderr and "yes or no" in done.stderr, done


def renewed(box, number, words):
    path = f"sealctl --json apply renew {number} --reason r {words}"
    request = json.loads(box.ok(path))["id"]
    told = json.loads(box.ok(f"sealctl --json request {request}", box["SEAL_REVIEWER"]))["application"]
    box.ok(f"sealctl cancel {request} 'looked at'")
    return told


def test_renewal_keeps_changes_or_drops_approvers_and_pin(shared, keys, number):
    user = shared["SEAL_STRANGER"]
    kept = renewed(shared, number, "")
    assert kept["threshold"] == 2 and len(kept["approvers"]) == 3 and "pin" not in kept
    assert renewed(shared, number, "--threshold 3")["threshold"] == 3
    other = renewed(shared, number, f"--approver {user}={keys[user]} --pin")
    assert [a["subject"] for a in other["approvers"]] == [f"user:{user}"] and other["pin"] is True
    assert other["threshold"] == 1
    assert "approvers" not in renewed(shared, number, "--no-approvers")
    for words in (f"--no-approvers --approver {user}={keys[user]}", "--pin --no-pin"):
        done = shared.run(f"sealctl apply renew {number} --reason r {words}")
        assert done.status == 2 and "exclude" in done.stderr, done


def test_asking_for_a_seal_without_approvers_says_how_it_signs(shared, document):
    done = shared.run(f"sealctl request-use {shared['SEAL']} {document}")
    assert done.status == 5 and "has no approvers" in done.stderr, done
    assert "'sealctl sign NUMBER FILE'" in done.stderr


def test_signing_alone_is_refused_and_says_what_to_do(shared, number):
    done = shared.run(f"sealctl sign {number} /etc/hostname --output /run/test/alone.sig")
    assert done.status == 3 and "request-use" in done.stderr, done


# --- one document -----------------------------------------------------------------------------


@pytest.fixture
def document(shared):
    """A file that everybody may read, new for each test."""
    return shared.write("contract.txt", f"We hereby agree, {next(COUNTER)}.\n")


def ask(box, number, document, words=""):
    """The id of a request for a use."""
    return json.loads(box.ok(f"sealctl --json request-use {number} {document} {words}"))["id"]


def approve(box, keys, request, user, words="", status=0):
    secret = box.write("passphrase", PASSPHRASE + "\n")
    done = box.run(f"sealctl --yes approve-use {request} --key {private(keys, user)} "
                   f"--passphrase-file {secret} {words}", user)
    assert done.status == status, done
    return done


def told(box, request, user=None):
    return json.loads(box.ok(f"sealctl --json request {request}", user))


def verified(box, number, document, signature):
    box.ok(f"sealctl show {number} --public-key --output /run/test/seal.pem; "
           f"openssl dgst -sha256 -verify /run/test/seal.pem -signature {signature} {document}")
    return True


def uses(box, number):
    return box.seal_property(number, "UseCount")


def collected(box, number, request, document):
    out = box.ok(f"sealctl collect {request} -o /run/test/collected.sig")
    assert "openssl dgst -sha256 -verify" in out
    return verified(box, number, document, "/run/test/collected.sig")


def test_two_of_three_approve_a_document_and_openssl_verifies(shared, keys, number, document):
    first, second, third = keys
    before = uses(shared, number)
    assert "once its approvers agree" in shared.ok(f"sealctl why {number}")
    out = shared.ok(f"sealctl request-use {number} {document} --purpose document-signing --expires +3d")
    request = int(re.match(r"Request (\d+): applied, 0 of 2 approvals; not yet: ", out)[1])
    assert f"sealctl approve-use {request}" in out
    shown = shared.ok(f"sealctl request {request}", first)
    assert "contract.txt" in shown and shared.ok(f"sha256sum {document}").split()[0] in shown
    assert "0 of 2 approvals" in shown and f"user:{third}" in shown
    assert f"Next: an approver runs 'sealctl approve-use {request} " in shown
    out = approve(shared, keys, request, first, f"--document {document}").stdout
    assert "contract.txt" in out and "document-signing" in out and "root" in out and "deferred" in out
    assert f"1 of 2 approvals; not yet: user:{second}, user:{third}" in out
    done = shared.run(f"sealctl collect {request} -o /run/test/early.sig")
    assert done.status == 3 and f"sealctl request" in done.stderr, done
    assert "approved, 2 of 2 approvals" in approve(shared, keys, request, second).stdout
    assert collected(shared, number, request, document)
    assert told(shared, request)["state"] == "completed"
    # Lost, and collected again: the same use.
    assert collected(shared, number, request, document)
    assert uses(shared, number) == before + 1


def test_live_signs_with_the_last_approval_and_is_used_once(shared, keys, number, document):
    first, second, _third = keys
    before = uses(shared, number)
    request = ask(shared, number, document, "--live")
    assert json.loads(shared.ok("sealctl --json status"))["challenges"] == 0  # nothing for the authority
    assert "live: the TPM takes it once" in approve(shared, keys, request, first).stdout
    assert "completed" in approve(shared, keys, request, second).stdout
    assert collected(shared, number, request, document) and uses(shared, number) == before + 1
    assert approve(shared, keys, request, first, status=5)


def test_deferred_waits_over_a_restart_and_live_is_told_to_ask_anew(shared, keys, number, document):
    first, second, _third = keys
    deferred, live = ask(shared, number, document), ask(shared, number, document, "--live")
    approve(shared, keys, deferred, first)
    approve(shared, keys, live, first)
    shared.ctl("restart")
    assert told(shared, deferred)["missing"] == 1
    approve(shared, keys, deferred, second)
    assert collected(shared, number, deferred, document)
    assert told(shared, live)["state"] == "expired" and told(shared, live)["error"]
    done = approve(shared, keys, live, second, status=5)
    assert "request-use" in done.stderr


def test_plain_openssl_and_busctl_serve(shared, keys, number, document):
    first, second, _third = keys
    request = ask(shared, number, document)
    for user in (first, second):
        shared.ok(f"""cd /run/test/keys
            told=$(busctl --json=short call -- org.sealsd1 /org/sealsd1/request/{request} \\
                org.sealsd1.Request Challenge)
            for byte in $(jq -r '.data[0]["to-sign"].data[]' <<<"$told"); do
                printf "\\\\x$(printf %x $byte)"
            done > {user}.bytes
            openssl dgst -sha256 -sign {user}.pem -out {user}.sig {user}.bytes
            busctl call -- org.sealsd1 /org/sealsd1/request/{request} org.sealsd1.Request Authorize say \\
                user:{user} $(stat -c %s {user}.sig) $(od -An -v -tu1 {user}.sig)""", user)
    assert told(shared, request)["state"] == "approved"
    assert collected(shared, number, request, document)


def test_signature_made_elsewhere_is_handed_in(shared, keys, number, document):
    first, second, _third = keys
    request = ask(shared, number, document)
    approve(shared, keys, request, second)
    out = shared.ok(f"cd /run/test/keys; sealctl challenge {request} --document {document} -o to-sign; "
                    f"openssl dgst -sha256 -sign {first}.pem -out elsewhere.sig to-sign; "
                    "chmod 644 elsewhere.sig", first)
    assert "openssl dgst -sha256 -sign KEY -out SIG to-sign" in out and "pkcs11-tool" in out
    assert "contract.txt" in out and f"--signature SIG" in out
    # Whoever asks may hand it in, too, where he may see the request: it is the signature that counts.
    done = shared.run(f"sealctl approve-use {request} --signature /run/test/keys/elsewhere.sig "
                      f"--approver {first}")
    assert done.status == 0 and "approved" in done.stdout, done
    assert collected(shared, number, request, document)


def test_challenge_writes_the_bytes_and_nothing_else_to_standard_output(shared, keys, number, document):
    user = list(keys)[0]
    request = ask(shared, number, document)
    assert shared.ok(f"sealctl challenge {request} -o - | wc -c", user).strip() == "68"
    facts = json.loads(shared.ok(f"sealctl --json challenge {request}", user))
    assert len(facts["to-sign"]) == 2 * 68 and facts["kind"] == "deferred" and facts["expiration"] == 0
    assert facts["digest"] == shared.ok(f"sha256sum {document}").split()[0]
    live = ask(shared, number, document, "--live")
    assert shared.ok(f"sealctl challenge {live} -o - | wc -c", user).strip() == "100"
    shared.ok(f"sealctl cancel {live} 'looked at'; sealctl cancel {request} 'looked at'")


@pytest.mark.parametrize("kind", ["", "--live"])
def test_one_waits_while_two_approve_elsewhere(shared, keys, number, document, kind):
    first, second, _third = keys
    waiting = shared.pipe(f"cd /run/test; sealctl request-use {number} {document} {kind} --wait -o waited.sig 2>&1")
    assert "sealctl collect" in waiting.line()
    line = waiting.line()
    request = int(re.match(r"Request (\d+): 0 of 2 approvals", line)[1])
    approve(shared, keys, request, first)
    assert waiting.line().startswith(f"Request {request}: 1 of 2 approvals")
    approve(shared, keys, request, second)
    assert waiting.line().startswith(f"Request {request}: 2 of 2 approvals")
    assert waiting.line().startswith(f"Signed with seal {number}")
    assert waiting.wait() == 0
    assert verified(shared, number, document, "/run/test/waited.sig")


def test_waiting_ends_when_the_request_does(shared, keys, number, document):
    waiting = shared.pipe(f"cd /run/test; sealctl request-use {number} {document} --wait -o no.sig 2>&1")
    assert "sealctl collect" in waiting.line()
    request = int(re.match(r"Request (\d+):", waiting.line())[1])
    shared.ok(f"sealctl cancel {request} 'the deal is off'")
    assert "cancelled" in waiting.line()
    assert waiting.wait() == 5


def test_waiting_outlives_the_daemon(shared, keys, number, document):
    first, second, _third = keys
    waiting = shared.pipe(f"cd /run/test; sealctl request-use {number} {document} --wait -o waited.sig 2>&1")
    assert "sealctl collect" in waiting.line()
    request = int(re.match(r"Request (\d+):", waiting.line())[1])
    approve(shared, keys, request, first)
    assert "1 of 2" in waiting.line()
    shared.ctl("restart")
    approve(shared, keys, request, second)
    assert "2 of 2" in waiting.line()
    assert waiting.wait() == 0
    assert verified(shared, number, document, "/run/test/waited.sig")


def test_member_of_a_group_approves_for_it(shared, keys, document):
    user = shared["SEAL_MAKER"]
    request = json.loads(shared.ok(f"sealctl --json apply --name Grouped --keeper root --approver "
                                   f"group:{user}={keys[user]}", shared["SEAL_APPLICANT"]))["id"]
    number = json.loads(shared.ok(f"sealctl --json approve {request}", shared["SEAL_REVIEWER"]))["seal"]
    assert "sealctl request-use" in shared.ok(f"sealctl accept {number}")
    request = ask(shared, number, document)
    assert "approved, 1 of 1" in approve(shared, keys, request, user).stdout
    assert told(shared, request)["approvals"][0] == {
        "approver": f"group:{user}", "by": f"user:{user}",
        "time": told(shared, request)["approvals"][0]["time"]}
    assert collected(shared, number, request, document)


def test_requests_list_what_awaits_me(shared, keys, number, document):
    first, second, _third = keys

    def awaiting(user):
        return [r["id"] for r in json.loads(shared.ok("sealctl --json requests --awaiting-me", user))]

    request = ask(shared, number, document)
    assert request in awaiting(first) and request in awaiting(second)
    assert [r["kind"] for r in json.loads(shared.ok("sealctl --json requests --kind use --state applied",
                                                    first)) if r["id"] == request] == ["use"]
    approve(shared, keys, request, first)
    assert request not in awaiting(first) and request in awaiting(second)
    approve(shared, keys, request, second)
    assert request not in awaiting(second) and request in awaiting(None)
    assert collected(shared, number, request, document)
    assert request not in awaiting(None)


def test_approval_is_withdrawn_until_it_is_used(shared, keys, number, document):
    first, second, third = keys
    request = ask(shared, number, document)
    approve(shared, keys, request, first)
    approve(shared, keys, request, second)
    assert "applied, 1 of 2" in shared.ok(f"sealctl withdraw-approval {request}", first)
    assert shared.run(f"sealctl collect {request} -o /run/test/early.sig").status == 3
    # Not another's, unless by an administrator.
    assert shared.run(f"sealctl withdraw-approval {request} --approver {second}", first).status == 3
    assert "applied, 0 of 2" in shared.ok(f"sealctl withdraw-approval {request} --approver {second}")
    done = shared.run(f"sealctl withdraw-approval {request} --approver {second}")
    assert done.status == 4 and "sealctl request ID" in done.stderr, done
    approve(shared, keys, request, third)
    approve(shared, keys, request, first)
    assert "3 approvals, where 2 are enough" in approve(shared, keys, request, second).stdout
    assert collected(shared, number, request, document)
    assert shared.run(f"sealctl withdraw-approval {request}", first).status == 5


# --- refusals ---------------------------------------------------------------------------------


def test_strangers_key_wrong_passphrase_and_public_key_are_refused(shared, keys, number, document):
    first, second, third = keys
    request = ask(shared, number, document)
    mine = private(keys, first)
    done = shared.run(f"openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out /run/test/new.pem; "
                      f"sealctl --yes approve-use {request} --key /run/test/new.pem", second)
    assert done.status == 3 and "key that the seal has for this approver" in done.stderr, done
    done = shared.run(f"sealctl --yes approve-use {request} --key {mine} --approver {second}", first)
    assert done.status == 3, done
    wrong = shared.write("wrong", "no\n")
    done = shared.run(f"sealctl --yes approve-use {request} --key {private(keys, third)} "
                      f"--passphrase-file {wrong}", third)
    assert done.status == 3 and "passphrase" in done.stderr, done
    done = shared.run(f"sealctl --yes approve-use {request} --key {keys[first]}", first)
    assert done.status == 2 and "public" in done.stderr, done
    assert told(shared, request)["missing"] == 2
    shared.ok(f"sealctl cancel {request} 'over'")


def test_other_document_than_the_one_read_is_refused(shared, keys, number, document):
    user = list(keys)[0]
    request = ask(shared, number, document)
    other = shared.write("other.txt", "We do not agree.\n")
    done = approve(shared, keys, request, user, f"--document {other}", status=3)
    assert "another document" in done.stderr
    done = shared.run(f"sealctl challenge {request} --document {other} -o /run/test/keys/none", user)
    assert done.status == 3 and shared.run("test -e /run/test/keys/none").status == 1, done
    assert told(shared, request)["missing"] == 2
    shared.ok(f"sealctl cancel {request} 'over'")


def test_nothing_is_signed_without_being_asked(shared, keys, number, document):
    user = list(keys)[0]
    request = ask(shared, number, document)
    key = private(keys, user)
    done = shared.run(f"sealctl approve-use {request} --key {key} </dev/null", user)
    assert done.status == 2 and "not confirmed" in done.stderr and "contract.txt" in done.stdout, done
    assert shared.run(f"sealctl --json approve-use {request} --key {key}", user).status == 2
    typed = shared.run(f"echo n | script -qec 'sealctl approve-use {request} --key {key}' /dev/null", user)
    assert "not confirmed" in typed.stdout and told(shared, request)["missing"] == 2, typed
    typed = shared.run(f"echo y | script -qec 'sealctl approve-use {request} --key {key}' /dev/null", user)
    assert told(shared, request)["missing"] == 1, typed
    shared.ok(f"sealctl cancel {request} 'over'")


@pytest.mark.alone
def test_key_with_a_passphrase_asks_for_it(shared, keys, number, document):
    user = list(keys)[2]
    request = ask(shared, number, document)
    typed = shared.run(f"(sleep 0.5; echo '{PASSPHRASE}') | script -qec 'sealctl --yes approve-use {request} --key "
                       f"{private(keys, user)}' /dev/null", user)
    assert "Passphrase of" in typed.stdout and told(shared, request)["missing"] == 1, typed
    shared.ok(f"sealctl cancel {request} 'over'")


def test_who_speaks_for_whom_has_to_be_clear(shared, keys, number, document):
    request = ask(shared, number, document)
    key = private(keys, list(keys)[0])
    done = shared.run(f"sealctl --yes approve-use {request} --key {key}")
    assert done.status == 2 and "--approver" in done.stderr, done
    done = shared.run(f"sealctl --yes approve-use {request} --key {key} --approver nobody")
    assert done.status == 2 and "no such approver" in done.stderr, done
    shared.ok(f"sealctl cancel {request} 'over'")


def test_a_use_is_not_approved_or_rejected_as_an_application_is(shared, keys, number, document):
    request = ask(shared, number, document)
    done = shared.run(f"sealctl approve {request}", shared["SEAL_REVIEWER"])
    assert done.status in (3, 5) and "approve-use" in done.stderr, done
    done = shared.run(f"sealctl reject {request} no", shared["SEAL_REVIEWER"])
    assert done.status in (3, 5) and "Next" not in done.stdout, done
    shared.ok(f"sealctl cancel {request} 'over'")


def test_others_do_not_see_it(shared, keys, number, document):
    request = ask(shared, number, document)
    for verb in ("request", "challenge", "withdraw-approval"):
        assert shared.run(f"sealctl {verb} {request}", shared["SEAL_KEEPER"]).status == 4, verb
    done = shared.run(f"sealctl approve-use {request} --key x", shared["SEAL_KEEPER"])
    assert done.status == 4, done
    shared.ok(f"sealctl cancel {request} 'over'")


@pytest.mark.parametrize("words,status", [
    ("request-use {n} {d} --output x", 2), ("request-use {n}", 2), ("request-use {n} {d} --digest 00", 2),
    ("request-use {n} --digest 00", 2), ("request-use {n} /nowhere", 4), ("request-use nobody {d}", 2),
    ("request-use {n} {d} --expires -1d", 2), ("request-use {n} {d} --hash md5", 2),
    ("request-use {n} {d} --hash sm3", 2), ("request-use $SEAL {d}", 5),
    ("approve-use 999999 --key x", 4), ("approve-use x --key x", 2), ("approve-use 1", 2),
    ("approve-use 1 --key x --signature y", 2), ("approve-use 1 --signature y --passphrase-file z", 2),
    ("challenge 999999", 4), ("withdraw-approval 999999", 4), ("collect 999999 -o x", 4), ("collect 1", 2),
    ("collect 1 -o /nowhere/x", 1), ("collect 1 -o x", 5),
])
def test_wrong_words_have_their_exit_status(shared, number, document, words, status):
    done = shared.run(f"cd /run/test; sealctl {words.format(n=number, d=document)}")
    assert done.status == status, done


@pytest.mark.alone
def test_expired_request_is_told_and_ends(shared, keys, number, document):
    user = list(keys)[0]
    soon = int(shared.ok("date +%s")) + 4
    request = ask(shared, number, document, f"--expires @{soon}")
    shared.ok(f"until test $(date +%s) -gt {soon}; do sleep 0.2; done")
    done = approve(shared, keys, request, user, status=5)
    assert "expired" in done.stderr.lower()
    done = shared.run(f"sealctl collect {request} -o /run/test/expired.sig")
    assert done.status == 5 and "request-use" in done.stderr, done


def test_revoked_seal_with_valid_approvals_is_refused(shared, keys, document):
    first, second, _third = keys
    number = make(shared, keys)
    request = ask(shared, number, document)
    approve(shared, keys, request, first)
    approve(shared, keys, request, second)
    shared.ok(f"sealctl --yes revoke {number} 'over'")
    assert shared.run(f"sealctl collect {request} -o /run/test/revoked.sig").status in (5, 6)


def one_key(box):
    """Of one approver, in a sandbox of its own."""
    user = box["SEAL_STRANGER"]
    box.ok("install -d -m 1777 /run/test/keys; cd /run/test/keys; umask 077; openssl genpkey -algorithm EC "
           f"-pkeyopt ec_paramgen_curve:P-256 -out {user}.pem; umask 022; openssl pkey -in {user}.pem -pubout "
           f"-out {user}.pub", user)
    return user, {user: f"/run/test/keys/{user}.pub"}


def test_seal_that_is_made_at_once_has_its_approvers_too(bare):
    bare.ok("sealctl init --authority $SEAL_AUTHORITY --separation single")
    user, keys = one_key(bare)
    out = bare.ok(f"sealctl new --name Alone --approver {user}={keys[user]}")
    number = re.match(r"Seal (\d+), active", out)[1]
    assert f"sealctl request-use {number} FILE" in out
    assert f"sealctl request-use {number} FILE" in bare.ok(f"sealctl why {number}")
    document = bare.write("contract.txt", "We agree.\n")
    request = ask(bare, number, document, "--live")
    approve(bare, keys, request, user)
    assert collected(bare, number, request, document)


def test_state_of_the_machine_changes_and_the_approvals_stay(new_sandbox):
    box = new_sandbox("--ready")
    user, keys = one_key(box)
    number, document = make(box, keys, ""), box.write("contract.txt", "We agree.\n")
    request = ask(box, number, document)
    approve(box, keys, request, user)
    box.pcr_extend(7)
    done = box.run(f"sealctl collect {request} -o /run/test/x.sig")
    assert done.status == 7 and "machine-state approve" in done.stderr, done
    box.ok("sealctl machine-state approve --authority $SEAL_AUTHORITY")
    assert collected(box, number, request, document)
