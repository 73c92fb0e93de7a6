# SPDX-License-Identifier: Apache-2.0
"""sealctl as a newcomer meets it: each fault that was found has its test, named after the symptom."""

import json
import re
import shlex

import pytest

from conftest import ROOT

# A full standard output: the reader is gone, and the write fails instead of a signal.
GONE = ("import os, signal, subprocess, sys\n"
        "r, w = os.pipe(); os.close(r)\n"
        "signal.signal(signal.SIGPIPE, signal.SIG_IGN)\n"
        "p = subprocess.run(sys.argv[1:], stdout=w, restore_signals=False)\n"
        "sys.exit(p.returncode)\n")


@pytest.fixture
def document(shared):
    return shared.write("document", b"a document")


@pytest.fixture
def seal(shared):
    return shared["SEAL"]


def folder(box, name):
    path = box.temp(name)
    box.ok(f"rm -rf {path}; install -d {path}")
    return path


# --- files ------------------------------------------------------------------------------------


def test_output_replaces_a_fifo(shared, seal, document):
    place = folder(shared, "fifo")
    shared.ok(f"cd {place}; mkfifo pipe; (cat pipe > read) & sealctl sign {seal} {document} "
              f"--output pipe; wait; test -p pipe; test -s read")


def test_output_replaces_a_device(shared, seal, document):
    """A symlink to a character device that does no harm: the link and the device stay."""
    place = folder(shared, "device")
    shared.ok(f"cd {place}; ln -s /dev/null link; sealctl sign {seal} {document} --output link; "
              f"test -L link; test -c /dev/null")


def test_output_replaces_a_symlink(shared, seal, document):
    place = folder(shared, "link")
    shared.ok(f"cd {place}; mkdir far; echo old > far/file; ln -s far/file link; "
              f"sealctl show {seal} --public-key --output link; test -L link; "
              f"grep -q 'PUBLIC KEY' far/file; test \"$(ls far)\" = file")


def test_output_to_a_dangling_symlink_is_refused(shared, seal, document):
    place = folder(shared, "dangling")
    done = shared.run(f"cd {place}; ln -s nowhere link; sealctl sign {seal} {document} --output link")
    assert done.status == 1 and "link: No such file" in done.stderr, done
    shared.ok(f"test -L {place}/link")


@pytest.mark.parametrize("prepare,words", [
    ("true", "g --output g"),
    ("ln g h", "g --output h"),
    ("ln -s g h", "g --output h"),
    ("ln -s g g.sig", "g"),
    ("true", "- --output g < g"),
])
def test_sign_overwrites_its_own_document(shared, seal, prepare, words):
    place = folder(shared, "same")
    done = shared.run(f"cd {place}; echo precious > g; {prepare}; sealctl sign {seal} {words}")
    assert done.status == 2 and "document itself" in done.stderr, done
    assert shared.ok(f"cat {place}/g") == "precious\n"


@pytest.mark.parametrize("words", ["list", "--json list", "show $SEAL", "status", "--help",
                                   "why $SEAL", "sign --help", "--version", "list --type contract"])
def test_full_standard_output_goes_unnoticed(shared, words):
    script = shared.write("gone.py", GONE)
    done = shared.run(f"/usr/bin/python3 {script} sealctl {words}")
    assert done.status == 1 and "standard output" in done.stderr, done


# --- init -------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", ["--separation triple", "--pcrs sha256:99", "--pcrs ''",
                                   "--profile 'A B'", "--capacity 0", "--capacity 1025"])
def test_init_with_a_wrong_word_leaves_a_key_file(bare, words):
    place = folder(bare, "init")
    done = bare.run(f"cd {place}; sealctl init {words} </dev/null")
    assert done.status == 2 and "passphrase" not in done.stderr, done
    assert bare.ok(f"ls {place}") == ""


def test_refused_init_leaves_a_key_file_that_blocks_the_retry(bare):
    """The fence's PCR is one that only the daemon knows to be wrong."""
    place = folder(bare, "init")
    fence = bare.manager("GetStatus")[0][0]["fence-pcr"]["data"]
    retry = f"cd {place}; echo secret | sealctl init --passphrase-file - --pcrs sha256:"
    done = bare.run(retry + str(fence))
    assert done.status == 2 and "Removed" in done.stderr, done
    assert bare.ok(f"ls {place}") == ""
    bare.ok(retry + "0,2,7")
    assert bare.ok(f"ls {place}") == "sealsd-authority.pem\n"


def test_status_before_init_shows_meaningless_rows(bare):
    out = bare.ok("sealctl status")
    assert "sealctl init" in out and "Capacity" not in out and "Seals" not in out


# --- requests ---------------------------------------------------------------------------------


