# SPDX-License-Identifier: Apache-2.0
"""The manual pages and the completion beside what sealctl, the daemon and its interfaces are."""

import os
import re
import shlex
import shutil
import subprocess

import pytest

from conftest import ROOT

PAGES = sorted(p for p in (ROOT / "docs").iterdir() if re.fullmatch(r"[a-z0-9.-]+\.[578]", p.name))
BUILD = os.environ.get("SEALSD_BUILD", str(ROOT / "build"))
KINDS = ("renew", "recertify", "amend", "transfer", "revoke", "resume", "destroy")


def sealctl_help(*words):
    return subprocess.run([f"{BUILD}/sealctl", *words, "--help"], check=True, text=True,
                          stdout=subprocess.PIPE).stdout


def verbs():
    """Every way to a help text: ("grant",), ("grant", "add"), ("apply", "renew"), ..."""
    for verb in re.findall(r"^  ([a-z][a-z-]*) {2,}\S", sealctl_help(), re.M):
        yield (verb,)
        if f"'sealctl {verb} VERB --help'" in sealctl_help(verb):
            for sub in re.findall(r"^  ([a-z][a-z-]*) {2,}\S", sealctl_help(verb), re.M):
                yield (verb, sub)
    yield from (("apply", kind) for kind in KINDS)


def options(text):
    return set(re.findall(r"^  (--[a-z-]+)", text, re.M))


