# SPDX-License-Identifier: Apache-2.0
"""One connection to the bus that deposits secrets and names them: a Python literal a line, in and out.

In: ("memfd", bytes), ("pipe", bytes or None: never closed), ("other", path of a file) deposit; a tuple of
interface, path, member, signature, body calls, in whose body "$N" is the N-th ticket, counted from 0.
Out: the error's last part or "ok", and the ticket, the body or the error's text.
"""

import ast
import fcntl
import os
import sys

from jeepney import DBusAddress, MessageType, new_method_call
from jeepney.io.blocking import open_dbus_connection

tickets, held = [], []


def memfd(data):
    fd = os.memfd_create("secret", os.MFD_ALLOW_SEALING)
    os.write(fd, data)
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK)
    return fd


def pipe(data):
    r, w = os.pipe()
    if data is None:
        held.append(w)
    else:
        os.write(w, data)
        os.close(w)
    return r


OPEN = {"memfd": memfd, "pipe": pipe, "other": lambda path: os.open(path, os.O_RDONLY)}


def filled(value):
    if isinstance(value, str) and value.startswith("$"):
        return tickets[int(value[1:])]
    if isinstance(value, dict):
        return {k: filled(v) for k, v in value.items()}
    return type(value)(filled(v) for v in value) if isinstance(value, (list, tuple)) else value


def call(bus, interface, path, member, signature, body):
    address = DBusAddress(path, bus_name="org.sealsd1", interface=f"org.sealsd1.{interface}")
    reply = bus.send_and_get_reply(new_method_call(address, member, signature or None, body), timeout=60)
    if reply.header.message_type == MessageType.error:
        return reply.header.fields[4].rsplit(".", 1)[1], reply.body[0] if reply.body else ""
    return "ok", reply.body


def deposit(bus, kind, what):
    fd = OPEN[kind](what)
    name, body = call(bus, "Manager", "/org/sealsd1", "DepositSecret", "h", (fd,))
    os.close(fd)
    if name == "ok":
        tickets.append(body[0])
        return name, body[0]
    return name, body


def main():
    with open_dbus_connection("SYSTEM", enable_fds=True) as bus:
        print("ready", flush=True)
        for line in sys.stdin:
            words = ast.literal_eval(line)
            if words[0] in OPEN:
                print(repr(deposit(bus, *words)), flush=True)
            else:
                print(repr(call(bus, *words[:4], filled(words[4]))), flush=True)


main()
