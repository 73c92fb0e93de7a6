# SPDX-License-Identifier: Apache-2.0
"""Seals with a PIN, by sealctl, as their keepers."""

import json

import pytest
from test_pin import dictionary_attack

PIN, NEW, WRONG = "4711", "correct horse battery", "0815"


@pytest.fixture(scope="module")
def files(shared):
    """{PIN: a file that has it}"""
    return {pin: shared.write(f"pin-{i}", pin + "\n") for i, pin in enumerate((PIN, NEW, WRONG))}


@pytest.fixture(autouse=True)
def tries(shared):
    """The simulator gives three, and each test has wrong ones of its own."""
    yield
    dictionary_attack(shared, "-c")


def delivered(box, words="", keeper="SEAL_KEEPER"):
    request = json.loads(box.ok(f"sealctl --json apply --name Secret --keeper {box[keeper]} --pin {words}",
                                box["SEAL_APPLICANT"]))["id"]
    return json.loads(box.ok(f"sealctl --json approve {request}", box["SEAL_REVIEWER"]))["seal"]


@pytest.fixture(scope="module")
def number(shared, files):
    number = delivered(shared)
    assert "--ask-pin" in shared.ok(f"sealctl accept {number} --pin-file {files[PIN]}", shared["SEAL_KEEPER"])
    return number


def sign(box, number, words, status=0):
    box.ok("install -d -m 1777 /run/test; echo text > /run/test/doc; chmod 644 /run/test/doc")
    done = box.run(f"sealctl sign {number} /run/test/doc -o /run/test/$(id -un).sig {words}", box["SEAL_KEEPER"])
    assert done.status == status, done
    return done


def test_keeper_sets_the_pin_and_signs_with_it(shared, files, number):
    keeper = shared["SEAL_KEEPER"]
    assert "PIN: yes" in shared.ok(f"sealctl show {number}", keeper)
    assert "FILE --ask-pin" in shared.ok(f"sealctl why {number}", keeper)
    sign(shared, number, f"--pin-file {files[PIN]}")
    shared.ok(f"sealctl show {number} --public-key > /run/test/pin.pem; sealctl verify /run/test/doc "
              f"--public-key /run/test/pin.pem --signature /run/test/{keeper}.sig")


def test_refusals_of_a_pin_say_what_to_do(shared, files, number):
    assert "--ask-pin" in sign(shared, number, "", status=3).stderr
    done = sign(shared, number, f"--pin-file {files[WRONG]}", status=3)
    assert "wrong try" in done.stderr and "left" in done.stderr, done
    assert "terminal" in sign(shared, number, f"--pin-file {files[PIN]} --ask-pin", status=2).stderr
    assert sign(shared, number, "--pin-file /nowhere", status=4)
    sign(shared, number, f"--pin-file {files[PIN]}")


def test_seal_with_a_pin_is_not_accepted_without_one(shared, files):
    keeper, number = shared["SEAL_KEEPER"], delivered(shared)
    done = shared.run(f"sealctl accept {number}", keeper)
    assert done.status == 3 and "--ask-pin" in done.stderr, done
    short = shared.write("short", "1\n")
    assert shared.run(f"sealctl accept {number} --pin-file {short}", keeper).status == 2
    assert "active" in shared.ok(f"sealctl accept {number} --pin-file {files[NEW]}", keeper)


@pytest.mark.alone
def test_pin_is_typed_twice_where_it_is_new(shared):
    keeper, number = shared["SEAL_KEEPER"], delivered(shared)
    shared.ok(f"(sleep 0.5; echo {PIN}; sleep 0.5; echo {PIN}) | "
              f"script -qec 'sealctl accept {number} --ask-pin' /dev/null", keeper)
    typed = shared.run(f"(sleep 0.5; echo {PIN}) | script -qec 'sealctl sign {number} /etc/hostname "
                       "-o /run/test/typed.sig --ask-pin' /dev/null", keeper)
    assert typed.status == 0 and "PIN of the seal" in typed.stdout and PIN not in typed.stdout, typed


def test_a_pin_that_nobody_types_is_not_called_a_passphrase(shared, number):
    done = shared.run(f"setsid -w sealctl change-pin {number} < /dev/null", shared["SEAL_KEEPER"])
    assert done.status == 2 and "nothing usable was typed" in done.stderr, done
    assert "Hint: add --help" in done.stderr, done


def test_pin_is_changed_with_the_old_one(shared, files, number):
    keeper = shared["SEAL_KEEPER"]
    done = shared.run(f"sealctl change-pin {number} --old-pin-file {files[WRONG]} --new-pin-file {files[NEW]}",
                      keeper)
    assert done.status == 3 and "left" in done.stderr, done
    out = shared.ok(f"sealctl change-pin {number} --old-pin-file {files[PIN]} --new-pin-file {files[NEW]}", keeper)
    assert "is changed\nNext: " in out
    sign(shared, number, f"--pin-file {files[PIN]}", status=3)
    sign(shared, number, f"--pin-file {files[NEW]}")
    told = json.loads(shared.ok(f"sealctl --json change-pin {number} --old-pin-file {files[NEW]} "
                                f"--new-pin-file {files[PIN]}", keeper))
    assert told == {"changed": number}


