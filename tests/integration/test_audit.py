# SPDX-License-Identifier: Apache-2.0
"""The auditor's questions: each is asked about what the test itself has done, of the daemon and of a file."""

import json
import re

import pytest

from conftest import Sandbox


def now(box):
    return box.ok("date -u +%Y-%m-%dT%H:%M:%S.%6NZ").strip()


class Story:
    """A seal's life in short, with the moments between its parts."""

    def __init__(self):
        box = self.box = Sandbox("--ready")
        self.keeper, self.helper, self.admin = box["SEAL_KEEPER"], box["SEAL_MAKER"], box["SEAL_ADMIN"]
        self.auditor = box["SEAL_AUDITOR"]
        self.begin = now(box)
        self.seal = box.make_seal("Audited", self.keeper)
        box.write("contract.pdf", "contract")
        self.grant = json.loads(box.ok(
            f"sealctl --json grant add {self.seal} {self.helper} --purpose document-signing --count 2",
            self.keeper))["grant"]
        self.active = now(box)
        for user in (self.keeper, self.helper):
            box.ok(f"sealctl sign {self.seal} /run/test/contract.pdf --output /run/test/{user}.sig", user)
        box.run(f"sealctl sign {self.seal} /run/test/contract.pdf --purpose endorsement "
                "--output /run/test/no.sig", self.helper)
        self.used = now(box)
        box.ok(f"sealctl suspend {self.seal} 'a question'", self.keeper)
        self.suspended = now(box)
        box.ok(f"sealctl resume {self.seal} 'answered'", self.admin)
        box.ok(f"sealctl grant remove {self.seal} {self.grant} 'done'", self.keeper)
        request = json.loads(box.ok(f"sealctl --json apply recertify {self.seal} --not-after +2000d "
                                    "--reason 'in use'", self.keeper))["id"]
        box.ok(f"sealctl approve {request}", box["SEAL_REVIEWER"])
        self.ungranted = now(box)
        box.ok("openssl ecparam -name prime256v1 -genkey -noout -out /run/test/reviewer.key; "
               "openssl pkey -in /run/test/reviewer.key -pubout -out /run/test/reviewer.pem")
        box.ok(f"sealctl reviewer register {box['SEAL_REVIEWER']} /run/test/reviewer.pem", self.admin)
        box.ok("sealctl separation set strict", self.admin)
        self.strict = now(box)
        box.ok("sealctl list", self.auditor)
        box.ctl("stop")
        self.stopped = now(box)
        box.ctl("start")
        box.ctl("kill")
        box.ctl("start")
        box.ok("install -d -m 1777 /run/test; sealctl ledger export /run/test/ledger.jsonl; "
               "chmod 0644 /run/test/ledger.jsonl", self.auditor)
        self.end = now(box)

    def ask(self, words, file=False, user=None):
        """Of the daemon as the auditor, or of the file as anybody."""
        if file:
            words += " --file /run/test/ledger.jsonl"
        return json.loads(self.box.ok(f"sealctl --json audit {words}",
                                      user or (self.box["SEAL_STRANGER"] if file else self.auditor)))


@pytest.fixture(scope="module")
def story():
    told = Story()
    yield told
    assert told.box.close() == 0


BOTH = pytest.mark.parametrize("file", [False, True], ids=["daemon", "file"])


def could(answer):
    return {(entry["subject"], entry["as"]) for entry in answer["could"]}


@BOTH
def test_who_could_use_this_seal_on_that_day(story, file):
    keeper, helper = (f"user:{story.keeper}", "keeper"), (f"user:{story.helper}", "grant")
    assert could(story.ask(f"could {story.seal} --on {story.active}", file)) == {keeper, helper}
    assert could(story.ask(f"could {story.seal} --on {story.suspended}", file)) == set()
    assert could(story.ask(f"could {story.seal} --on {story.ungranted}", file)) == {keeper}
    assert could(story.ask(f"could {story.seal} --on {story.begin}", file)) == set()
    today = story.ask(f"could {story.seal} --on today", file)
    assert could(today) == {keeper, helper}
    assert [s["state"] for s in today["states"]] == ["made", "filed", "delivered", "active", "suspended",
                                                     "active"]
    granted = [entry for entry in today["could"] if entry["as"] == "grant"]
    assert len(granted) == 2  # before the suspension, and after it until it was taken back
    for entry in granted:
        assert entry["purposes"] == ["document-signing"] and str(entry["grant"]) == story.grant
    assert could(story.ask(f"could {story.seal} --on yesterday", file)) == set()


