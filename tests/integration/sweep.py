# SPDX-License-Identifier: Apache-2.0
"""Calls every member with what nobody should send, and judges each answer.

sweep.py walk: the members of every object that the caller sees, as JSON.
sweep.py run: standard input has one plan as JSON; one report as JSON comes out:
    interfaces  what walk found
    objects     paths to call, by interface; `spared` are pairs (path, member) not called well
    never       members that are not called: what they do does not end
    seed, caller, count, secrets_of (words that must not come back), poison (options of a member)
sweep.py call: standard input has the parts of a call as JSON; prints the error's name and text.
sweep.py burden COUNT: sends files along to paths that no object can have.
sweep.py mutate SEED COUNT: breaks the bytes of messages; each has a connection of its own.

The same seed makes the same calls in the same order.
"""

import json
import os
import random
import re
import reprlib
import socket
import sys
import xml.etree.ElementTree as tree

from dbus_bytes import (CALL, ERROR, NO_AUTO_START, NO_REPLY_EXPECTED, RETURN, SIGNAL, Closed,
                        Connection, error_of, message, split)
from jeepney.low_level import HeaderFields
from sweep_values import DEPTH, ELEMENTS, OPTIONS, PATH_MAX, Descriptors, Values

NAME = "org.sealsd1"
PROPERTIES = "org.freedesktop.DBus.Properties"
INTROSPECTABLE = "org.freedesktop.DBus.Introspectable"
PEER = "org.freedesktop.DBus.Peer"
WINDOW = 16  # calls without an answer: fewer than one user may have
TIMEOUT = 60  # seconds without any answer; pipes that stay silent take 2
TEXT_MAX = 1024  # bytes of an error text: sd-bus names a path or a member of at most 255 bytes
MISLEADING = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
STANDARD = {"org.freedesktop.DBus.Error." + name for name in (
    "AccessDenied", "InteractiveAuthorizationRequired", "InvalidArgs", "UnknownObject",
    "UnknownMethod", "UnknownInterface", "UnknownProperty", "PropertyReadOnly", "LimitsExceeded",
    "NotSupported", "NoMemory")}


# --- looking --------------------------------------------------------------------------------

def node_of(bus, path):
    answer = bus.call(destination=NAME, path=path, interface=INTROSPECTABLE, member="Introspect")
    return tree.fromstring(answer.body[0])


def members(interface):
    return {"methods": {m.get("name"): "".join(a.get("type") for a in m.findall("arg")
                                               if a.get("direction", "in") == "in")
                        for m in interface.findall("method")},
            "properties": {p.get("name"): p.get("type") for p in interface.findall("property")}}


def walk():
    """{interface: members} and {interface: paths}, of the daemon's own interfaces."""
    interfaces, objects, paths = {}, {}, ["/org/sealsd1"]
    with Connection() as bus:
        while paths:
            path = paths.pop()
            node = node_of(bus, path)
            paths += [f"{path}/{n.get('name')}" for n in node.findall("node")]
            for interface in node.findall("interface"):
                name = interface.get("name")
                if name.startswith(NAME):
                    interfaces[name] = members(interface)
                    objects.setdefault(name, []).append(path)
    print(json.dumps({"interfaces": interfaces, "objects": objects}))


# --- calls ----------------------------------------------------------------------------------

class Call:
    """What is sent, and what may come back."""

    def __init__(self, kind, path, interface, member, signature="", body=(), **more):
        self.kind = kind
        self.parts = {"destination": NAME, "path": path, "member": member, "signature": signature,
                      "body": body, **more}
        if interface:
            self.parts["interface"] = interface
        self.fds = []
        self.answered = True
        self.must_fail = False

    def __str__(self):
        shown = reprlib.Repr()
        shown.maxstring = shown.maxother = 100
        shown.maxdict = shown.maxlist = 12
        shown.maxlevel = 8
        return f"{self.kind} with {len(self.fds)} descriptors: {shown.repr(self.parts)}"


