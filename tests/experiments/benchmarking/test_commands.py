"""The benchmark's parts as commands: what they refuse, and a small run of each."""

import json

import pytest

from experiments import kernel
from experiments.benchmarking import children, pairs, quality, softmax, zipf
from tests.experiments.benchmarking.patient import patient

SCALING = "experiments.benchmarking.scaling"
SOFTMAX = "experiments.benchmarking.softmax"


@pytest.mark.parametrize(
    ("module", "flags", "word"),
    [
        (SCALING, ["--scaling=corpus"], "corpus"),
        (SCALING, ["--words=1"], "words"),
        (SCALING, ["--times=0"], "times"),
        (SOFTMAX, ["--models=skipgram-negative_sampling"], "skipgram-softmax"),
        (SOFTMAX, ["--dim=0"], "dim"),
        ("experiments.benchmarking.quality", [], "folder"),
        ("experiments.benchmarking.quality", ["--folder=nowhere"], "nowhere"),
        ("experiments.benchmarking.watched", ["--points=-1"], "points"),
    ],
)
def test_bad_flags_get_one_line(module, flags, word):
    code, out, err = patient("-m", module, *flags)
    assert (code, out) == (2, "")
    assert len(err.strip().splitlines()) == 1
    assert word in err


@pytest.mark.slow
def test_scaling_prints_a_point_for_each_value(tmp_path):
    flags = ["--scaling=dim", "--values=4,8", "--words=512", "--times=2"]
    flags += [f"--cache_dir={tmp_path}", "--model=skipgram-negative_sampling"]
    found = children.answer(SCALING, *flags)
    assert [point["value"] for point in found] == [4, 8]
    for point in found:
        assert point["flag"] == "dim"
        assert len(point["microseconds"]) == 2
        assert min(point["microseconds"]) > 0
    # the same text under the same seed: dim changes neither tokens nor pairs
    assert found[0]["kept_tokens"] == found[1]["kept_tokens"] <= 512
    assert found[0]["pairs"] == found[1]["pairs"]


@pytest.mark.slow
def test_negatives_are_varied_only_where_there_are_any(tmp_path):
    flags = ["--scaling=negatives", "--model=skipgram-softmax"]
    assert children.answer(SCALING, *flags, f"--cache_dir={tmp_path}") == []


@pytest.mark.slow
def test_softmax_prints_a_share_for_each_vocabulary(tmp_path):
    flags = ["--max_vocabulary=20,30", "--dim=4", "--seconds=0", "--times=1"]
    found = children.answer(SOFTMAX, *flags, f"--cache_dir={tmp_path}")
    asked = [(model, size) for model in softmax.MODELS for size in (20, 30)]
    assert [(one["model"], one["max_vocabulary"]) for one in found] == asked
    for one in found:
        assert one["share"] > 0
        assert one["hidden_vectors"] == 4096
        assert one["kernel"] == kernel.usual(tmp_path)


@pytest.mark.slow
def test_the_machine_prints_facts_and_rates():
    found = children.answer("experiments.benchmarking.machine")
    assert found["product_flop_per_second"] > 0
    assert found["copy_bytes_per_second"] > 0
    assert {"date", "cores", "jax", "processor"} <= set(found)
    json.dumps(found)


@pytest.mark.parametrize("seed", range(3))
def test_a_higher_target_is_never_reached_earlier(seed):
    import numpy as np

    rng = np.random.default_rng(seed)
    way = [
        {"seconds": float(k), "wordsim353": rng.random(), "google": rng.random()}
        for k in range(1, 20)
    ]
    low = {"wordsim353": 0.3, "google": 0.3}
    high = {"wordsim353": 0.7, "google": 0.7}
    never = float("inf")
    for name, seconds in quality.seconds_to(way, low).items():
        later = quality.seconds_to(way, high)[name]
        assert (seconds or never) <= (later or never)
    both = quality.seconds_to(way, low)
    assert both["both"] >= max(both["wordsim353"], both["google"])


@pytest.mark.parametrize("window", [1, 4])
def test_pairs_of_two_orders_of_reading_are_the_same(window):
    import numpy as np

    from w2v_jax.blocks import Chunk

    known = zipf.vocabulary(20)
    tokens = zipf.text(known, 100)
    reach = np.random.default_rng(0).integers(1, window + 1, 100).astype(np.int32)
    lines = np.repeat(np.arange(10, dtype=np.int32), 10)
    there = Chunk(tokens, reach, lines, 100)
    back = Chunk(tokens[::-1], reach[::-1], 9 - lines[::-1], 100)
    for architecture in ("skipgram", "cbow"):
        assert pairs.in_chunk(there, architecture) == pairs.in_chunk(back, architecture)
