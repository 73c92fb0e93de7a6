# SPDX-License-Identifier: Apache-2.0
"""answering_service.py ADDRESS: owns org.sealsd1 on that bus and answers every call with nothing."""

import sys

from jeepney import MessageType, message_bus, new_method_return
from jeepney.io.blocking import open_dbus_connection


def main():
    with open_dbus_connection(sys.argv[1]) as bus:
        bus.send_and_get_reply(message_bus.RequestName("org.sealsd1"))
        print("ready", flush=True)
        while True:
            message = bus.receive()
            if message.header.message_type == MessageType.method_call:
                bus.send(new_method_return(message))


main()
