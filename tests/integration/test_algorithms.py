# SPDX-License-Identifier: Apache-2.0
"""Every algorithm from CreateSeal to revocation, its signatures verified with the openssl command."""

import json

import pytest

import inject
from conftest import Sandbox
from inject import Inject

ALGORITHMS = ["ecdsa-p256", "ecdsa-p384", "rsa-2048", "rsa-3072", "sm2"]
FEATURES = [*ALGORITHMS, "rsapss", "sha384", "sha512"]
OWN_HASH = {"ecdsa-p384": "sha384", "sm2": "sm3"}  # the others: sha256
SIZES = {"sha256": 32, "sha384": 48, "sha512": 64, "sm3": 32}
DISTID = "distid:1234567812345678"
TEST_PARMS = 0x18A

# (algorithm, hash or None, scheme or None); all that goes together is in test-tpm-algorithm.
COMBINATIONS = [*((a, None, None) for a in ALGORITHMS), ("ecdsa-p256", "sha512", None),
                ("ecdsa-p384", "sha256", None), ("rsa-2048", None, "rsapss"),
                ("rsa-2048", "sha384", "rsassa"), ("rsa-3072", "sha512", "rsapss"),
                ("sm2", "sm3", None)]


def make(box, algorithm, name=None, *more):
    data, error = box.manager("CreateSeal", "a{sv}", 2 + len(more) // 3, "name", "s",
                              name or algorithm, "algorithm", "s", algorithm, *more)
    assert data, error
    return data[0].rsplit("/", 1)[1]


@pytest.fixture(scope="module")
def seals():
    """(sandbox in single mode, one seal of each algorithm by name)"""
    box = Sandbox()
    box.ok("sealctl init --authority $SEAL_AUTHORITY --separation single")
    box.write("document", b"a document")
    box.write("other", b"another document")
    yield box, {a: make(box, a) for a in ALGORITHMS}
    assert box.close() == 0


