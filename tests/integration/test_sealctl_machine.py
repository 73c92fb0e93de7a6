# SPDX-License-Identifier: Apache-2.0
"""sealctl's verbs for what holds for all seals of the machine."""

import json


def capacity(box):
    return json.loads(box.ok("sealctl --json status"))["capacity"]


def test_capacity_grows_with_the_authority_at_hand_or_later(sandbox):
    before = capacity(sandbox)
    out = sandbox.ok("sealctl capacity extend 10 --authority $SEAL_AUTHORITY")
    assert "10 more seals" in out
    grown = capacity(sandbox)
    assert grown >= before + 10
    assert "authority answer" in sandbox.ok("sealctl capacity extend 64")
    sandbox.ok("sealctl authority answer --key $SEAL_AUTHORITY")
    assert capacity(sandbox) == grown + 64


def test_capacity_for_machine_states_alone_does_not_speak_of_room_for_no_seals(sandbox):
    before = capacity(sandbox)
    out = sandbox.ok("sealctl capacity extend 0 --machine-states --authority $SEAL_AUTHORITY")
    assert "can be retired" in out and "more seals" not in out
    assert capacity(sandbox) == before


def test_capacity_is_measured_and_shown(sandbox):
    before = capacity(sandbox)
    sandbox.ok("sealctl capacity extend 200 --measure")
    assert capacity(sandbox) == before
    assert "Room for more indices" in sandbox.ok("sealctl status")


def test_words_that_are_no_capacity_or_mode_are_refused_here(shared):
    for words in ("capacity extend 0", "capacity extend many", "capacity extend", "separation set triple",
                  "capacity extend 1 --resident --authority x", "separation set dual --passphrase-file x"):
        assert shared.run(f"sealctl {words}").status == 2, words


def test_separation_is_shown_to_everybody(shared):
    assert shared.ok("sealctl separation show", shared["SEAL_APPLICANT"]) == "dual\n"
