"""Whether there is an accelerator: known without plugins, otherwise asked."""

import importlib.metadata

import jax
import pytest

from experiments.sweeps import backend


@pytest.fixture(autouse=True)
def forgotten():
    backend.is_accelerated.cache_clear()
    yield
    backend.is_accelerated.cache_clear()


def test_it_is_what_jax_says(monkeypatch):
    monkeypatch.delenv("JAX_PLATFORMS", raising=False)
    assert backend.is_accelerated() is (jax.default_backend() != "cpu")


def test_where_a_plugin_is_there_another_process_is_asked(monkeypatch):
    point = importlib.metadata.EntryPoint("made_up", "nowhere", "jax_plugins")
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: [point])
    assert backend._plugins()
    for platforms in ("cpu,cpu", "nonsense"):  # jax starts, or says that it cannot
        backend.is_accelerated.cache_clear()
        monkeypatch.setenv("JAX_PLATFORMS", platforms)
        assert backend.is_accelerated() is False


def test_jax_platforms_may_rule_it_out(monkeypatch):
    monkeypatch.setattr(backend, "_plugins", lambda: True)
    monkeypatch.setattr("subprocess.run", None)  # nobody is asked
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    assert backend.is_accelerated() is False


def test_an_answer_other_than_the_cpu_is_an_accelerator(monkeypatch, tmp_path):
    asked = tmp_path / "python"
    asked.write_text("#!/bin/sh\necho gpu\n")
    asked.chmod(0o755)
    monkeypatch.delenv("JAX_PLATFORMS", raising=False)
    monkeypatch.setattr(backend, "_plugins", lambda: True)
    monkeypatch.setattr("sys.executable", str(asked))
    assert backend.is_accelerated() is True
    asked.write_text("#!/bin/sh\necho gpu\nexit 1\n")
    backend.is_accelerated.cache_clear()
    assert backend.is_accelerated() is False
