# SPDX-License-Identifier: Apache-2.0
"""Apply with a picture by descriptor: KIND PATH; prints the path of the request, or the error's last part and text.

KIND: file, written (open for writing alone), path (O_PATH), memfd (PATH's content, not sealed), pipe (likewise).
"""

import os
import sys

from jeepney import DBusAddress, MessageType, new_method_call
from jeepney.io.blocking import open_dbus_connection


def memfd(path):
    fd = os.memfd_create("picture")
    with open(path, "rb") as file:
        os.write(fd, file.read())
    return fd


def pipe(path):
    r, w = os.pipe()
    with open(path, "rb") as file:
        os.write(w, file.read())
    os.close(w)
    return r


OPEN = {"file": lambda path: os.open(path, os.O_RDONLY), "written": lambda path: os.open(path, os.O_WRONLY),
        "path": lambda path: os.open(path, os.O_PATH), "memfd": memfd, "pipe": pipe}


def main():
    kind, path = sys.argv[1:]
    body = {"name": ("s", "Handed"), "keepers": ("as", ["user:root"]), "picture": ("h", OPEN[kind](path)),
            "picture-mm": ("(uu)", (42, 42))}
    manager = DBusAddress("/org/sealsd1", bus_name="org.sealsd1", interface="org.sealsd1.Manager")
    bus = open_dbus_connection("SYSTEM", enable_fds=True)
    reply = bus.send_and_get_reply(new_method_call(manager, "Apply", "a{sv}", (body,)), timeout=60)
    if reply.header.message_type == MessageType.error:
        print(reply.header.fields[4].rsplit(".", 1)[1], reply.body[0])
    else:
        print(reply.body[0])


main()
