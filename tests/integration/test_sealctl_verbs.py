# SPDX-License-Identifier: Apache-2.0
"""sealctl's verbs as people use them, each to its end."""

import json


def document(box):
    """A folder with a document, signed by the ready seal, and the seal's public key."""
    box.ok("""install -d /run/test; cd /run/test; echo text > doc
        sealctl sign $SEAL doc; sealctl show $SEAL --public-key --output seal.pem""")


def test_signature_is_verified_with_the_key_or_with_the_seal(shared):
    document(shared)
    for words in ("--public-key seal.pem", "--seal $SEAL", "--seal $SEAL --signature doc.sig"):
        shared.ok(f"cd /run/test; sealctl verify doc {words}")


def test_signature_over_another_file_or_of_another_key_has_an_exit_status_of_its_own(shared):
    document(shared)
    shared.ok("cd /run/test; echo other > other; "
              "openssl ec -in $SEAL_AUTHORITY -pubout -out another.pem")
    for words in ("other --signature doc.sig --public-key seal.pem", "doc --public-key another.pem",
                  "other --signature doc.sig --seal $SEAL"):
        assert shared.run(f"cd /run/test; sealctl verify {words}").status == 10
    assert shared.run("cd /run/test; sealctl verify doc").status == 2
    assert shared.run("cd /run/test; sealctl verify doc --seal no/number").status == 2


def test_o_stands_for_output_where_a_verb_has_it(shared):
    shared.ok("""install -d /run/test; cd /run/test; echo text > doc; sealctl sign $SEAL doc -o doc.other
        sealctl show $SEAL --public-key -o key.pem
        sealctl verify doc --signature doc.other --public-key key.pem""")
    done = shared.run("sealctl list -o file")
    assert done.status == 2 and "-o is not an option here" in done.stderr, done
    done = shared.run("sealctl sign $SEAL /run/test/doc -o")
    assert done.status == 2 and "-o lacks its value" in done.stderr, done


def listed(box, words, user=None):
    return [r["id"] for r in json.loads(box.ok(f"sealctl --json requests {words}", user))]


def test_requests_are_mine_or_await_me(shared):
    path, error = shared.manager("Apply", "a{sv}", 1, "name", "s", "Mine",
                                 user=shared["SEAL_APPLICANT"])
    assert path, error
    number = int(path[0].rsplit("/", 1)[1])
    assert number in listed(shared, "--mine", shared["SEAL_APPLICANT"])
    assert listed(shared, "--mine", shared["SEAL_REVIEWER"]) == []
    assert listed(shared, "--awaiting-me", shared["SEAL_REVIEWER"]) == [number]
    assert listed(shared, "--state applied") == [number]
    assert "applied" in shared.ok("sealctl requests --state applied", shared["SEAL_REVIEWER"])
    shared.ok(f"sealctl cancel {number} 'no more'", shared["SEAL_APPLICANT"])
    assert listed(shared, "--awaiting-me", shared["SEAL_REVIEWER"]) == []


def test_an_export_says_what_comes_next(shared):
    auditor = shared["SEAL_AUDITOR"]
    done = shared.ok("cd $(mktemp -d); sealctl ledger export ledger.jsonl", auditor)
    assert done == "The ledger is in ledger.jsonl; next: 'sealctl ledger verify ledger.jsonl'\n"
    assert json.loads(shared.ok("sealctl --json ledger export $(mktemp -d)/x", auditor))["output"]


def test_words_that_nothing_has_are_refused_and_not_an_empty_list(shared):
    for words in ("requests --kind rewew", "requests --state open", "ledger list --event sealmade",
                  "list --state gone", "apply rewew $SEAL --reason x"):
        done = shared.run(f"sealctl {words}")
        assert done.status == 2 and done.stdout == "", (words, done)
    assert "sealsd-ledger(5)" in shared.run("sealctl ledger list --event sealmade").stderr


def test_a_request_that_only_has_a_reason_has_no_empty_list_of_what_is_applied_for(sandbox):
    admin = sandbox["SEAL_ADMIN"]
    sandbox.ok("sealctl suspend $SEAL 'not clear'")
    sandbox.ok("sealctl apply resume $SEAL --reason 'clear now'", admin)
    number = listed(sandbox, "--kind resume")[0]
    shown = sandbox.ok(f"sealctl request {number}", sandbox["SEAL_REVIEWER"])
    assert "clear now" in shown and "applied for:" not in shown
    sandbox.ok("sealctl apply transfer $SEAL --keeper seal-keeper --reason 'leaves'", admin)
    number = listed(sandbox, "--kind transfer")[0]
    assert "What is applied for:\n" in sandbox.ok(f"sealctl request {number}")