def update(root, *arguments):
    return subprocess.run([f"{root}/docs/update-manual", *arguments], text=True,
                          env={**os.environ, "SEALSD_BUILD": os.path.abspath(BUILD)},
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_pages_say_what_the_code_says():
    done = update(ROOT, "--check")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page,old,new", [
    ("sealctl-seal.8", r"\fB\-\-purpose\fR", r"\fB\-\-purposes\fR"),
    ("sealctl-seal.8", "begin verb suspend\n", "begin verb suspended\n"),
    ("sealctl-verify.8", "certificate\\-in\\-seal", "certificate\\-inside"),
    ("sealctl-verify.8", "raw\\-signature", "bare\\-signature"),
    ("sealsd-roles.7", "approve\\-policy", "manage"),
    ("sealsd-procedures.7", "suspended", "active"),
    ("sealsd.conf.5", "1095", "1096"),
    ("org.sealsd1.5", "Initialize(a{sv} options)", "Initialize(s options)"),
    ("org.sealsd1.5", "org.sealsd1.Error.Revoked", "org.sealsd1.Error.Gone"),
])
def test_page_that_says_otherwise_is_noticed(tmp_path, page, old, new):
    for folder in ("docs", "units", "base", "format"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    path = tmp_path / "docs" / page
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    done = update(tmp_path, "--check")
    assert done.returncode == 1 and done.stderr, done


def test_every_verb_and_option_stands_on_a_page_that_people_can_read():
    """Not by the comments that update-manual goes by, but by the text as it is set."""
    text = "".join(subprocess.run(["man", "-E", "UTF-8", "-l", page], check=True, text=True,
                                  env={**os.environ, "MANWIDTH": "400"},
                                  stdout=subprocess.PIPE).stdout for page in PAGES)
    for words in verbs():
        if words in (("recall",), ("maker", "certify")):  # second names of surrender and of maker set
            continue
        section = re.search(rf"^   {' '.join(words)}$(.*?)(?=^   \S|^\S|\Z)", text, re.M | re.S)
        assert section, words
        for option in options(sealctl_help(*words)):
            assert re.search(rf"^ +{option}\b", section[1], re.M), (words, option)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_page_is_set_without_a_complaint(page):
    done = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", page], text=True,
                          env={**os.environ, "MANWIDTH": "80"}, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    lint = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", page], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert lint.stdout == "", lint.stdout


def test_pages_refer_to_pages_that_are_there():
    names = {p.name for p in PAGES}
    for page in PAGES:
        for name, section in re.findall(r"^\.BR ([a-z0-9\\.-]+) \((\d)\)", page.read_text(), re.M):
            name = name.replace("\\-", "-")
            if name.startswith(("sealctl", "sealsd", "org.")):
                assert f"{name}.{section}" in names, (page.name, name)


def test_every_page_is_installed():
    recipe = subprocess.run(["make", "-n", "-C", ROOT, "install", f"B={BUILD}"], text=True,
                            stdout=subprocess.PIPE).stdout
    for page in PAGES:
        assert f"644:docs/{page.name}:" in recipe, page.name


def test_configuration_s_page_has_the_keys_of_the_code():
    source = (ROOT / "sealsd/config.c").read_text()
    table = source[source.index("ConfigKey keys[]"):]
    table = table[:table.index("};\n")] if "};\n" in table else table
    keys = set(re.findall(r'(?:KEY|LIST)\("\w+", "(\w+)"', source))
    keys |= set(re.findall(r'\.name = "(\w+)"', table))
    page = (ROOT / "docs/sealsd.conf.5").read_text()
    assert keys and keys == set(re.findall(r"^\\fB(\w+)=\\fR$", page, re.M))


# --- the completion -------------------------------------------------------------------------------


def complete_all(box, lines):
    """What the completion offers for the last word of each line, which may be empty."""
    script = box.write("completion", (ROOT / "client/sealctl.bash-completion").read_bytes())
    commands = [f"source {script}"]
    for line in lines:
        words = line.split(" ")
        commands.append(f"COMP_WORDS=({' '.join(shlex.quote(w) for w in words)}); "
                        f"COMP_CWORD={len(words) - 1}; _sealctl; "
                        "echo \"${COMPREPLY[*]//$'\\n'/ }\"")
    return [set(out.split()) for out in box.ok("\n".join(commands)).splitlines()]


def complete(box, line):
    return complete_all(box, [line])[0]


def test_completion_offers_every_verb_and_option(shared):
    top = {words[0] for words in verbs()}
    assert complete_all(shared, ["sealctl ", "sealctl help "]) == [top | {"help"}, top]
    every = list(verbs())
    offered = complete_all(shared, [f"sealctl {' '.join(words)} -" for words in every])
    for words, found in zip(every, offered):
        assert found == options(sealctl_help(*words)) | {"--help", "--json", "--yes"}, words
    groups = sorted({words[0] for words in every if len(words) == 2})
    for group, found in zip(groups, complete_all(shared, [f"sealctl {group} " for group in groups])):
        assert found == {w[1] for w in every if w[0] == group and len(w) == 2}, group


def test_completion_offers_words_numbers_and_ids(shared):
    applicant = shared["SEAL_APPLICANT"]
    shared.ok("sealctl apply --name Completed --keeper root", applicant)
    seals = set(shared.ok("sealctl list | awk 'NR > 1 { print $1 }'").split())
    requests = set(shared.ok("sealctl requests | awk 'NR > 1 { print $1 }'").split())
    assert shared["SEAL"] in seals and requests
    for line in ("show", "sign", "suspend", "recall", "grant add", "apply renew", "audit could",
                 "state-at", "inspect", "export", "verify x --seal"):
        assert complete(shared, f"sealctl {line} ") == seals, line
    for line in ("request", "approve", "reject --key x", "cancel"):
        assert complete(shared, f"sealctl {line} ") == requests, line
    assert complete(shared, "sealctl list --state ") == {
        "made", "filed", "delivered", "active", "suspended", "lost", "surrendered", "revoked",
        "destroyed"}
    assert complete(shared, "sealctl requests --state a") == {"applied", "approved"}
    assert complete(shared, "sealctl requests --kind re") == {
        "renew", "recertify", "revoke", "resume", "review"}
    assert complete(shared, "sealctl verify --kind ") == {"cades", "eseal", "seal", "raw"}
    assert complete(shared, "sealctl sign 1 x --format ") == {"raw", "cades", "pades-cms", "eseal"}
    assert complete(shared, "sealctl request-use 1 --format p") == {"pades-cms", "pkcs10"}
    assert complete(shared, "sealctl crl --algorithm ") == {"ecdsa-p256", "sm2"}
    assert complete(shared, "sealctl apply --algorithm e") == {"ecdsa-p256", "ecdsa-p384"}
    assert complete(shared, "sealctl separation set s") == {"single", "strict"}
    assert applicant in complete(shared, f"sealctl deliver {shared['SEAL']} {applicant[:6]}")
    assert complete(shared, "sealctl sign --name ") == set()  # only the caller knows
