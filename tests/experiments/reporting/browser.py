"""A real headless browser, spoken to over its own debugging pipe.

Chromium reads commands from file descriptor 3 and answers on 4, each a JSON object
that ends with a zero byte; no port is opened and no package is needed.
"""

import contextlib
import fcntl
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless=new",
    "--no-sandbox",  # of a page that we wrote ourselves; root has no other way
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--remote-debugging-pipe",
)
PATIENCE = 120  # seconds; two cores may be busy


def find():
    """The browser's path, or a skip that says what is missing."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip(f"needs one of {', '.join(NAMES)}: make report-tools installs one")
    return found


class Browser:
    """One page in a browser of its own; `events` holds all that it reported."""

    def __init__(self, process, to, answers):
        self.process, self.to, self.answers = process, to, answers
        self.buffer, self.number = b"", 0
        self.events = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self.session = attached["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    session = None

    def call(self, method, **params):
        """Sends one command and returns its result."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self.number:
                assert "error" not in answer, answer["error"]
                return answer["result"]
            self.events.append(answer)

    def _next(self):
        deadline = time.monotonic() + PATIENCE
        while b"\0" not in self.buffer:
            left = deadline - time.monotonic()
            assert left > 0, "the browser said nothing"
            if select.select([self.answers], [], [], left)[0]:
                read = os.read(self.answers, 1 << 20)
                assert read, "the browser ended"
                self.buffer += read
        message, _, self.buffer = self.buffer.partition(b"\0")
        return json.loads(message)

    def open(self, url):
        """Loads a page to its end."""
        self.call("Page.navigate", url=url)
        while not any(
            one.get("method") == "Page.loadEventFired" for one in self.events
        ):
            self.events.append(self._next())

    def evaluate(self, expression):
        """The value of a JavaScript expression in the page."""
        found = self.call(
            "Runtime.evaluate",
            expression=expression,
            returnByValue=True,
            awaitPromise=True,
        )
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def named(self, method):
        """The parameters of every event of a name."""
        return [e["params"] for e in self.events if e.get("method") == method]


@contextlib.contextmanager
def opened():
    """A browser that is closed, and its profile removed, at the end."""
    path = find()
    profile = tempfile.mkdtemp(prefix="page-")
    commands, to = os.pipe()
    answers, back = os.pipe()
    # beyond 3 and 4, which the shell redirects one after the other
    ours = [fcntl.fcntl(one, fcntl.F_DUPFD, 10) for one in (commands, back)]
    shell = f'exec "$0" "$@" 3<&{ours[0]} 4>&{ours[1]}'
    process = subprocess.Popen(
        ["bash", "-c", shell, path, *FLAGS, f"--user-data-dir={profile}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=ours,
    )
    for one in (commands, back, *ours):
        os.close(one)
    try:
        yield Browser(process, to, answers)
    finally:
        process.kill()
        process.wait(PATIENCE)
        os.close(to)
        os.close(answers)
        shutil.rmtree(profile, ignore_errors=True)