def test_a_change_of_the_separation_is_listed_with_both_modes(sandbox):
    sandbox.ok("sealctl separation set strict")
    done = sandbox.run("sealctl separation set single")
    assert "--separation single'" in done.stdout, done
    row = sandbox.ok("sealctl ledger list --event separation-changed").splitlines()[1]
    assert row.endswith("dual to strict"), row


def test_why_names_who_goes_on_with_a_seal_that_waits(sandbox):
    number = sandbox.make_seal("Waits", keeper="seal-keeper", accept=False)
    done = sandbox.run(f"sealctl why {number}")
    assert done.status == 5 and f"Next: the keeper runs 'sealctl accept {number}'" in done.stdout, done
    sandbox.ok(f"sealctl decline {number} 'not mine'", "seal-keeper")
    assert f"'sealctl deliver {number} KEEPER'" in sandbox.run(f"sealctl why {number}").stdout


def test_bytes_to_sign_are_written_with_a_word_of_what_comes_next(sandbox):
    sandbox.ok("sealctl apply --name Bytes", sandbox["SEAL_APPLICANT"])
    number = listed(sandbox, "--state applied")[0]
    done = sandbox.run(f"sealctl approve {number} --to-sign $(mktemp -d)/x", sandbox["SEAL_REVIEWER"])
    assert done.status == 0 and done.stdout == "" and "--signature SIG" in done.stderr, done


def test_machine_state_is_shown_and_approved_with_a_signature_made_elsewhere(sandbox):
    assert "as approved" in sandbox.ok("sealctl machine-state show")
    sandbox.pcr_extend(7)
    done = sandbox.run("sealctl machine-state show")
    assert done.status == 7 and done.stdout.count("differs") == 1, done
    state = sandbox.run("sealctl --json machine-state show")
    assert state.status == 7 and json.loads(state.stdout)["differing"] == [7], state
    sandbox.ok("""install -d /run/test; cd /run/test
        sealctl machine-state show --to-sign state
        openssl dgst -sha256 -sign $SEAL_AUTHORITY -out state.sig state
        sealctl machine-state approve --signature state.sig
        sealctl machine-state show""")
    assert sandbox.sign(sandbox["SEAL"])[0]


def test_resident_authority_approves_by_its_passphrase(bare):
    bare.ok("sealctl init --resident --passphrase-file -", data="correct horse\n")
    bare.pcr_extend(7)
    assert bare.run("sealctl machine-state approve --resident --passphrase-file -", data="wrong\n").status != 0
    assert bare.run("sealctl machine-state approve --resident --passphrase-file -", data="\n").status == 2
    assert bare.run("sealctl machine-state show").status == 7
    bare.ok("sealctl machine-state approve --resident --passphrase-file -", data="correct horse\n")
    bare.ok("sealctl machine-state show")


def test_seal_is_made_at_once_only_where_one_person_may(bare, shared):
    done = shared.run("sealctl new --name Quick")
    assert done.status == 3 and "sealctl apply" in done.stderr, done
    bare.ok("sealctl init --authority $SEAL_AUTHORITY --separation single")
    made = json.loads(bare.ok("sealctl --json new --name Quick --keeper root"))
    assert made["state"] == "active"
    assert bare.sign(made["number"])[0]
    assert "sealctl sign" in bare.ok("sealctl new --name Second --keeper root")


def test_what_cannot_be_opened_is_said_not_to_be_shown(sandbox):
    """A machine that was started in another state: the register's key stays sealed."""
    request = json.loads(sandbox.ok("sealctl --json apply --name Closed --keeper root",
                                    sandbox["SEAL_APPLICANT"]))["id"]
    sandbox.ctl("stop")
    sandbox.pcr_extend(7)
    sandbox.ctl("start")
    for words in (f"request {request}", "show $SEAL"):
        done = sandbox.run(f"sealctl {words}")
        assert done.status == 0 and "not in an approved state" in done.stderr, done
    done = sandbox.run(f"sealctl approve {request} --digest {'0' * 64}", sandbox["SEAL_REVIEWER"])
    assert done.status != 0, done
    assert sandbox["SEAL"] in sandbox.ok("sealctl list")
    sandbox.ok("sealctl machine-state approve --authority $SEAL_AUTHORITY")
    sandbox.ok(f"sealctl approve {request}", sandbox["SEAL_REVIEWER"])  # opens the register
    assert "approved state" not in sandbox.run("sealctl show $SEAL").stderr
