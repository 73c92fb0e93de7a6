# SPDX-License-Identifier: Apache-2.0
"""sealctl's verbs for grants, reviewers' keys and the separation of duties, and signatures by the dozen."""

import json

import pytest


@pytest.fixture
def number(shared):
    return shared.make_seal("Shared", shared["SEAL_KEEPER"])


def grants(box, number):
    return json.loads(box.ok(f"sealctl --json grant list {number}", box["SEAL_KEEPER"]))


def key_pair(box, name):
    box.ok(f"install -d -m 1777 /run/test; cd /run/test; openssl ecparam -name prime256v1 -genkey -noout "
           f"-out {name}.key; openssl pkey -in {name}.key -pubout -out {name}.pem; chmod 0644 {name}.*")


# --- grants ---------------------------------------------------------------------------------------


def test_grant_lets_another_sign_so_often_and_for_so_much(shared, number):
    keeper, helper = shared["SEAL_KEEPER"], shared["SEAL_MAKER"]
    path = shared.write("paper", "a paper")
    assert shared.run(f"sealctl sign {number} {path} --output /run/test/h.sig", helper).status == 3
    out = shared.ok(f"sealctl grant add {number} {helper} --purpose document-signing --count 1 "
                    "--until +14d --reason 'holiday cover'", keeper)
    assert f"user:{helper} may use seal {number}" in out
    [grant] = grants(shared, number)
    assert grant["subject"] == f"user:{helper}" and grant["count"] == 1 and grant["used"] == 0
    assert grant["purposes"] == ["document-signing"] and grant["reason"] == "holiday cover"
    shared.ok(f"sealctl sign {number} {path} --output /run/test/h.sig", helper)
    done = shared.run(f"sealctl sign {number} {path} --output /run/test/h.sig", helper)
    assert done.status == 6 and "sealctl grant add" in done.stderr, done
    assert "holiday" not in shared.ok(f"sealctl grant list {number}", keeper)
    assert helper in shared.ok(f"sealctl grant list {number}", keeper)


def test_grant_is_taken_back(shared, number):
    keeper, helper = shared["SEAL_KEEPER"], shared["SEAL_MAKER"]
    added = json.loads(shared.ok(f"sealctl --json grant add {number} group:{helper}", keeper))["grant"]
    assert shared.run(f"sealctl grant remove {number} {added} back", helper).status == 3
    shared.ok(f"sealctl grant remove {number} {added} 'back from holiday'", keeper)
    assert grants(shared, number) == []
    assert "No grants" in shared.ok(f"sealctl grant list {number}", keeper)
    done = shared.run(f"sealctl grant remove {number} 999 x", keeper)
    assert done.status == 4 and "grant list" in done.stderr, done


def test_emergency_grant_is_an_administrators_and_waits_for_a_review(shared, number):
    admin, helper = shared["SEAL_ADMIN"], shared["SEAL_MAKER"]
    words = f"grant add {number} {helper} --emergency"
    assert shared.run(f"sealctl {words}", admin).status == 2
    assert shared.run(f"sealctl {words} --reason fire", shared["SEAL_KEEPER"]).status == 3
    shared.ok(f"sealctl {words} --reason 'the keeper cannot be reached'", admin)
    [grant] = grants(shared, number)
    assert grant["emergency"] and grant["count"] == 10
    [review] = json.loads(shared.ok(f"sealctl --json requests --kind review --seal {number}",
                                    shared["SEAL_REVIEWER"]))
    shared.ok(f"sealctl approve {review['id']} --comment 'looked at'", shared["SEAL_REVIEWER"])


@pytest.mark.parametrize("words", ["add $SEAL", "add $SEAL robot:x", "add $SEAL bob --count many",
                                   "add $SEAL bob --until yesterday --not-before today",
                                   "add $SEAL bob --emergency --deputy --reason x", "remove $SEAL 1",
                                   "remove $SEAL 1 ''", "list", "nonsense"])
def test_words_that_cannot_be_are_refused_here(shared, words):
    assert shared.run(f"sealctl grant {words}").status == 2