@BOTH
def test_who_did_and_for_what(story, file):
    uses = story.ask(f"uses {story.seal}", file)
    digest = story.box.ok("sha256sum /run/test/contract.pdf").split()[0]
    assert [(u["subject"], u["result"]) for u in uses] == [
        (f"user:{story.keeper}", "signed"), (f"user:{story.helper}", "signed"),
        (f"user:{story.helper}", "PurposeNotAllowed")]
    for use in uses[:2]:
        assert use["document"] == "contract.pdf" and use["purpose"] == "document-signing"
        assert use["digests"] == [digest] and use["hash"] == "sha256"
    assert uses[1]["by"] == f"grant:{story.grant}" and "by" not in uses[0]
    assert story.ask(f"uses {story.seal} --since {story.used}", file) == []
    assert len(story.ask(f"uses --by {story.helper}", file)) == 2
    assert story.ask(f"uses --digest {digest}", file) == uses[:2]
    assert story.ask(f"uses --digest {'0' * 64}", file) == []


@BOTH
def test_which_rules_roles_and_version_were_in_force(story, file):
    box = story.box
    version = box.ok("sealctl --version").split()[1]
    path = re.search(r"--config[= ](\S+)", box.ok("tr '\\0' ' ' < /proc/$($SEALSD_CTL pid)/cmdline"))[1]
    config = box.ok(f"sha256sum {path}").split()[0]
    [then] = story.ask(f"rules --on {story.begin}", file)["rules"]
    assert then["separation"] == "dual" and then["version"] == version and then["config"] == config
    assert f"user:{box['SEAL_REVIEWER']}" in then["roles"]["reviewers"]
    answer = story.ask(f"rules --on {story.strict}", file)
    assert [r["separation"] for r in answer["rules"]] == ["strict"]
    assert [r["separation"] for r in story.ask("rules --on today", file)["rules"]] == ["dual", "strict"]
    der = box.ok("openssl pkey -pubin -in /run/test/reviewer.pem -outform DER | sha256sum").split()[0]
    assert answer["reviewers"][f"user:{box['SEAL_REVIEWER']}"]["key"] == der
    assert story.ask(f"rules --on {story.begin}", file)["reviewers"] == {}


@BOTH
def test_who_saw_or_exported_the_register(story, file):
    seen = story.ask(f"disclosures --since {story.strict}", file)
    assert (f"user:{story.auditor}", "ListSeals") in {(d.get("subject"), d["what"]) for d in seen}
    assert (f"user:{story.auditor}", "ExportLedger") in {(d.get("subject"), d["what"]) for d in seen}
    assert story.ask("disclosures --until -1d", file) == []


@BOTH
def test_when_the_daemon_was_off(story, file):
    spans = story.ask("off", file)
    assert [s["how"] for s in spans] == ["stopped", "broke-off"]
    assert all(0 < s["from"] <= s["until"] for s in spans)
    moment = int(story.box.ok(f"date -u -d {story.stopped} +%s%6N"))
    assert spans[0]["from"] <= moment <= spans[0]["until"]
    assert story.ask(f"off --until {story.strict}", file) == []


@BOTH
def test_which_seals_were_made_in_single_mode(story, file):
    assert story.ask("single", file) == []


def test_seals_that_one_person_made_alone_are_named(bare):
    bare.ok("sealctl init --authority $SEAL_AUTHORITY --separation single")
    made = json.loads(bare.ok("sealctl --json new --name Alone --holder Acme --keeper root"))
    [found] = json.loads(bare.ok("sealctl --json audit single"))
    assert found["seal"] == made["number"] and found["name"] == "Alone" and found["holder"] == "Acme"
    assert found["subject"] == "user:root"
    assert "Alone" in bare.ok("sealctl audit single")


def test_answers_are_for_auditors_and_administrators(story):
    for words in (f"could {story.seal} --on today", "uses", "rules --on today", "disclosures", "off", "single"):
        done = story.box.run(f"sealctl audit {words}", story.box["SEAL_APPLICANT"])
        assert done.status == 3 and done.stdout == "", done


