"""Runs one command as a process of its own and says what it took.

Reads /proc (Linux). Promises: seconds from before the start to after the end; CPU seconds of the process and of all of its
children that it waited for; peak memory of the whole process tree at once, sampled 20 times a second, but never less than
the largest single process, which the kernel knows exactly.
"""

import os
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass

SAMPLES_A_SECOND = 20
PAGE_KIB = os.sysconf("SC_PAGE_SIZE") // 1024


@dataclass
class Measured:
    """What one process and its children took, and what it said."""

    seconds: float
    cpu_seconds: float
    peak_kib: int
    largest_process_kib: int
    exit_code: int
    stdout: str
    stderr: str


def run(command: list[str]) -> Measured:
    """Runs `command` to its end and measures it."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        began = time.perf_counter()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        sampler = Sampler(process.pid)
        sampler.start()
        # Not Popen.wait: only wait4 hands over what the kernel counted for this process.
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        sampler.stop()
        return Measured(
            seconds=seconds,
            cpu_seconds=usage.ru_utime + usage.ru_stime,
            peak_kib=max(sampler.peak_kib, usage.ru_maxrss),
            largest_process_kib=usage.ru_maxrss,
            exit_code=process.returncode,
            stdout=text(out),
            stderr=text(err),
        )


def must(command: list[str], allowed: tuple[int, ...] = (0,)) -> Measured:
    """Runs `command`; an exit code that is not allowed ends the benchmark with what the command said."""
    measured = run(command)
    if measured.exit_code not in allowed:
        sys.exit(f"error: exit code {measured.exit_code} of: {' '.join(command)}\n{measured.stdout}{measured.stderr}".rstrip())
    return measured


class Sampler(threading.Thread):
    """Adds up the resident memory of a process and of everything below it, until told to stop.

    Pages that two processes share count in both, so that the sum errs towards too much.
    """

    def __init__(self, pid: int):
        super().__init__(daemon=True)
        self.pid = pid
        self.peak_kib = 0
        self._ended = threading.Event()

    def run(self) -> None:
        while not self._ended.wait(1 / SAMPLES_A_SECOND):
            self.peak_kib = max(self.peak_kib, sum(resident_kib(pid) for pid in tree(self.pid)))

    def stop(self) -> None:
        self._ended.set()
        self.join()


def tree(root: int) -> list[int]:
    """`root` and all processes below it that are there now.

    A child that still has its parent's command line has not begun its own program: its memory is the parent's.
    """
    found, todo = [], [root]
    while todo:
        pid = todo.pop()
        found.append(pid)
        try:
            # A child hangs below the thread that started it.
            for thread in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{thread}/children") as children:
                    below = [int(child) for child in children.read().split()]
                    todo.extend(child for child in below if command_line(child) != command_line(pid))
        except OSError:
            continue  # ended while we looked
    return found


def command_line(pid: int) -> bytes:
    """How a process was started; raises `OSError` once it has ended."""
    with open(f"/proc/{pid}/cmdline", "rb") as command:
        return command.read()


def resident_kib(pid: int) -> int:
    """Resident memory of one process; 0 once it has ended."""
    try:
        with open(f"/proc/{pid}/statm") as statm:
            return int(statm.read().split()[1]) * PAGE_KIB
    except OSError:
        return 0


def text(file) -> str:
    """Everything that was written to `file`."""
    file.seek(0)
    return file.read().decode(errors="replace")
