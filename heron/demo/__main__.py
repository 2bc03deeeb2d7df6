"""`python -m heron.demo`: start everything, or run the real jobs once."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from heron.demo import once, ports
from heron.demo.console import Console, LogFiles
from heron.demo.errors import AlreadyRunning, DemoError, Stopped
from heron.demo.lock import VarLock
from heron.demo.stack import Stack
from heron.demo.surroundings import ROOT, Surroundings, make_scratch

VAR = ROOT / "var"
DEFAULT_PORT = 8000
PREPARE = (
    ("migrate", "--no-input", "--verbosity", "0"),
    ("seed_demo",),
    ("post_ledger",),
    ("seed_edi",),
)


class Signals:
    """Notes the first request to stop, for a main loop that looks at it."""

    def __init__(self) -> None:
        """Listen to the signals that mean: end, please."""
        self._asked = ""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # Under nohup the closing of the terminal is to be ignored.
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._note)

    def check(self) -> None:
        """Raise Stopped once a signal has come."""
        if self._asked:
            raise Stopped(self._asked)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self._asked = self._asked or signal.Signals(number).name


@contextmanager
def _stopped_in_the_end(stack: Stack) -> Iterator[Stack]:
    try:
        yield stack
    finally:
        stack.stop()


def serve(var: Path, wanted_port: int) -> None:
    """Start the demo and keep it running until a signal comes or a process dies."""
    console = Console()
    lock = VarLock(var / "demo.lock")
    port = ports.first_free(wanted_port)
    if port != wanted_port:
        console.say(f"Port {wanted_port} is taken; using {port}.")
    surroundings = Surroundings(
        var=var, scratch=make_scratch(), web_port=port, smtp_port=ports.any_free()
    )
    lock.describe(surroundings.url)
    signals = Signals()
    stack = Stack(surroundings, on_line=console.line, interrupt=signals.check)
    try:
        with _stopped_in_the_end(stack):
            console.say("Starting Heron ...")
            stack.start(prepare=PREPARE)
            console.say(_welcome(surroundings.url))
            while True:
                stack.check()
                time.sleep(0.1)
    except Stopped as stopped:
        console.say(f"\n{stopped} Everything has ended.")
    finally:
        lock.release()


def run_once(parent: Path) -> bool:
    """Run the real jobs on a Heron of its own, from nothing; say whether all went well."""
    console = Console()
    var, lock = _fresh_var(parent)
    surroundings = Surroundings(
        var=var, scratch=make_scratch(), web_port=ports.any_free(), smtp_port=ports.any_free()
    )
    logs = LogFiles(var / "log")
    signals = Signals()
    stack = Stack(surroundings, on_line=logs.line, interrupt=signals.check)
    try:
        with _stopped_in_the_end(stack):
            console.say(f"Starting Heron from nothing (logs: {_shown(var / 'log')}) ...")
            stack.start(prepare=PREPARE)
            console.say(f"Sending {once.MAILS} invoices through {surroundings.url} ...")
            report = _watched(stack, surroundings)
    finally:
        lock.release()
    for fault in report.faults:
        console.say(f"WRONG: {fault}.")
    console.say(report.as_json())
    return not report.faults


def _fresh_var(parent: Path) -> tuple[Path, VarLock]:
    """Return an empty var directory that no other once-run uses, and its lock."""
    number = 1
    while True:
        var = parent / ("once" if number == 1 else f"once-{number}")
        try:
            lock = VarLock(var.with_name(f"{var.name}.lock"))
        except AlreadyRunning:
            number += 1
            continue
        shutil.rmtree(var, ignore_errors=True)
        return var, lock


def _watched(stack: Stack, surroundings: Surroundings) -> once.Report:
    """Run the jobs in a thread, so that this one can watch the processes and the signals."""
    outcome: list[once.Report | Exception] = []

    def work() -> None:
        try:
            outcome.append(once.run(surroundings.url, surroundings.mailbox))
        except Exception as error:  # noqa: BLE001 (raised again below, in the main thread)
            outcome.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    while thread.is_alive():
        stack.check()
        thread.join(0.1)
    if isinstance(outcome[0], Exception):
        raise outcome[0]
    return outcome[0]


def _shown(path: Path) -> Path:
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path


def _welcome(url: str) -> str:
    return f"""
    Heron is running:   {url}/
    Log in as:          {once.USERNAME}
    Password:           {once.PASSWORD}
    Mails that it sent: {url}/invoices/mailbox/
    Stop with Ctrl-C.
"""


def main() -> int:
    """Run the demo; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m heron.demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="run the real jobs, check, stop")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="default: %(default)s")
    parser.add_argument("--var", type=Path, default=VAR, help="default: %(default)s")
    options = parser.parse_args()
    try:
        if options.once:
            return 0 if run_once(options.var.resolve()) else 1
        serve(options.var.resolve(), options.port)
    except DemoError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