def options(hash_word, scheme):
    pairs = [("hash", hash_word), ("scheme", scheme)]
    words = [w for k, v in pairs if v for w in (k, "s", v)]
    return [str(len(words) // 3), *words]


def openssl_options(algorithm, scheme):
    if algorithm == "sm2":
        return f"-sigopt {DISTID}"
    return "-sigopt rsa_padding_mode:pss" if scheme == "rsapss" else ""


def digest_of(box, seal, algorithm, hash_word):
    """As any caller makes it: with openssl, of DigestPrefix and the document."""
    prefix = box.write("prefix", bytes(box.seal_property(seal, "DigestPrefix")))
    word = hash_word or OWN_HASH.get(algorithm, "sha256")
    return box.run(f"cat {prefix} /run/test/document | openssl dgst -{word} -binary").bytes


def openssl_verifies(box, seal, algorithm, hash_word, scheme, document):
    word = hash_word or OWN_HASH.get(algorithm, "sha256")
    box.ok(f"cd /run/test; sealctl show {seal} --public-key > key.pem")
    done = box.run(f"cd /run/test; openssl dgst -{word} -verify key.pem "
                   f"{openssl_options(algorithm, scheme)} -signature signature {document}")
    assert (done.status == 0) == ("Verified OK" in done.stdout), done
    return done.status == 0


@pytest.mark.parametrize("algorithm,hash_word,scheme", COMBINATIONS)
def test_signature_by_busctl_is_verified_by_openssl(seals, algorithm, hash_word, scheme):
    box, numbers = seals
    seal = numbers[algorithm]
    digest = digest_of(box, seal, algorithm, hash_word)
    data, error = box.seal(seal, "Sign", "aya{sv}", len(digest), *digest,
                           *options(hash_word, scheme))
    assert data, error
    box.write("signature", bytes(data[0]))
    assert openssl_verifies(box, seal, algorithm, hash_word, scheme, "document")
    assert not openssl_verifies(box, seal, algorithm, hash_word, scheme, "other")


@pytest.mark.parametrize("algorithm,hash_word,scheme", COMBINATIONS)
def test_sealctl_signs_and_verifies(seals, algorithm, hash_word, scheme):
    box, numbers = seals
    seal = numbers[algorithm]
    words = (f" --hash {hash_word}" if hash_word else "") + (f" --scheme {scheme}" if scheme else "")
    out = box.ok(f"cd /run/test; rm -f document.sig; sealctl sign {seal} document {words}")
    # The command that it prints for others works as it stands.
    printed = [line.strip() for line in out.splitlines() if line.startswith("  ")]
    assert len(printed) == 2 and printed[1].startswith("openssl dgst"), out
    assert "Verified OK" in box.ok("cd /run/test; " + "; ".join(printed))
    for key in (f"--seal {seal}", f"--public-key {seal}.pem"):
        box.ok(f"cd /run/test; sealctl verify document {key} {words}")
        done = box.run(f"cd /run/test; sealctl verify other --signature document.sig {key} {words}")
        assert done.status == 10, done


def test_verify_takes_either_padding_unless_told(seals):
    box, numbers = seals
    seal = numbers["rsa-2048"]
    box.ok(f"cd /run/test; sealctl sign {seal} document --scheme rsapss")
    box.ok(f"cd /run/test; sealctl verify document --seal {seal}")
    done = box.run(f"cd /run/test; sealctl verify document --seal {seal} --scheme rsassa")
    assert done.status == 10, done


def test_verify_names_the_hash_and_how_to_try_another(seals):
    box, numbers = seals
    for algorithm, words, own in (("ecdsa-p256", "--hash sha512", "sha256"), ("sm2", "", "sm3")):
        seal = numbers[algorithm]
        box.ok(f"cd /run/test; sealctl sign {seal} document {words}; echo other > other")
        name = "other" if own == "sm3" else "document"
        done = box.run(f"cd /run/test; sealctl verify {name} --seal {seal} --signature document.sig")
        assert done.status == 10 and f"with {own}" in done.stderr, done
        assert ("--hash tries another" in done.stderr) == (own != "sm3"), done


def test_digest_that_sealctl_is_given_has_the_algorithms_size(seals):
    box, numbers = seals
    digest = digest_of(box, numbers["sm2"], "sm2", None)
    box.ok(f"cd /run/test; sealctl sign {numbers['sm2']} --digest {digest.hex()} --output signature")
    assert openssl_verifies(box, numbers["sm2"], "sm2", None, None, "document")
    done = box.run(f"cd /run/test; sealctl sign {numbers['ecdsa-p384']} --digest {digest.hex()} "
                   "--output signature")
    assert done.status == 2 and "96 hex digits for sha384" in done.stderr, done


def test_sm2_verifies_as_raw_input_too(seals):
    box, numbers = seals
    box.ok(f"cd /run/test; sealctl sign {numbers['sm2']} document; "
           f"sealctl show {numbers['sm2']} --public-key > key.pem; "
           f"openssl pkeyutl -verify -pubin -inkey key.pem -rawin -digest sm3 -pkeyopt {DISTID} "
           f"-in document -sigfile document.sig")


def test_only_sm2_has_a_digest_prefix(seals):
    box, numbers = seals
    for algorithm, seal in numbers.items():
        prefix = box.seal_property(seal, "DigestPrefix")
        assert len(prefix) == (32 if algorithm == "sm2" else 0)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_wrong_sizes_hashes_and_schemes_are_refused_by_name(seals, algorithm):
    box, numbers = seals
    path = f"/org/sealsd1/seal/{numbers[algorithm]}"

    def refused(size, *words):
        return box.error(path, "Seal", "Sign", "aya{sv}", str(size), *["1"] * size, *words)

    size = SIZES[OWN_HASH.get(algorithm, "sha256")]
    uses = box.seal_property(numbers[algorithm], "UseCount")
    for wrong in (0, size - 1, 64):
        assert refused(wrong, "0") == "InvalidArgs"
    foreign = "sha256" if algorithm == "sm2" else "sm3"
    assert refused(32, "1", "hash", "s", foreign) == "InvalidArgs"
    assert refused(size, "1", "scheme", "s", "ecdsa") == "InvalidArgs"
    if not algorithm.startswith("rsa"):
        assert refused(size, "1", "scheme", "s", "rsapss") == "InvalidArgs"
    assert box.seal_property(numbers[algorithm], "UseCount") == uses
    assert refused(size, "0") == "ok"


def test_features_are_told_to_everybody(seals):
    box, _ = seals
    assert box.manager_property("Features", "seal-stranger") == FEATURES
    assert box.manager("GetStatus")[0][0]["features"]["data"] == FEATURES
    for user in (None, "seal-stranger"):
        assert "ecdsa-p384, rsa-2048" in box.ok("sealctl status", user)


def test_algorithm_of_a_seal_is_shown(seals):
    box, numbers = seals
    for algorithm, seal in numbers.items():
        assert box.seal_property(seal, "Algorithm") == algorithm
        assert algorithm in box.ok(f"sealctl show {seal}")


def test_machine_state_and_revocation_bind_every_algorithm(seals):
    """Stands last: nothing signs with these seals afterwards."""
    box, numbers = seals

    def sign(algorithm):
        size = SIZES[OWN_HASH.get(algorithm, "sha256")]
        return box.error(f"/org/sealsd1/seal/{numbers[algorithm]}", "Seal", "Sign", "aya{sv}",
                         str(size), *["1"] * size, "0")

    box.pcr_extend(7)
    assert {a: sign(a) for a in ALGORITHMS} == dict.fromkeys(ALGORITHMS, "MachineStateRefused")
    box.ok("sealctl machine-state approve --authority $SEAL_AUTHORITY --yes")
    assert {a: sign(a) for a in ALGORITHMS} == dict.fromkeys(ALGORITHMS, "ok")
    for algorithm in ALGORITHMS:
        data, error = box.seal(numbers[algorithm], "Revoke", "s", "over")
        assert data is not None, error
    assert {a: sign(a) for a in ALGORITHMS} == dict.fromkeys(ALGORITHMS, "Revoked")


# --- a chip that lacks something ------------------------------------------------------------------

# Part 2 §12.2.3.6 as TPM2_TestParms has it: symmetric NULL, scheme SM2, SHA-256, curve SM2_P256; and
# in place of the curve one that no chip has.
SM2_PARAMETERS = bytes.fromhex("0010001b000b0020")
NO_CURVE = bytes.fromhex("0010001b000b7fff")


@pytest.fixture
def without_sm2(new_sandbox, tmp_path):
    """(sandbox, an SM2 seal of a time when the chip had SM2)"""
    box = new_sandbox(inject=Inject(tmp_path / "control"))
    box.ok("sealctl init --authority $SEAL_AUTHORITY --separation single")
    seal = make(box, "sm2")
    box.ctl("stop")
    box.inject.arm(inject.COMMAND, how=inject.REPLACE, only=TEST_PARMS, lasting=True,
                   pattern=SM2_PARAMETERS, replacement=NO_CURVE)
    box.ctl("start")
    return box, seal


def test_what_the_chip_lacks_is_unsupported_by_name_and_no_feature(without_sm2):
    box, seal = without_sm2
    have = [f for f in FEATURES if f != "sm2"]
    assert box.manager_property("Features") == have
    for member in ("Apply", "CreateSeal"):
        words = ["a{sv}", "2", "name", "s", "x", "algorithm", "s", "sm2"]
        done = box.run(["/usr/bin/python3", box.call_error, "/org/sealsd1", "org.sealsd1.Manager",
                        member, *words])
        assert done.stdout.strip() == "Unsupported", done
        assert "sm2" in done.stderr and ", ".join(have) in done.stderr, done
    done = box.run(["/usr/bin/python3", box.call_error, f"/org/sealsd1/seal/{seal}",
                    "org.sealsd1.Seal", "Sign", "aya{sv}", "32", *["1"] * 32, "0"])
    assert done.stdout.strip() == "Unsupported" and "sm2" in done.stderr, done
    assert box.seal_property(seal, "WhyNot").startswith("Unsupported: ")
    assert box.seal_property(seal, "UseCount") == 0
    assert box.sign(make(box, "ecdsa-p256"))[0]


def test_features_stay_while_the_chip_is_away_and_follow_it_when_it_is_back(without_sm2):
    box, _seal = without_sm2
    other = make(box, "ecdsa-p256")
    have = box.manager_property("Features")
    signals = box.watch(subscribe=False)
    box.inject.disarm()
    box.inject.arm(inject.COMMAND, how=inject.LOSE_COMMAND, lasting=True)
    assert "reached" in box.sign(other)[1]
    assert signals.signal("PropertiesChanged")["body"][1]["State"] == ["s", "no-tpm"]
    assert box.manager_property("Features") == have
    box.inject.disarm()
    changed = {}
    while "Features" not in changed:
        changed = signals.signal("PropertiesChanged")["body"][1]
    assert changed["Features"][1] == FEATURES == box.manager_property("Features")


# --- keys that take long --------------------------------------------------------------------------


def until_answered(box, *words, user=None):
    """Call with far too little patience, again and again: (answer, how many calls gave up)."""
    for tries in range(1000):
        done = box.run(["busctl", "--json=short", "--timeout=100ms", "call", "--", "org.sealsd1",
                        *words], user)
        if done.status == 0:
            return json.loads(done.stdout)["data"][0], tries
        assert "timed out" in done.stderr or "too many" in done.stderr, done
    raise AssertionError("no answer")


def one_seal_is_there(box, path):
    assert [row[1] for row in box.manager("ListSeals", "a{sv}", 0)[0][0]] == [path]
    status = box.manager("GetStatus")[0][0]
    assert status["capacity-used"]["data"] == status["seals"]["data"] == 1


def hold(box, then):
    """Let the chip stand still until a call gave up."""
    box.ok("kill -STOP $(cat /run/sealsd-sandbox/swtpm.pid)")
    done = then()
    assert "timed out" in done.stderr, done
    box.ok("kill -CONT $(cat /run/sealsd-sandbox/swtpm.pid)")


def test_make_repeated_after_timeouts_makes_one_key(new_sandbox):
    box = new_sandbox()
    box.ok("sealctl init --authority $SEAL_AUTHORITY --separation strict")
    request, error = box.manager("Apply", "a{sv}", 2, "name", "s", "Slow", "algorithm", "s",
                                 "rsa-3072", user=box["SEAL_APPLICANT"])
    assert request, error
    number = request[0].rsplit("/", 1)[1]
    assert box.request(number, "Approve", "sa{sv}", "fine", 0, user=box["SEAL_REVIEWER"])[1] == ""
    call = [request[0], "org.sealsd1.Request", "Make"]
    hold(box, lambda: box.run(["busctl", "--timeout=100ms", "call", "--", "org.sealsd1", *call],
                              box["SEAL_MAKER"]))
    path, _ = until_answered(box, *call, user=box["SEAL_MAKER"])
    one_seal_is_there(box, path)
    assert until_answered(box, *call, user=box["SEAL_MAKER"])[0] == path
    assert box.property(request[0], "Request", "State") == "completed"


def test_create_seal_repeated_after_timeouts_makes_one_key(new_sandbox):
    box = new_sandbox()
    box.ok("sealctl init --authority $SEAL_AUTHORITY --separation single")
    call = ["/org/sealsd1", "org.sealsd1.Manager", "CreateSeal", "a{sv}", "3", "name", "s", "Slow",
            "algorithm", "s", "rsa-2048", "token", "s", "once"]
    hold(box, lambda: box.run(["busctl", "--timeout=100ms", "call", "--", "org.sealsd1", *call]))
    path, _ = until_answered(box, *call)
    one_seal_is_there(box, path)
    assert until_answered(box, *call)[0] == path
