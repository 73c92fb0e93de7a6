# SPDX-License-Identifier: Apache-2.0
"""ExtendCapacity: more revocation indices in the chip, all that were asked for or none."""

import re

import pytest
from arrows import PASSPHRASE, look

FIRST = 62  # what one index holds beside the maker's bits
RESIDENT = "sealctl init --resident --separation single --capacity 62 --passphrase-file /run/test/passphrase"


def status(box):
    return {key: value["data"] for key, value in box.manager("GetStatus")[0][0].items()}


def extend(box, seals, *options, user=None):
    return box.manager("ExtendCapacity", "ua{sv}", seals, len(options),
                       *(word for option in options for word in option), user=user)


def extend_error(box, seals, *options, user=None):
    """The error's name."""
    words = [word for option in options for word in option]
    return box.error("/org/sealsd1", "Manager", "ExtendCapacity", "ua{sv}", str(seals),
                     str(len(options)), *words,
                     user=user)


def handles(box):
    return set(re.findall(r"0x\w+", box.ok("tpm2_getcap handles-nv-index")))


def create(box, name):
    data, error = box.manager("CreateSeal", "a{sv}", 1, "name", "s", name)
    assert data, error
    return data[0].rsplit("/", 1)[1]


@pytest.fixture
def single(bare):
    """One index, an authority apart."""
    bare.ok("sealctl init --authority $SEAL_AUTHORITY --separation single --capacity 62")
    return bare


@pytest.fixture
def resident(bare):
    bare.write("passphrase", PASSPHRASE)
    bare.ok(RESIDENT)
    return bare


def test_a_register_without_a_bit_left_goes_on_after_the_extension(single):
    for i in range(FIRST):
        create(single, f"seal {i}")
    assert "apacity" in single.manager("CreateSeal", "a{sv}", 1, "name", "s", "one more")[1]
    assert any("bits" in text for text in status(single)["attention"])

    data, error = extend(single, 1)
    assert data == [], error
    [[challenge]] = single.manager("ListChallenges")[0]
    assert challenge[1] == "index" and len(challenge[2]) == 100
    # Not before the authority has answered.
    assert status(single)["capacity"] == FIRST and status(single)["state"] == "ready"
    assert single.manager("CreateSeal", "a{sv}", 1, "name", "s", "one more")[0] is None

    single.ok("sealctl authority answer --key $SEAL_AUTHORITY")
    assert status(single)["capacity"] == FIRST + 64
    assert single.manager("ListChallenges")[0] == [[]]
    number = create(single, "one more")
    assert single.sign(number)[0]
    assert single.seal(number, "Revoke", "s", "over")[0] is not None
    assert single.error(f"/org/sealsd1/seal/{number}", "Seal", "Sign", "aya{sv}", "32", *["7"] * 32,
                        "0") == "Revoked"
    [old, new] = status(single)["indices"]
    assert old[1:] == [64, 64] and new[1] >= 1


def test_a_resident_authority_answers_at_once_with_its_passphrase(resident):
    assert extend_error(resident, 100) == "PinRequired"
    assert extend_error(resident, 100, ("passphrase", "s", PASSPHRASE + "r")) == "WrongPin"
    # What the wrong one left is used by the right one, and the chip's indices do not pile up.
    data, error = extend(resident, 100, ("passphrase", "s", PASSPHRASE))
    assert data == [], error
    assert status(resident)["capacity"] == FIRST + 2 * 64
    assert len(status(resident)["indices"]) == 3
    assert len(handles(resident)) == 4
    assert resident.manager("ListChallenges")[0] == [[]]
    assert resident.sign(create(resident, "still"))[0]


def test_an_owner_auth_of_another_program_has_to_be_given(single):
    single.ok("tpm2_changeauth -c owner other")
    assert extend_error(single, 1) == "PinRequired"
    assert extend_error(single, 1, ("owner-auth", "s", "wrong")) == "WrongPin"
    assert extend(single, 1, ("owner-auth", "s", "other"))[0] == []
    single.ok("sealctl authority answer --key $SEAL_AUTHORITY")
    assert status(single)["capacity"] == FIRST + 64


# Ordinary indices until nothing fits, the large ones first; the small ones make room again for ours.
FILL = """
import subprocess
made, size = [], 2048
while size >= 8:
    done = subprocess.run(["tpm2_nvdefine", "-s", str(size), hex(0x01500000 + len(made))],
                          capture_output=True)
    if done.returncode == 0:
        made.append(hex(0x01500000 + len(made)))
    else:
        size //= 2
for handle in made[-2:]:
    subprocess.run(["tpm2_nvundefine", handle], check=True, capture_output=True)
"""


def test_a_chip_without_room_is_told_how_many_fit_and_nothing_changes(single):
    single.ok(["/usr/bin/python3", "-c", FILL])
    before, rows = handles(single), look(single)["indices"]
    assert extend_error(single, 20 * 64) == "TpmFull"
    text = extend(single, 20 * 64)[1]
    room = status(single)["room-indices"]
    assert 0 < room < 20 and status(single)["room-exact"] and f"room for {room} more" in text
    assert handles(single) == before
    assert look(single)["indices"] == rows
    assert status(single)["capacity"] == FIRST and status(single)["state"] == "ready"

    assert extend(single, room * 64)[0] == []
    single.ok("sealctl authority answer --key $SEAL_AUTHORITY")
    assert status(single)["capacity"] == FIRST + 64 * room
    assert extend_error(single, 1) == "TpmFull"
    assert single.sign(create(single, "still"))[0]


def test_room_is_measured_without_a_change(single):
    before, rows = handles(single), look(single)["indices"]
    assert "room-measured" not in status(single)
    assert extend(single, 5 * 64, ("measure", "b", "true"))[0] == []
    now = status(single)
    assert (now["room-indices"], now["room-exact"]) == (5, False) and now["room-measured"] > 0
    assert handles(single) == before and look(single)["indices"] == rows
    assert single.manager("ListChallenges")[0] == [[]]


def test_more_than_an_installation_may_have_is_refused_before_anything_changes(single):
    before = handles(single)
    assert extend_error(single, 32 * 64) == "LimitsExceeded"
    assert extend_error(single, 2**32 - 1) == "LimitsExceeded"
    assert extend_error(single, 0) == "InvalidArgs"
    assert extend_error(single, 1, ("passphrase", "s", "x")) == "InvalidArgs"
    assert handles(single) == before


def test_only_administrators_extend_and_only_what_is_initialized(bare):
    assert extend_error(bare, 1) == "NotInitialized"
    for user in ("seal-applicant", "seal-reviewer", "seal-maker", "seal-auditor"):
        assert extend_error(bare, 1, user=user) == "AccessDenied"
