# SPDX-License-Identifier: Apache-2.0
"""The second gate: a local rule has its say, and where polkit says nothing the answer is no."""

import json
import pathlib

import pytest

SILENT = pathlib.Path(__file__).with_name("silent_polkit.py")
COMMON = ". /run/sealsd-sandbox/lib/common.sh"
APPLY = ["/org/sealsd1", "Manager", "Apply", "a{sv}", "2", "name", "s", "Seal", "type", "s"]


def with_rule(box, body):
    """polkit started anew with a local rule before all others."""
    box.ok("cat > /etc/polkit-1/rules.d/10-test.rules",
           data=f"polkit.addRule(function(action, subject) {{ {body} }});\n")
    box.ok(f"{COMMON}; end_process polkitd TERM; "
           f"bus-wait --gone $patience org.freedesktop.PolicyKit1; "
           "start_polkitd; "
           "wait_service polkitd org.freedesktop.PolicyKit1")


@pytest.fixture
def silent(sandbox):
    """polkit replaced by one that listens and never answers: its output."""
    sandbox.ok(f"{COMMON}; end_process polkitd TERM")
    pipe = sandbox.pipe(["/usr/bin/python3", "-c", SILENT.read_text()], "polkitd")
    assert json.loads(pipe.line()) == {"ready": True}
    yield pipe
    pipe.kill()


def test_local_rule_sees_type_and_kind_of_an_application(shared):
    with_rule(shared, """if (action.id == "org.sealsd1.apply" && action.lookup("kind") == "make" &&
                              action.lookup("type") == "finance") return polkit.Result.NO;""")
    user = shared["SEAL_APPLICANT"]
    assert shared.error(*APPLY, "finance", user=user) == "AccessDenied"
    assert shared.error(*APPLY, "contract", user=user) == "ok"


def test_local_rule_sees_the_number_of_the_seal(shared):
    other = shared.make_seal("Another")
    with_rule(shared, f"""if (action.id == "org.sealsd1.manage" &&
                               action.lookup("seal") == "{shared['SEAL']}" &&
                               action.lookup("type") == "other") return polkit.Result.NO;""")
    call = ["Seal", "Revoke", "s", "no longer needed"]
    user = shared["SEAL_ADMIN"]
    assert shared.error(f"/org/sealsd1/seal/{shared['SEAL']}", *call, user=user) == "AccessDenied"
    assert shared.error(f"/org/sealsd1/seal/{other}", *call, user=user) == "ok"


def test_local_rule_sees_what_is_applied_for_about_a_seal_and_approved(shared):
    with_rule(shared, """if (action.lookup("kind") == "revoke" && action.lookup("type") == "other")
                             return polkit.Result.NO;""")
    number = shared.make_seal("Ruled")
    call = [f"/org/sealsd1/seal/{number}", "Seal", "Apply", "sa{sv}"]
    why = ["reason", "s", "as decided"]
    user = shared["SEAL_ADMIN"]
    assert shared.error(*call, "revoke", "1", *why, user=user) == "AccessDenied"
    assert shared.error(*call, "amend", "2", *why, "use-limit", "t", "9", user=user) == "ok"
    data, error = shared.seal(number, "Apply", "sa{sv}", "revoke", 1, *why)  # as its keeper
    assert data, error
    assert shared.error(data[0], "Request", "Approve", "sa{sv}", "seen", "0",
                        user=shared["SEAL_REVIEWER"]) == "AccessDenied"


def test_polkit_cannot_give_what_the_roles_do_not(shared):
    with_rule(shared, "return polkit.Result.YES;")
    assert shared.error(*APPLY, "other", user=shared["SEAL_STRANGER"]) == "AccessDenied"


def test_question_without_an_agent_asks_for_interaction(shared):
    with_rule(shared, "return polkit.Result.AUTH_ADMIN;")
    assert shared.error(*APPLY, "other", user=shared["SEAL_APPLICANT"]) == (
        "InteractiveAuthorizationRequired")
    _, error = shared.bus(*APPLY, "other", user=shared["SEAL_APPLICANT"])
    assert "authorization" in error.lower() or "authentication" in error.lower(), error


