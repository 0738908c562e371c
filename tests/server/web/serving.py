"""The two operations of the tests behind real processes on a real socket: ``python serving.py PORT_FILE SECONDS``."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

from conftest import opened_door

from server.cli.processes import Processes
from server.settings import Settings
from server.web import limits
from server.web.journal import keep_journal

if __name__ == "__main__":
    port_file, limits.REQUEST_SECONDS = Path(sys.argv[1]), float(sys.argv[2])
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    keep_journal()
    Processes(
        Settings(sandbox=True, workers=1),
        listener,
        application=lambda: opened_door(sandbox=True),
        started=lambda: port_file.write_text(str(port)),
    ).run()
