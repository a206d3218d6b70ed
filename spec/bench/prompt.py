"""Prints the milliseconds from the start of a command in a terminal to its prompt, one line a time:
prompt.py TIMES COMMAND."""

import os
import pty
import sys
import time

for _ in range(int(sys.argv[1])):
    start, seen = time.perf_counter(), b""
    child, terminal = pty.fork()
    if child == 0:
        os.execv(sys.argv[2], [sys.argv[2]])
    while b"> " not in seen:
        seen += os.read(terminal, 4096)
    print((time.perf_counter() - start) * 1e3, flush=True)
    os.kill(child, 9)
    os.waitpid(child, 0)
    os.close(terminal)
