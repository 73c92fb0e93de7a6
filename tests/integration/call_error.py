# SPDX-License-Identifier: Apache-2.0
"""call_error.py PATH INTERFACE MEMBER [SIGNATURE ARGUMENTS…]: the name of the error, or "ok".

busctl prints an error's text but not its name, and the name is the contract.
"""

import sys

from jeepney import DBusAddress, MessageType, new_method_call
from jeepney.io.blocking import open_dbus_connection


class Pairs(list):
    """A dictionary that may name a key twice, which a hostile client can send."""

    def items(self):
        return self


def rest_of(signature):
    """What follows the first complete type."""
    if signature[0] == "a":
        return rest_of(signature[1:])
    if signature[0] in "({":
        depth = 0
        for i, c in enumerate(signature):
            depth += (c in "({") - (c in ")}")
            if depth == 0:
                return signature[i + 1:]
    return signature[1:]


def take(signature, words):
    """One value of a type that busctl's argument syntax writes, jeepney's way."""
    kind = signature[0]
    if kind in "soh":
        return words.pop(0), signature[1:]
    if kind in "ynqiuxt":
        return int(words.pop(0)), signature[1:]
    if kind == "b":
        return words.pop(0) == "true", signature[1:]
    if kind == "v":
        inner = words.pop(0)
        value, _ = take(inner, words)
        return (inner, value), signature[1:]
    if signature.startswith("a{sv}"):
        pairs = Pairs()
        for _ in range(int(words.pop(0))):
            key = words.pop(0)
            pairs.append((key, take("v", words)[0]))
        return pairs, signature[5:]
    if kind == "a":
        items = [take(signature[1:], words)[0] for _ in range(int(words.pop(0)))]
        return (bytes(items) if signature[1] == "y" else items), rest_of(signature)
    if kind == "(":
        end = signature.index(")")
        return tuple(take_all(signature[1:end], words)), signature[end + 1:]
    raise SystemExit(f"type {signature}")


def take_all(signature, words):
    values = []
    while signature:
        value, signature = take(signature, words)
        values.append(value)
    return values


def main():
    path, interface, member, *words = sys.argv[1:]
    signature = words.pop(0) if words else None
    body = tuple(take_all(signature or "", words))
    with open_dbus_connection("SYSTEM") as bus:
        address = DBusAddress(path, bus_name="org.sealsd1", interface=interface)
        reply = bus.send_and_get_reply(new_method_call(address, member, signature, body), timeout=120)
    if reply.header.message_type == MessageType.error:
        name = reply.header.fields[4]
        print(name.removeprefix("org.sealsd1.Error.").removeprefix("org.freedesktop.DBus.Error."))
        print(reply.body[0] if reply.body else "", file=sys.stderr)
    else:
        print("ok")


main()
