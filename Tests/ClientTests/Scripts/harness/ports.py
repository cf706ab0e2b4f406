# SPDX-License-Identifier: Apache-2.0
"""Ports that stay free until they are listened on, and between a server's stop and its next start."""
import fcntl
import os
import random
import socket
import tempfile

claims = []  # open for as long as the script runs


def free_port(beside=0):
    """A port of 127.0.0.1 that no other script takes, with as many free after it as `beside` says.

    The kernel gives outgoing connections ports from 32768 on, so one below never goes to a client while its server is restarted.
    """
    folder = f"{tempfile.gettempdir()}/gyre-ports-{os.getuid()}"
    os.makedirs(folder, exist_ok=True)
    for port in random.SystemRandom().sample(range(10000, 32000), 2000):
        taken = []
        try:
            for next_port in range(port, port + 1 + beside):
                claim = open(f"{folder}/{next_port}", "w")
                taken.append(claim)
                fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
                with socket.socket() as probe:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    probe.bind(("127.0.0.1", next_port))
        except OSError:
            for claim in taken:
                claim.close()
            continue
        claims.extend(taken)
        return port
    raise SystemExit("no port is free between 10000 and 32000")