def test_answers_are_for_people_too(story):
    def answer(words):
        return story.box.ok(f"sealctl audit {words}", story.auditor)

    assert f"user:{story.helper}" in answer(f"could {story.seal} --on today")
    assert "contract.pdf" in answer(f"uses {story.seal}")
    assert "strict" in answer("rules --on today") and "reviewers" in answer("rules --on today")
    assert "ListSeals" in answer("disclosures")
    assert "broke-off" in answer("off")
    assert "No seal" in answer("single")
    assert story.box.run("sealctl audit could 1 --on today", story.auditor).status == 4
    assert story.box.run(f"sealctl audit could {story.seal}", story.auditor).status == 2
    assert story.box.run(f"sealctl audit could {story.seal} --on +1d", story.auditor).status == 2


def test_file_that_lost_a_row_is_answered_from_and_complained_of(story):
    box = story.box
    box.ok("cd /run/test; grep -v seal-suspended ledger.jsonl > short.jsonl")
    done = box.run(f"sealctl audit uses {story.seal} --file /run/test/short.jsonl")
    assert done.status == 10 and "ledger verify" in done.stderr, done
    assert "contract.pdf" in done.stdout
    done = box.run("sealctl audit off --file /etc/passwd")
    assert done.status == 2 and "no row" in done.stderr, done


class Witness:
    """Compares what the ledger says of who can use a seal with who can."""

    def __init__(self, box, seal):
        self.box, self.seal = box, seal
        self.users = [box[f"SEAL_{role}"] for role in ("KEEPER", "MAKER", "APPLICANT", "STRANGER")]
        box.write("paper", "a paper")

    def by_ledger(self):
        answer = json.loads(self.box.ok(f"sealctl --json audit could {self.seal} --on now",
                                        self.box["SEAL_AUDITOR"]))
        return {entry["subject"].removeprefix("user:") for entry in answer["could"]}

    def by_trying(self):
        return {user for user in self.users if self.box.run(
            f"sealctl sign {self.seal} /run/test/paper --output /run/test/w-{user}", user).status == 0}

    def agree(self, *expected):
        said = self.by_ledger()
        assert said == set(expected) == self.by_trying(), expected


def test_who_the_ledger_says_could_use_a_seal_can_use_it(new_sandbox):
    box = new_sandbox("--ready")
    keeper, helper, other = box["SEAL_KEEPER"], box["SEAL_MAKER"], box["SEAL_STRANGER"]
    admin, reviewer = box["SEAL_ADMIN"], box["SEAL_REVIEWER"]
    seal = box.make_seal("Witnessed", keeper, accept=False)
    witness = Witness(box, seal)

    def apply(words):
        request = json.loads(box.ok(f"sealctl --json apply {words} --reason why", keeper))["id"]
        return json.loads(box.ok(f"sealctl --json approve {request}", reviewer))

    witness.agree()
    box.ok(f"sealctl accept {seal}", keeper)
    witness.agree(keeper)
    box.ok(f"sealctl grant add {seal} {helper} --count 1", keeper)
    box.ok(f"sealctl grant add {seal} {other} --deputy --until +1d", keeper)
    witness.agree(keeper, helper, other)
    witness.agree(keeper, other)  # the helper's one use is used
    box.ok(f"sealctl report-lost {seal} gone", keeper)
    witness.agree()
    box.ok(f"sealctl report-found {seal} back", keeper)
    box.ok(f"sealctl resume {seal} fine", admin)
    witness.agree(keeper, other)
    box.ok(f"sealctl surrender {seal} leaving", keeper)
    witness.agree()
    box.ok(f"sealctl deliver {seal} {keeper}", admin)
    box.ok(f"sealctl accept {seal}", keeper)
    witness.agree(keeper)  # grants ended with the custody
    box.ok(f"sealctl grant add {seal} {helper} --emergency --reason fire", admin)
    witness.agree(keeper, helper)
    apply(f"transfer {seal} --keeper {other}")
    witness.agree()
    box.ok(f"sealctl accept {seal}", other)
    witness.agree(other)
    keeper = other
    apply(f"recertify {seal} --not-after +2000d")
    witness.agree(other)
    new = apply(f"renew {seal}")["seal"]
    witness.agree(other)
    box.ok(f"sealctl accept {new}", other)
    witness.agree()  # superseded, with no overlap
    Witness(box, new).agree(other)
    box.ok(f"sealctl revoke --yes {new} over", admin)
    Witness(box, new).agree()
