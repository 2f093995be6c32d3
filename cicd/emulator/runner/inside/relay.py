"""Lets a server on 127.0.0.1:PORT of a private network be reached from outside: who connects to a
Unix socket is sent a connection to it.

``relay.py SOCKET PORT -- COMMAND…``, only the standard library. It starts the command, waits until
its port takes connections, and only then opens the socket: who can connect to the socket knows
that the server is up. Signals reach the command by the process group; the exit code is the
command's own, 128 + N for signal N.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time


def main(path: str, port: int, command: list[str]) -> int:
    # a handler, not SIG_IGN: that one the command would inherit
    signal.signal(signal.SIGTERM, lambda number, frame: None)
    try:
        child = subprocess.Popen(command)
    except OSError as error:
        sys.stderr.write(f"cannot start {command[0]}: {error.strerror}\n")
        return 127
    threading.Thread(target=serve, args=(path, port), daemon=True).start()
    code = child.wait()
    return 128 - code if code < 0 else code


def serve(path: str, port: int) -> None:
    while True:
        try:
            connect(port).close()
            break
        except OSError:
            time.sleep(0.02)
    listener = socket.socket(socket.AF_UNIX)
    # bound under another name first: the name appears when connections are taken
    listener.bind(path + ".new")
    listener.listen(512)
    os.rename(path + ".new", path)  # noqa: PTH104
    hand_out(listener, port)


IDLE = threading.Semaphore(0)
"""As often as threads wait for somebody who asks."""


def hand_out(listener: socket.socket, port: int) -> None:
    """One thread of as many as ever were needed at once, and one more: a connection may take its
    time, and to start a thread for each does too."""
    while True:
        IDLE.release()
        client, _ = listener.accept()
        IDLE.acquire()
        if not IDLE.acquire(blocking=False):
            threading.Thread(target=hand_out, args=(listener, port), daemon=True).start()
        else:
            IDLE.release()
        relay(client, port)


def connect(port: int) -> socket.socket:
    """A connection to the server, whichever loopback address it listens on."""
    try:
        return socket.create_connection(("127.0.0.1", port))
    except OSError:
        return socket.create_connection(("::1", port))


def relay(client: socket.socket, port: int) -> None:
    """Whoever asks gets a connection; what goes through it is no more of our business."""
    with client, contextlib.suppress(OSError), connect(port) as server:
        socket.send_fds(client, [b"."], [server.fileno()])


if __name__ == "__main__":
    code = main(sys.argv[1], int(sys.argv[2]), sys.argv[4:])
    sys.stderr.flush()
    os._exit(code)