class Maker:
    """Makes calls."""

    def __init__(self, plan):
        self.rng = random.Random(f"{plan['seed']} {plan['caller']}")
        self.plan = plan
        self.objects = plan["objects"]
        self.spared = {tuple(pair) for pair in plan["spared"]}
        paths = [p for paths in self.objects.values() for p in paths]
        self.values = Values(self.rng, Descriptors(), paths)
        self.methods = [(i, m, s) for i, of in plan["interfaces"].items()
                        for m, s in of["methods"].items() if m not in plan.get("never", ())]
        self.properties = [(i, p, s) for i, of in plan["interfaces"].items()
                           for p, s in of["properties"].items()]

    def target(self, interface, member):
        return self.rng.choice([p for p in self.objects[interface]
                                if (p, member) not in self.spared])

    def right(self, interface, member, signature):
        body = self.values.arguments(signature, member)
        poison = self.plan["poison"].get(member)
        if poison and "a{sv}" in signature:
            options = split(signature).index("a{sv}")
            body[options] = [pair for pair in body[options] if pair[0] not in dict(poison)] + poison
        return Call("right", self.target(interface, member), interface, member, signature, body)

    def different(self, kind, interface, member, signature, other):
        body = [self.values.value(k) for k in split(other)]
        call = Call(kind, self.target(interface, member), interface, member, other, body)
        call.must_fail = other != signature
        return call

    def wrong(self, interface, member, signature):
        types = [self.values.signature() for _ in range(self.rng.randint(1, 4))]
        return self.different("wrong", interface, member, signature, "".join(types))

    def missing(self, interface, member, signature):
        types = split(signature)
        return self.different("missing", interface, member, signature,
                              "".join(types[:self.rng.randrange(len(types))] if types else ""))

    def extra(self, interface, member, signature):
        return self.different("extra", interface, member, signature,
                              signature + self.values.signature())

    def deep(self, interface, member, signature):
        if "a{sv}" not in signature:
            kind = self.rng.choice(["v", "a" * 30 + "y", "(" * 30 + "s" + ")" * 30])
            return self.different("deep", interface, member, signature, kind)
        body = self.values.arguments(signature, member)
        body[split(signature).index("a{sv}")] = [(name, self.values.nested(DEPTH)) for name in ["x", *OPTIONS.get(member, {})]]
        call = Call("deep", self.target(interface, member), interface, member, signature, body)
        call.must_fail = True
        return call

    def burdened(self, interface, member, signature):
        """File descriptors that nobody asked for."""
        call = self.right(interface, member, signature)
        call.kind = "burdened"
        for _ in range(self.rng.choice([1, 2, 16]) - len(self.values.fds)):
            self.values.fd()
        return call

    def odd_path(self, interface, member, signature):
        call = self.right(interface, member, signature)
        element = self.rng.choice(ELEMENTS)
        call.kind = "path"
        call.parts["path"] = self.rng.choice(
            [f"/org/sealsd1/seal/{element}", f"/org/sealsd1/request/{element}", f"/{element}",
             f"{call.parts['path']}/{element}", "/", "/org", "/org/freedesktop/DBus"])
        call.answered = len(call.parts["path"]) <= PATH_MAX
        return call

    def odd_header(self, interface, member, signature):
        call = self.right(interface, member, signature)
        call.kind = "header"
        change = self.rng.choice(["silent", "flags", "interface", "none", "member", "other"])
        if change == "silent":
            call.parts["flags"] = NO_REPLY_EXPECTED
            call.answered = False
        elif change == "flags":
            # Interaction is not among them: nobody is there to answer polkit's question.
            call.parts["flags"] = NO_AUTO_START | self.rng.choice([0, 8, 128])
        elif change == "none":
            del call.parts["interface"]
        elif change == "interface":
            call.parts["interface"] = self.rng.choice([PROPERTIES, INTROSPECTABLE, PEER,
                                                       *self.objects, "org.sealsd1.Nothing"])
        elif change == "member":
            call.parts["member"] = self.rng.choice(["Nothing", "x" * 255, "_", member.lower()])
        else:
            call.parts["path"] = self.rng.choice(self.values.objects)
        return call

    def standard(self):
        """Introspectable, Peer and Properties, as they are meant and not."""
        member, interface, signature = self.rng.choice(
            [("Introspect", INTROSPECTABLE, ""), ("Ping", PEER, ""), ("GetMachineId", PEER, ""),
             ("Get", PROPERTIES, "ss"), ("GetAll", PROPERTIES, "s"), ("Set", PROPERTIES, "ssv")])
        path = self.values.path()[:PATH_MAX]
        if self.rng.random() < 0.3:
            signature = "".join(self.values.signature() for _ in range(2))
        call = Call("standard", path, interface, member, signature,
                    [self.values.value(k) for k in split(signature)])
        if signature in ("ss", "s") and self.rng.random() < 0.6:
            call.parts["body"][0] = self.rng.choice(list(self.objects))
        return call

    def of_property(self, interface, name, signature, member):
        path = self.target(interface, None)
        if member == "Get":
            return Call("property", path, PROPERTIES, "Get", "ss", [interface, name])
        kind = self.rng.choice([signature, "v", self.values.signature()])
        call = Call("property", path, PROPERTIES, "Set", "ssv",
                    [interface, name, (kind, self.values.value(kind))])
        call.must_fail = True
        return call

    def no_call(self):
        """Answers to nothing, and signals that pretend to be the bus's."""
        kind, more = self.rng.choice(
            [(SIGNAL, {"path": "/org/freedesktop/DBus", "interface": "org.freedesktop.DBus",
                       "member": "NameOwnerChanged", "signature": "sss",
                       "body": [":1.1", ":1.1", ""]}),
             (SIGNAL, {"path": "/org/sealsd1", "interface": "org.sealsd1.Manager",
                       "member": "Changed", "signature": "v", "body": [self.values.variant()]}),
             (RETURN, {"reply_serial": self.rng.randint(1, 100), "signature": "v",
                       "body": [self.values.variant()]}),
             (ERROR, {"reply_serial": self.rng.randint(1, 100), "error_name": "a.b"})])
        call = Call("no call", "/", None, "x")
        call.parts = {"destination": NAME, "kind": kind, **more}
        call.answered = False
        return call

    def shapes(self):
        return [self.right, self.wrong, self.missing, self.extra, self.deep, self.burdened,
                self.odd_path, self.odd_header]

    def recipes(self, count):
        """Every member with every shape first, then at random."""
        yield from ((shape, method) for method in self.methods for shape in self.shapes())
        yield from ((self.of_property, (*p, m)) for p in self.properties for m in ("Get", "Set"))
        for _ in range(count):
            roll = self.rng.random()
            if roll < 0.08:
                yield self.standard, ()
            elif roll < 0.1:
                yield self.no_call, ()
            else:
                shape = self.rng.choice([self.right, self.right, *self.shapes()])
                yield shape, self.rng.choice(self.methods)

    def calls(self):
        recipes = list(self.recipes(self.plan["count"]))
        self.rng.shuffle(recipes)
        for make, arguments in recipes:
            self.values.begin()
            call = make(*arguments)
            if (call.parts.get("path"), call.parts.get("member")) in self.spared:
                call.parts["path"] = "/org/sealsd1"
            call.fds = self.values.fds[:16]
            if self.rng.random() < 0.1:
                call.parts["big"] = True
            yield call
            self.values.end()


