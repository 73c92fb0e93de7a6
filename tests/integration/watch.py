# SPDX-License-Identifier: Apache-2.0
"""watch.py [subscribe]: prints "ready", then each of sealsd's signals as {"path", "member", "body"}."""

import json
import sys

from jeepney import DBusAddress, MessageType, message_bus, new_method_call
from jeepney.io.blocking import open_dbus_connection

MATCHES = ("type='signal',sender='org.sealsd1'",
           "type='signal',interface='org.sealsd1.Manager'",
           "type='signal',path_namespace='/org/sealsd1/seal'")


def main():
    with open_dbus_connection("SYSTEM") as bus:
        for rule in MATCHES:
            bus.send_and_get_reply(message_bus.AddMatch(rule))
        if "subscribe" in sys.argv:
            manager = DBusAddress("/org/sealsd1", bus_name="org.sealsd1",
                                  interface="org.sealsd1.Manager")
            bus.send_and_get_reply(new_method_call(manager, "Subscribe"))
        print("ready", flush=True)
        while True:
            message = bus.receive()
            if message.header.message_type == MessageType.signal:
                fields = message.header.fields
                print(json.dumps({"path": fields[1], "member": fields[3], "body": message.body},
                                 default=str), flush=True)


main()