def test_reviewer_cannot_see_what_he_approves(shared, document):
    out = shared.ok(f"sealctl apply --name 'Acme Contracts' --holder Acme --keeper root "
                    f"--use-limit 7 --document Minutes={document}", shared["SEAL_APPLICANT"])
    number = re.search(r"Request (\d+)", out)[1]
    assert f"sealctl request {number}" in out
    shown = shared.ok(f"sealctl request {number}", shared["SEAL_REVIEWER"])
    digest = shared.ok(f"sha256sum {document}").split()[0]
    for word in ("applied", shared["SEAL_APPLICANT"], "Acme Contracts", "user:root",
                 "ecdsa-p256", "document-signing", "Use limit: 7", "Minutes", digest, "missing: 1"):
        assert word in shown, (word, shown)
    described = json.loads(shared.ok(f"sealctl --json request {number}", shared["SEAL_REVIEWER"]))
    assert described["application"]["name"] == "Acme Contracts" and described["missing"] == 1
    shared.ok(f"sealctl approve {number} --comment checked", shared["SEAL_REVIEWER"])
    assert "checked" in shared.ok(f"sealctl request {number}", shared["SEAL_REVIEWER"])
    assert "sealctl request ID" in shared.ok("sealctl approve --help")


@pytest.mark.parametrize("words,status", [("request 99", 4), ("request x", 2), ("approve 99", 4)])
def test_unknown_request_is_an_unknown_object(shared, words, status):
    done = shared.run(f"sealctl {words}", shared["SEAL_REVIEWER"])
    assert done.status == status, done
    if status == 4:
        assert "There is no request 99 (or it is not yours to see)" in done.stderr


# --- advice -----------------------------------------------------------------------------------


def test_why_tells_strangers_to_sign(shared, seal):
    assert "can sign (for its keepers)" in shared.ok(f"sealctl why {seal}")


def test_unknown_challenge_is_answered_with_sealctl_list(shared, document):
    done = shared.run(f"sealctl authority answer --id nothing --signature {document}")
    assert done.status == 4 and "sealctl list" not in done.stderr, done
    assert "authority challenges" in done.stderr, done


def test_unknown_profile_is_answered_with_sealctl_list(shared, document):
    done = shared.run(f"sealctl machine-state approve --profile other --signature {document}")
    assert done.status == 4 and "sealctl list" not in done.stderr, done


def test_hint_repeats_the_message(bare):
    done = bare.run("sealctl apply --name x", bare["SEAL_APPLICANT"])
    assert done.status == 5 and done.stderr.count("sealctl init") == 1, done
    assert "Hint" not in done.stderr, done


def test_hint_names_help_where_help_does_not_help(shared, seal):
    done = shared.run(f"sealctl revoke {seal} because </dev/null")
    assert done.status == 2 and "--help" not in done.stderr, done
    done = shared.run("sealctl list --nonsense")
    assert done.status == 2 and "--help" in done.stderr, done


def test_deliver_tells_the_administrator_to_accept(shared):
    number = shared.make_seal("To Decline", shared["SEAL_KEEPER"], accept=False)
    shared.ok(f"sealctl decline {number} 'not mine'", shared["SEAL_KEEPER"])
    done = shared.ok(f"sealctl deliver {number} {shared['SEAL_KEEPER']}", shared["SEAL_ADMIN"])
    assert f"Next: the keeper runs 'sealctl accept {number}'" in done


def test_seal_not_valid_yet_is_in_the_wrong_state(shared):
    out = shared.ok("sealctl apply --name Later --keeper root --not-before +30d",
                    shared["SEAL_APPLICANT"])
    number = re.search(r"Request (\d+)", out)[1]
    shared.ok(f"sealctl approve {number}", shared["SEAL_REVIEWER"])
    later = json.loads(shared.ok(f"sealctl --json request {number}"))["seal"]
    done = shared.run(f"sealctl why {later}")
    assert done.status == 6 and "not valid" in done.stdout, done


def test_sign_json_of_a_name_that_is_not_utf8_wastes_a_use(shared, seal):
    place = folder(shared, "bytes")
    out = shared.ok(f"cd {place}; echo x > $'a\\xff'; sealctl --json sign {seal} $'a\\xff'")
    assert json.loads(out)["output"] == "a\\xff.sig"


# --- arguments --------------------------------------------------------------------------------


@pytest.mark.parametrize("words", ["verify {0} --signature {0} --public-key {0}",
                                   "authority show {0}", "authority answer --key {0}",
                                   "machine-state approve --authority {0}"])
def test_file_that_is_no_key_is_another_failure(shared, document, words):
    done = shared.run("sealctl " + words.format(document))
    assert done.status == 2 and f"{document} is no PEM key" in done.stderr, done


@pytest.mark.parametrize("words", ["apply --name $'a\\xff'", "apply --name x --purpose $'\\xff'",
                                   "list --holder $'\\xff'", "approve 1 --comment $'\\xff'",
                                   "reject 1 $'\\xff'"])