# --- many -----------------------------------------------------------------------------------------


def test_many_files_are_signed_with_one_call(shared):
    out = json.loads(shared.ok("""install -d /run/test/many; cd /run/test/many
        for i in $(seq 50); do echo $i > $i; done; sealctl --json sign-many $SEAL $(seq 50)"""))
    assert out["signed"] == 50 and out["use"] >= 1
    shared.ok("cd /run/test/many; sealctl show $SEAL --public-key --output key.pem; "
              "for i in $(seq 50); do sealctl verify $i --public-key key.pem; done")
    assert shared.run("cd /run/test/many; sealctl verify 1 --signature 2.sig --public-key key.pem").status == 10


def test_many_files_are_signed_all_or_none(shared):
    done = shared.run("cd /run/test; install -d none; cd none; echo a > a; sealctl sign-many $SEAL a b")
    assert done.status == 4 and shared.ok("ls /run/test/none") == "a\n", done
    number = json.loads(shared.ok("sealctl --json apply --name Few --keeper root --use-limit 3",
                                  shared["SEAL_APPLICANT"]))["id"]
    few = json.loads(shared.ok(f"sealctl --json approve {number}", shared["SEAL_REVIEWER"]))["seal"]
    shared.ok(f"sealctl accept {few}")
    done = shared.run(f"cd /run/test/none; for i in 1 2 3 4; do echo $i > $i; done; sealctl sign-many {few} 1 2 3 4")
    assert done.status == 6, done
    assert ".sig" not in shared.ok("ls /run/test/none")
    shared.ok(f"cd /run/test/none; sealctl sign-many {few} 1 2 3")
    for words in ("$SEAL", "$SEAL -", "$SEAL a a.sig/a", "$SEAL a --hash md5"):
        assert shared.run(f"cd /run/test/none; sealctl sign-many {words}").status != 0, words


# --- decisions ------------------------------------------------------------------------------------


def applied(box, name="Decided"):
    return json.loads(box.ok(f"sealctl --json apply --name {name} --keeper root", box["SEAL_APPLICANT"]))["id"]


def verified(box, request, options=""):
    box.ok(f"sealctl --json request {request} > /run/test/decided.json")
    return box.run(f"sealctl --json decisions verify /run/test/decided.json {options}", box["SEAL_STRANGER"])


def test_decision_is_signed_and_verified_offline(new_sandbox):
    box = new_sandbox("--ready")
    reviewer = box["SEAL_REVIEWER"]
    key_pair(box, "bob")
    key_pair(box, "eve")
    first = applied(box)
    box.ok(f"sealctl approve {first}", reviewer)  # not registered yet
    assert verified(box, first).status == 0
    assert verified(box, first, "--all-signed").status == 10
    assert box.run(f"sealctl reviewer register {reviewer} /run/test/bob.pem", reviewer).status == 3
    box.ok(f"sealctl reviewer register {reviewer} /run/test/bob.pem", box["SEAL_ADMIN"])

    request = applied(box)
    done = box.run(f"sealctl approve {request}", reviewer)
    assert done.status == 3 and "--key" in done.stderr, done
    done = box.run(f"sealctl approve {request} --key /run/test/eve.key", reviewer)
    assert done.status == 3 and "registered for you" in done.stderr, done
    digest = json.loads(box.ok(f"sealctl --json request {request}", reviewer))["digest"]
    other = "0" * 64
    assert box.run(f"sealctl approve {request} --key /run/test/bob.key --digest {other}", reviewer).status == 3
    box.ok(f"sealctl approve {request} --key /run/test/bob.key --digest {digest}", reviewer)
    assert "yes" in box.ok(f"sealctl request {request}", reviewer)

    done = verified(box, request, f"--reviewer {reviewer}=/run/test/bob.pem --all-signed")
    assert done.status == 0, done
    [decision] = json.loads(done.stdout)["decisions"]
    assert decision["signature"] == "good" and decision["key-as-expected"]
    assert verified(box, request, f"--reviewer {reviewer}=/run/test/eve.pem").status == 10
    # Taken out, it is missed by whoever knows of it.
    box.ok("cp /run/test/decided.json /run/test/cut.json && "
           "/usr/bin/python3 -c \"import json; p = '/run/test/cut.json'; d = json.load(open(p)); "
           "d['decisions'] = []; json.dump(d, open(p, 'w'))\"")
    done = box.run(f"sealctl --json decisions verify /run/test/cut.json --reviewer {reviewer}=/run/test/bob.pem",
                   box["SEAL_STRANGER"])
    assert done.status == 10 and "missing" in done.stdout, done
    box.ok("sed -i 's/Decided/Altered/' /run/test/decided.json")
    done = box.run("sealctl decisions verify /run/test/decided.json", box["SEAL_STRANGER"])
    assert done.status == 10 and "NOT that of the application" in done.stdout and "bad" in done.stdout, done