def test_many_files_are_signed_with_one_pin(shared, files, number):
    keeper = shared["SEAL_KEEPER"]
    shared.ok("install -d -m 1777 /run/test/many; cd /run/test/many; echo a > a; echo b > b", keeper)
    done = shared.run(f"cd /run/test/many; sealctl sign-many {number} a b", keeper)
    assert done.status == 3 and "--ask-pin" in done.stderr, done
    assert "Signed 2 files" in shared.ok(
        f"cd /run/test/many; sealctl sign-many {number} a b --pin-file {files[PIN]}", keeper)


def test_next_keeper_gives_the_pin_of_the_one_before(shared, files):
    first, second = shared["SEAL_KEEPER"], shared["SEAL_STRANGER"]
    number = delivered(shared)
    shared.ok(f"sealctl accept {number} --pin-file {files[PIN]}", first)
    request = json.loads(shared.ok(f"sealctl --json apply transfer {number} --keeper {second} --reason moved",
                                   first))["id"]
    shared.ok(f"sealctl approve {request}", shared["SEAL_REVIEWER"])
    done = shared.run(f"sealctl accept {number} --pin-file {files[NEW]}", second)
    assert done.status == 3 and "--ask-old-pin" in done.stderr, done
    shared.ok(f"sealctl accept {number} --pin-file {files[NEW]} --old-pin-file {files[PIN]}", second)
    shared.ok(f"sealctl sign {number} /etc/hostname -o /run/test/second.sig --pin-file {files[NEW]}", second)


@pytest.mark.parametrize("live", [False, True])
def test_pin_and_approvers_go_together(shared, files, live):
    keeper, approver = shared["SEAL_KEEPER"], shared["SEAL_MAKER"]
    shared.ok("install -d -m 1777 /run/test/keys; cd /run/test/keys; test -e pin.pem || { umask 077; openssl "
              "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out pin.pem; umask 022; openssl pkey "
              "-in pin.pem -pubout -out pin.pub; }", approver)
    number = delivered(shared, f"--approver {approver}=/run/test/keys/pin.pub")
    assert "request-use" in shared.ok(f"sealctl accept {number} --pin-file {files[PIN]}", keeper)
    document = shared.write("both.txt", "We agree.\n")
    if live:
        done = shared.run(f"sealctl request-use {number} {document} --live", keeper)
        assert done.status == 3 and "--ask-pin" in done.stderr, done
    else:
        done = shared.run(f"sealctl request-use {number} {document} --pin-file {files[PIN]}", keeper)
        assert done.status == 2 and "collect" in done.stderr, done
    words = f"--live --pin-file {files[PIN]}" if live else ""
    request = json.loads(shared.ok(f"sealctl --json request-use {number} {document} {words}", keeper))["id"]
    shared.ok(f"sealctl --yes approve-use {request} --key /run/test/keys/pin.pem --document {document}", approver)
    if not live:
        done = shared.run(f"sealctl collect {request} -o /run/test/both.sig", keeper)
        assert done.status == 3 and "--ask-pin" in done.stderr, done
        done = shared.run(f"sealctl collect {request} -o /run/test/both.sig --pin-file {files[WRONG]}", keeper)
        assert done.status == 3 and "left" in done.stderr, done
    words = "" if live else f"--pin-file {files[PIN]}"
    shared.ok(f"sealctl collect {request} -o /run/test/both.{live} {words}", keeper)
    shared.ok(f"sealctl show {number} --public-key > /run/test/both.pem; openssl dgst -sha256 -verify "
              f"/run/test/both.pem -signature /run/test/both.{live} {document}")


def test_lockout_says_how_long_and_seals_without_a_pin_go_on(shared, files, number):
    dictionary_attack(shared, "-s", "-n", "1", "-t", "1000", "-l", "1000")
    try:
        sign(shared, number, f"--pin-file {files[WRONG]}", status=3)
        done = sign(shared, number, f"--pin-file {files[PIN]}", status=8)
        assert "the right one is refused as well" in done.stderr, done
        assert shared.run(f"sealctl why {number}", shared["SEAL_KEEPER"]).status == 8
        shared.ok("sealctl sign $SEAL /etc/hostname -o /run/test/free.sig")
    finally:
        dictionary_attack(shared, "-c")
        dictionary_attack(shared, "-s", "-n", "32", "-t", "1000", "-l", "1000")
    sign(shared, number, f"--pin-file {files[PIN]}")