def test_argument_that_is_not_utf8_breaks_the_call(shared, words):
    done = shared.run(f"sealctl {words}", shared["SEAL_REVIEWER"])
    assert done.status == 2 and "UTF-8" in done.stderr, done


def test_json_error_about_bytes_that_are_not_utf8_has_no_message(shared):
    done = shared.run("sealctl --json $'\\xff'")
    assert done.status == 2 and "there is no verb" in json.loads(done.stderr)["message"], done


@pytest.mark.parametrize("reason", ["", "  ", "a\nb"])
def test_revoke_without_a_reason(shared, seal, reason):
    done = shared.run(f"sealctl revoke --yes {seal} {shlex.quote(reason)}")
    assert done.status == 2 and "REASON" in done.stderr, done
    shared.ok(f"sealctl why {seal}")


@pytest.mark.parametrize("words", ["--type foo", "--class foo"])
def test_list_of_an_unknown_word_is_empty(shared, words):
    assert shared.run(f"sealctl list {words}").status == 2


@pytest.mark.parametrize("words,same", [("help", "--help"), ("help sign", "sign --help"),
                                        ("help authority", "authority --help"),
                                        ("help authority new", "authority new --help"),
                                        ("authority help new", "authority new --help")])
def test_help_is_no_verb(shared, words, same):
    assert shared.ok(f"sealctl {words}") == shared.ok(f"sealctl {same}")


@pytest.mark.parametrize("word,meant", [("sing", "sign"), ("statsu", "status"), ("revo", "revoke"),
                                        ("aprove", "approve"), ("xyzzy", None)])
def test_unknown_verb_suggests_nothing(shared, word, meant):
    done = shared.run(f"sealctl {word}")
    assert done.status == 2, done
    assert ("did you mean" in done.stderr) == (meant is not None), done
    assert ("--help in its place" in done.stderr) == (meant is None), done
    assert meant is None or f"'{meant}'?" in done.stderr, done


@pytest.mark.parametrize("words, form", [
    ("suspend 1", "sealctl suspend NUMBER REASON\n"), ("grant remove 1 2", "sealctl grant remove NUMBER ID REASON"),
    ("sign", "sealctl sign NUMBER FILE [OPTIONS]\n"), ("apply renew", "sealctl apply renew NUMBER")])
def test_missing_argument_is_not_named(shared, words, form):
    done = shared.run(f"sealctl {words}")
    assert done.status == 2 and f"an argument is missing: {form}" in done.stderr, done


def test_long_names_are_cut_in_a_pipe(shared):
    name = "A long name " * 15
    shared.make_seal(name.strip(), holder="Acme")
    assert name.strip() in shared.ok("sealctl list | cat")


def test_long_names_break_the_lines_of_a_terminal(shared):
    name = "Another long name " * 10
    shared.make_seal(name.strip(), holder="Acme")
    out = shared.ok("script -qc 'stty cols 70; sealctl list' /dev/null </dev/null")
    assert "Another long" in out and name.strip() not in out
    assert all(len(line.rstrip()) <= 70 for line in out.splitlines()), out


def test_completion_offers_options_of_the_prose(shared):
    """'sealctl init --authority sealsd-authority.pem' in authority new's help is no option of it."""
    text = shared.write("completion", (ROOT / "client/sealctl.bash-completion").read_bytes())
    out = shared.ok(f"source {text}; _sealctl_options authority new")
    assert out.split() == ["--help", "--json", "--passphrase-file", "--yes"]
    assert "--yes" in shared.ok(f"source {text}; _sealctl_options revoke")


def completed(box, *words):
    """What is offered for the last of these words."""
    text = box.write("completion", (ROOT / "client/sealctl.bash-completion").read_bytes())
    line = " ".join(map(shlex.quote, ("sealctl", *words)))
    return box.ok(f"source {text}; cd /run/test; COMP_WORDS=({line}); COMP_CWORD={len(words)}; _sealctl; "
                  "printf '%s\\n' \"${COMPREPLY[@]}\"").split()


def test_completion_offers_no_file_after_the_short_name_of_output(shared):
    shared.write("offered.pdf", "x")
    for option in ("--output", "-o"):
        assert "offered.pdf" in completed(shared, "sign", "1", "x", option, "offered"), option


def test_completion_offers_no_machine_state_to_retire(shared):
    assert completed(shared, "machine-state", "retire", "") == ["1"]


def test_names_in_other_scripts_break_the_table(shared):
    """Wide characters count two columns; what follows them stands below its heading all the same."""
    for name in ("合同专用章", "Société Générale", "Печать"):
        shared.make_seal(name)
    out = shared.ok("env -u LC_ALL -u LANG sealctl list")
    assert "\\u" not in out and "\\x" not in out
    [heading, *rows] = out.splitlines()
    for name, width in (("合同专用章", 10), ("Société Générale", 16), ("Печать", 6)):
        [row] = [r for r in rows if name in r]
        assert row.index(" active") + width - len(name) == heading.index("STATE") - 1, (row, heading)
