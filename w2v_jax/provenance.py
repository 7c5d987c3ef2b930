"""Where a result comes from: the code, the versions and the machine of a run."""

import contextlib
import os
import platform
import resource
import shlex
import subprocess
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]
PACKAGES = ("jax", "jaxlib", "numpy", "optax", "flax")


def environment(**facts: Any) -> dict[str, Any]:
    """What `environment.json` holds, ready for JSON; starts jax for its devices.

    Args:
      facts: what only the caller knows, such as `corpus_sha256`, `tokenizer` and
        `tokenizer_version`; added as they are.

    Returns:
      git_commit and git_clean (None outside a git tree; not clean also where there
      are files that git neither tracks nor ignores), python and one version for each
      package, platform, cpu (model), cores (that this process may use), devices,
      xla_flags, command_line, and the facts.
    """
    import jax

    commit, clean = git_state(PROJECT)
    return {
        "git_commit": commit,
        "git_clean": clean,
        "python": platform.python_version(),
        **{name: metadata.version(name) for name in PACKAGES},
        "platform": platform.platform(),
        "cpu": cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "devices": [
            f"{device.platform} {device.device_kind}" for device in jax.devices()
        ],
        "xla_flags": os.environ.get("XLA_FLAGS", ""),
        "command_line": shlex.join(sys.orig_argv),
        **facts,
    }


def git_state(root: Path) -> tuple[str | None, bool | None]:
    """(commit, whether the tree equals it) of the git tree whose top is `root`.

    (None, None) where `root` is no such top: a package installed below somebody
    else's repository must not claim its commit.
    """
    if not (root / ".git").exists():
        return None, None
    command = ["git", "--no-optional-locks", "-C", str(root), "status"]
    command += ["--porcelain=v2", "--branch"]
    # Inside a git hook these point to some other repository.
    outside = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    try:
        done = subprocess.run(
            command, env=outside, capture_output=True, text=True, timeout=30
        )
    except (OSError, subprocess.TimeoutExpired):
        return None, None
    lines = done.stdout.splitlines()
    commits = [line.split()[2] for line in lines if line.startswith("# branch.oid ")]
    if done.returncode or not commits or commits[0] == "(initial)":
        return None, None
    return commits[0], all(line.startswith("#") for line in lines)


def cpu_model() -> str:
    """The processor's name, as far as the system tells it."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def peak_memory_bytes() -> int:
    """The most main memory that this process has held at once, in bytes.

    From Linux's own mark where there is one: `ru_maxrss` starts at the size of the
    process that launched this one.
    """
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """'name: old -> new' for each entry that differs, in order of name."""
    absent = "absent"

    def short(value: Any) -> str:
        text = " ".join(str(value).split())
        return text if len(text) <= 80 else f"{text[:60]}..."

    return [
        f"{short(name)}: {short(old.get(name, absent))} -> "
        f"{short(new.get(name, absent))}"
        for name in sorted({*old, *new})
        if old.get(name, absent) != new.get(name, absent)
    ]
