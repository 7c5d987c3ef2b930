"""A command that starts many processes, on a machine that others use too."""

import subprocess
import sys

from tests.experiments.test_cli import ROOT

SECONDS = 900.0  # it takes half a minute on an idle machine of two cores


def patient(*arguments):
    """Runs python with the project's path; returns (exit code, stdout, stderr)."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    return done.returncode, done.stdout, done.stderr