# --- judging --------------------------------------------------------------------------------

class Run:
    """Sends a plan's calls, WINDOW at a time, and judges what comes back."""

    def __init__(self, plan):
        self.plan = plan
        self.names = STANDARD | set(plan["errors"])
        self.open, self.silent = {}, {}
        self.faults, self.counts, self.sent = [], {}, 0
        self.bus = None

    def fault(self, call, what):
        self.faults.append(f"call {self.sent}, {what}: {call}")

    def count(self, name):
        self.counts[name] = self.counts.get(name, 0) + 1

    def judge_error(self, call, name, text, sender):
        self.count(name.rsplit(".", 1)[1])
        if name not in self.names:
            self.fault(call, f"an error of the name {name} ({text[:200]})")
        if sender == "org.freedesktop.DBus":
            return  # the bus's own words
        if not text or len(text.encode()) > TEXT_MAX:
            self.fault(call, f"an error text of {len(text.encode())} bytes ({text[:200]})")
        if MISLEADING.search(text):
            self.fault(call, f"an error text that misleads ({text[:200]!r})")

    def judge(self, call, answer):
        name, text = error_of(answer)
        if name:
            self.judge_error(call, name, text, answer.header.fields.get(HeaderFields.sender))
            return
        self.count("ok")
        if call.must_fail:
            self.fault(call, f"it succeeded ({str(answer.body)[:200]})")
        told = str(answer.body)
        for word in self.plan["secrets_of"]:
            if word in told and word not in str(call.parts):
                self.fault(call, f"{word} was told ({told[:200]})")

    def take(self):
        answer = self.bus.receive(TIMEOUT)
        if answer is None:
            for call in self.open.values():
                self.fault(call, f"no answer within {TIMEOUT} s")
            self.open.clear()
            return
        serial = answer.header.fields.get(HeaderFields.reply_serial)
        if serial in self.open:
            self.judge(self.open.pop(serial), answer)
        elif serial in self.silent:
            # What the bus itself refuses it says whether asked or not.
            if answer.header.fields.get(HeaderFields.sender) != "org.freedesktop.DBus":
                self.fault(self.silent[serial], "an answer where none was wanted")

    def put(self, call):
        self.sent += 1
        serial = self.bus.send(call.fds, **call.parts)
        if call.answered:
            self.open[serial] = call
        else:
            self.silent[serial] = call

    def send_all(self):
        for call in Maker(self.plan).calls():
            try:
                self.put(call)
                while len(self.open) >= WINDOW:
                    self.take()
            except Closed:
                self.fault(call, "the bus closed the connection")
                raise
        while self.open:
            self.take()
        # Whatever was to come unasked has come before this.
        self.bus.call(destination=NAME, path="/org/sealsd1", interface=PEER, member="Ping")

    def run(self):
        with Connection() as self.bus:
            try:
                self.send_all()
            except Closed:
                self.fault("-", "the connection is closed")
        return {"sent": self.sent, "counts": self.counts, "faults": self.faults[:20]}


