"""The training command under the rules of other implementations."""

import json

import numpy as np
import pytest

from tests.experiments.test_train import corpus as corpus
from tests.experiments.test_train import run
from w2v_jax import Vectors

# Full softmax: none of the implementations has it; only CBOW's average deviates.
MODELS = [
    ("skipgram", "negative_sampling", "word2vec_c"),
    ("skipgram", "hierarchical_softmax", "word2vec_c"),
    ("cbow", "negative_sampling", "word2vec_c"),
    ("cbow", "hierarchical_softmax", "word2vec_c"),
    ("cbow", "softmax", "word2vec_c"),
    ("cbow", "negative_sampling", "gensim"),
    ("cbow", "negative_sampling", "fasttext"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("architecture", "objective", "gradient"), MODELS)
def test_a_model_trains_by_another_rule(
    architecture, objective, gradient, corpus, tmp_path
):
    flags = (f"--architecture={architecture}", f"--objective={objective}")
    model = (*flags, "--epochs=4", "--learning_rate=0.02", "--input_rate_scale=1")
    code, _, err = run(corpus, tmp_path / "run", *model, f"--gradient={gradient}")
    assert code == 0, err
    assert f"gradient={gradient}: not the gradient of the loss" in err
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["gradient"] == gradient
    lines = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    losses = [json.loads(line)["loss"] for line in lines]
    assert np.isfinite(losses).all()
    vectors = Vectors.load(tmp_path / "run" / "vectors.bin")
    # The topics are the even and the odd words; chance would put 9 of 19 in "odd".
    near = [int(word[1:]) for word, _ in vectors.nearest("w1", 9)]
    assert sum(word % 2 for word in near) >= 8


@pytest.mark.slow
def test_without_rates_cbow_takes_those_of_word2vec_c(corpus, tmp_path):
    from tests.experiments.test_cli import train

    code, _, err = train(
        f"--corpus={corpus}", f"--cache_dir={corpus.parent}/cache",
        f"--workdir={tmp_path / 'run'}", "--dim=4", "--epochs=1", "--min_count=1",
        "--architecture=cbow", "--gradient=word2vec_c",
    )  # fmt: skip
    assert code == 0, err
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert (config["learning_rate"], config["input_rate_scale"]) == (0.05, 1.0)


@pytest.mark.slow
def test_where_a_rule_changes_nothing_the_run_says_so(corpus, tmp_path):
    flags = ("--objective=softmax", "--epochs=1", "--gradient=word2vec_c")
    code, _, err = run(corpus, tmp_path / "run", *flags)
    assert code == 0, err
    assert "gradient=word2vec_c: the exact gradient here; skip-gram with the" in err


@pytest.mark.slow
def test_a_misspelt_rule_is_refused_with_the_choices(corpus, tmp_path):
    code, _, err = run(corpus, tmp_path / "run", "--gradient=word2vec")
    assert code == 2
    (line,) = err.strip().splitlines()
    assert "--gradient=word2vec" in line
    assert "exact|undivided|word2vec_c|gensim|fasttext" in line
