"""What the machine is and what rates it has."""

import json
from importlib import metadata

import pytest

from experiments import peers
from experiments.benchmarking import machine
from tests.experiments.test_cli import ROOT


def test_facts_name_hardware_versions_and_date():
    facts = machine.facts()
    for name in ("date", "processor", "cores", "devices", "jax", "jaxlib", "python"):
        assert facts[name], name
    assert facts["date"].count("-") == 2
    json.dumps(facts)


def test_facts_name_no_place_on_the_machine():
    text = json.dumps(machine.facts())
    assert "command_line" not in text
    assert str(ROOT) not in text


def test_versions_of_peers_stand_where_they_are_installed():
    facts = machine.facts()
    for name in machine.PEERS:
        assert (name in facts) == peers.installed(name)
    assert facts["gensim"] == metadata.version("gensim")


def test_a_peer_under_another_distributions_name_has_a_version(monkeypatch):
    holders = {"fasttext": ["numpy"]}  # numpy in place of a fork of fastText
    monkeypatch.setattr(metadata, "packages_distributions", lambda: holders)
    facts = machine.facts()
    assert facts["fasttext"] == metadata.version("numpy")
    assert "gensim" not in facts


def test_a_product_counts_two_flop_for_each_term():
    call, per_second = machine.product(side=64)
    assert call().shape == (64, 64)
    assert per_second(2.0) == 2 * 64**3 / 2.0


def test_a_copy_counts_what_is_read_and_what_is_written():
    call, per_second = machine.copy(size=4096)
    assert call().nbytes == 4096
    assert per_second(0.5) == 2 * 4096 / 0.5


def test_the_devices_of_a_cpu_share_their_threads():
    assert machine.whole_machine(3.0, 8) == 3.0


def test_several_accelerators_multiply_together(monkeypatch):
    import jax

    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert machine.whole_machine(3.0, 8) == 24.0


def test_rates_are_medians_of_both():
    found = machine.rates(times=1, side=64, size=4096)
    assert set(found) == {"product_flop_per_second", "copy_bytes_per_second"}
    # no machine takes a second for half a million flop or for eight kilobytes
    assert found["product_flop_per_second"] > 2 * 64**3
    assert found["copy_bytes_per_second"] > 2 * 4096


@pytest.mark.parametrize("side", [32, 48])
def test_the_product_is_that_of_its_two_matrices(side):
    import numpy as np

    first, second = machine._placed(None, [(side, side)] * 2)
    call, _ = machine.product(side=side)
    # float32: relative rounding of some 1e-7 a term, sums of up to 48 terms
    np.testing.assert_allclose(
        call(), np.asarray(first) @ np.asarray(second), rtol=1e-5
    )