def test_keepers_sign_without_polkit(sandbox):
    sandbox.ok(f"{COMMON}; end_process polkitd TERM")
    assert sandbox.sign(sandbox["SEAL"])[0]


def test_polkit_that_is_gone_means_no_and_is_named(sandbox):
    sandbox.ok(f"{COMMON}; end_process polkitd TERM; "
               "bus-wait --gone $patience org.freedesktop.PolicyKit1")
    path, interface, *rest = APPLY
    done = sandbox.run(["/usr/bin/python3", sandbox.call_error, path, f"org.sealsd1.{interface}", *rest,
                        "other"], sandbox["SEAL_APPLICANT"])
    assert done.stdout.strip() == "AccessDenied", done
    assert "polkit" in done.stderr


def test_polkit_that_dies_with_a_question_open_means_no(sandbox, silent):
    number = sandbox.start(["busctl", "call", "--", "org.sealsd1", "/org/sealsd1",
                            "org.sealsd1.Manager", "Apply", "a{sv}", "1", "name", "s", "Seal"],
                           sandbox["SEAL_APPLICANT"])
    assert json.loads(silent.line())["ask"] == "org.sealsd1.apply"
    silent.kill()
    done = sandbox.finish(number)
    assert done.status != 0 and "denied" in done.stderr.lower(), done


def test_prompting_is_allowed_only_when_the_message_allows_it(sandbox, silent):
    for allowed in ("yes", "no"):
        call = sandbox.pipe(["busctl", f"--allow-interactive-authorization={allowed}", "call", "--",
                             "org.sealsd1", "/org/sealsd1", "org.sealsd1.Manager", "Apply", "a{sv}",
                             "1", "name", "s", "Seal"], sandbox["SEAL_APPLICANT"])
        question = json.loads(silent.line())
        assert question["subject"] == "system-bus-name"
        assert question["details"] == {"type": "other", "kind": "make"}
        assert question["flags"] == (1 if allowed == "yes" else 0)
        call.kill()
        assert json.loads(silent.line()) == {"cancel": question["number"]}


def test_caller_gone_while_polkit_asks_withdraws_the_question_and_does_nothing(sandbox, silent):
    call = sandbox.pipe(["busctl", "call", "--", "org.sealsd1",
                         f"/org/sealsd1/seal/{sandbox['SEAL']}", "org.sealsd1.Seal", "Revoke", "s", "changed my mind"],
                        sandbox["SEAL_ADMIN"])
    question = json.loads(silent.line())
    assert question["details"] == {"seal": sandbox["SEAL"], "type": "other"}
    call.kill()
    assert json.loads(silent.line()) == {"cancel": question["number"]}
    assert sandbox.seal_property(sandbox["SEAL"], "State") == "active"
    assert sandbox.sign(sandbox["SEAL"])[0]


def test_calls_that_wait_are_bounded_per_user(sandbox, silent):
    script = """
import sys
from jeepney import DBusAddress, new_method_call, MessageType
from jeepney.io.blocking import open_dbus_connection
manager = DBusAddress("/org/sealsd1", bus_name="org.sealsd1", interface="org.sealsd1.Manager")
with open_dbus_connection("SYSTEM") as bus:
    for i in range(41):
        bus.send(new_method_call(manager, "Apply", "a{sv}", ({"name": ("s", "Seal")},)))
    while True:
        reply = bus.receive(timeout=60)
        if reply.header.message_type == MessageType.error:
            print(reply.header.fields[4])
            break
"""
    done = sandbox.run(["/usr/bin/python3", "-c", script], sandbox["SEAL_APPLICANT"])
    assert done.stdout.strip() == "org.sealsd1.Error.QuotaExceeded", done
    questions = [json.loads(silent.line()) for _ in range(80)]
    assert {q["number"] for q in questions if "ask" in q} == {
        q["cancel"] for q in questions if "cancel" in q}