def run():
    plan = json.load(sys.stdin)
    plan["poison"] = {m: [(n, (v[0], v[1])) for n, v in pairs]
                      for m, pairs in plan["poison"].items()}
    print(json.dumps(Run(plan).run()))


# --- below the messages ---------------------------------------------------------------------

def call_one():
    """One call, whose parts are on standard input: name and text of the error, or nulls."""
    parts = json.load(sys.stdin)
    with Connection() as bus:
        print(json.dumps(error_of(bus.call(destination=NAME, **parts))))


def burden(count):
    """Paths too long, each with as many open files as the bus carries, in calls and in signals."""
    files = [os.open("/dev/null", os.O_RDONLY) for _ in range(16)]
    with Connection() as bus:
        for i in range(count):
            for interface in (f"{NAME}.Manager", f"{NAME}.Seal", PROPERTIES):
                for kind in (CALL, SIGNAL):
                    for number in (1, 3, 16):
                        bus.send(files[:number], kind=kind, destination=NAME,
                                 path="/org/sealsd1/" + "x" * (PATH_MAX + i), interface=interface,
                                 member="Initialize")
        bus.call(destination=NAME, path="/org/sealsd1", interface=PEER, member="Ping")


def mutate(seed, count):
    """Breaks a good call's bytes anywhere; the bus closes the connection or carries the message."""
    rng = random.Random(seed)
    closed = answered = 0
    for _ in range(count):
        good = message(7, signature="sa{sv}", body=["x", [("y", ("as", ["z"]))]], destination=NAME,
                       path="/org/sealsd1/request/1", interface="org.sealsd1.Request",
                       member="Approve", big=rng.random() < 0.2)
        bad = bytearray(good)
        for _ in range(rng.randint(1, 4)):
            bad[rng.randrange(len(bad))] = rng.choice([0, 1, 0x7f, 0x80, 0xff, rng.randrange(256)])
        with Connection() as bus:
            try:
                bus.send_bytes(bytes(bad))
                bus.socket.shutdown(socket.SHUT_WR)
                while bus.receive(TIMEOUT) is not None:
                    answered += 1
            except (Closed, ValueError, KeyError, IndexError):
                closed += 1
    print(json.dumps({"closed": closed, "answered": answered}))


if __name__ == "__main__":
    if sys.argv[1] == "walk":
        walk()
    elif sys.argv[1] == "run":
        run()
    elif sys.argv[1] == "call":
        call_one()
    elif sys.argv[1] == "burden":
        burden(int(sys.argv[2]))
    else:
        mutate(int(sys.argv[2]), int(sys.argv[3]))
