# SPDX-License-Identifier: Apache-2.0
"""Seals whose signatures several people approve, by sealctl, as the people themselves."""

import json

import pytest

PEOPLE = ("SEAL_STRANGER", "SEAL_MAKER", "SEAL_ADMIN")
PASSPHRASE = "correct horse"


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
    ("--threshold 1", 2, "threshold"),
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


def test_signing_alone_is_refused_and_says_what_to_do(shared, number):
    done = shared.run(f"sealctl sign {number} /etc/hostname --output /run/test/alone.sig")
    assert done.status == 3 and "request-use" in done.stderr, done