def test_rejection_is_signed_elsewhere(new_sandbox):
    box = new_sandbox("--ready")
    reviewer = box["SEAL_REVIEWER"]
    key_pair(box, "bob")
    box.ok(f"sealctl reviewer register {reviewer} /run/test/bob.pem", box["SEAL_ADMIN"])
    request = applied(box)
    assert box.run(f"sealctl reject {request} 'the name is taken'", reviewer).status == 3
    box.ok(f"cd /run/test; sealctl reject {request} x --to-sign bytes", reviewer)
    box.ok("cd /run/test; openssl dgst -sha256 -sign bob.key -out bytes.sig bytes; chmod 0644 bytes.sig")
    assert box.run(f"sealctl approve {request} --signature /run/test/bytes.sig", reviewer).status == 3
    box.ok(f"sealctl reject {request} 'the name is taken' --signature /run/test/bytes.sig", reviewer)
    done = verified(box, request, f"--reviewer {reviewer}=/run/test/bob.pem")
    assert done.status == 0 and json.loads(done.stdout)["decisions"][0]["verdict"] == "reject", done


def test_new_key_takes_the_place_of_an_old_one_by_its_signature_or_the_authority_s(new_sandbox):
    box = new_sandbox("--ready")
    reviewer, admin = box["SEAL_REVIEWER"], box["SEAL_ADMIN"]
    for name in ("one", "two", "three"):
        key_pair(box, name)
    register = f"sealctl reviewer register {reviewer} /run/test"
    box.ok(f"{register}/one.pem", admin)
    done = box.run(f"{register}/two.pem", admin)
    assert done.status == 3 and "--key" in done.stderr, done
    assert box.run(f"{register}/two.pem --key /run/test/two.key", admin).status == 3
    box.ok(f"{register}/two.pem --key /run/test/one.key", admin)
    box.ok(f"{register}/three.pem --key $SEAL_AUTHORITY")
    request = applied(box)
    assert box.run(f"sealctl approve {request} --key /run/test/one.key", reviewer).status == 3
    box.ok(f"sealctl approve {request} --key /run/test/three.key", reviewer)


# --- separation -----------------------------------------------------------------------------------


def test_separation_is_raised_by_an_administrator_and_lowered_with_the_authority(new_sandbox):
    box = new_sandbox("--ready")
    admin = box["SEAL_ADMIN"]
    assert "strict" in box.ok("sealctl separation set strict", admin)
    assert box.ok("sealctl separation show") == "strict\n"
    assert "authority answer" in box.ok("sealctl separation set dual", admin)
    assert box.ok("sealctl separation show") == "strict\n"
    assert box.run("sealctl authority answer --key $SEAL_AUTHORITY").status == 3  # it has not agreed
    box.ok("sealctl authority answer --key $SEAL_AUTHORITY --separation dual")
    assert box.ok("sealctl separation show") == "dual\n"
    box.ok("sealctl separation set single --authority $SEAL_AUTHORITY")
    assert box.ok("sealctl separation show") == "single\n"
    assert box.run("sealctl separation set dual", box["SEAL_APPLICANT"]).status == 3
