# SPDX-License-Identifier: Apache-2.0
"""What an application says of a seal's holder, from the applicant's words to the seal's facts."""

import json

import pytest


def described(box, what, user=None):
    return json.loads(box.ok(f"sealctl --json {what}", user))


def applied(box, words):
    return described(box, f"apply {words}", box["SEAL_APPLICANT"])["id"]


def approved(box, request):
    box.ok(f"sealctl approve {request} --comment seen", box["SEAL_REVIEWER"])
    return described(box, f"request {request}")["seal"]


def test_country_and_identifier_are_the_seals_and_its_renewals(shared):
    request = applied(shared, "--name Held --keeper root --country BE "
                      "--organization-identifier VATBE-0123456789")
    asked = described(shared, f"request {request}")["application"]
    assert asked["country"] == "BE" and asked["organization-identifier"] == "VATBE-0123456789"
    number = approved(shared, request)
    shared.ok(f"sealctl accept {number}")
    seal = described(shared, f"show {number}")
    assert seal["country"] == "BE" and seal["organization-identifier"] == "VATBE-0123456789"
    renewal = described(shared, f"apply renew {number} --reason moved --country FR")["id"]
    asked = described(shared, f"request {renewal}")["application"]
    assert asked["country"] == "FR" and asked["organization-identifier"] == "VATBE-0123456789"


def test_what_is_not_said_stands_nowhere(shared):
    number = approved(shared, applied(shared, "--name Unsaid --keeper root"))
    assert not {"country", "organization-identifier"} & set(described(shared, f"show {number}"))


@pytest.mark.parametrize("words", ["--country be", "--country BEL", "--country 12",
                                   "--organization-identifier 'VAT BE'",
                                   f"--organization-identifier {'x' * 65}"])
def test_what_no_certificate_can_say_is_refused(shared, words):
    done = shared.run(f"sealctl apply --name Wrong --keeper root {words}", shared["SEAL_APPLICANT"])
    assert done.status == 2 and words.split()[0].strip("-") in done.stderr, done
