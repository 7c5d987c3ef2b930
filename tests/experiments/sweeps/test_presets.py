"""The studies: each is a sweep that could start today."""

import pytest

from experiments.sweeps.presets import CORPUS, FIRST_25_MB, PRESETS
from experiments.sweeps.sweep import configs, make_cells
from w2v_jax.config import OBJECTIVES, Config, resolve
from w2v_jax.named_corpora import CORPORA


def cells_of(preset):
    cells = make_cells(preset.sweeps, preset.cells)
    return configs(Config(corpus=CORPUS, **preset.flags), cells)


@pytest.mark.parametrize("name", PRESETS)
def test_every_study_has_cells_seeds_and_says_what_it_is_for(name):
    preset = PRESETS[name]
    assert preset.name == name
    assert len(cells_of(preset)) >= 2
    assert preset.seeds in (3, 5)
    assert preset.question.endswith("?") or "?" in preset.question
    for text in (preset.question, preset.expected, preset.cost):
        assert text
    assert f"--preset={name}" in preset.command()
    assert f"--corpus={CORPUS}" in preset.command()
    assert f"--jobs={preset.jobs}" in preset.command()


@pytest.mark.parametrize("name", PRESETS)
def test_fewer_seeds_or_another_text_are_explained(name):
    preset = PRESETS[name]
    if preset.seeds < 5 and name != "vocabulary":
        assert "hree seeds" in preset.remark
    if "max_words" not in preset.flags:
        assert "Whole corpus" in preset.remark
    elif preset.flags["max_words"] != FIRST_25_MB:
        assert "first million words" in preset.remark


def test_the_corpus_of_the_studies_is_a_known_one():
    assert CORPUS in CORPORA


def test_25_mb_are_a_quarter_of_the_words_of_the_corpus():
    bytes_, words = 99_991_798, 17_010_519  # of enwiki2015_leads_100MB
    # within one per cent: the first articles are no other than the rest
    assert pytest.approx(words * 25e6 / bytes_, rel=0.01) == FIRST_25_MB


def test_the_objectives_are_compared_with_and_without_subsampling():
    found = cells_of(PRESETS["objectives"]).values()
    asked = {(c.objective, c.negatives, c.subsample) for c in found}
    assert asked == {
        (objective, negatives, subsample)
        for objective, negatives in (
            ("negative_sampling", 5),
            ("negative_sampling", 15),
            ("hierarchical_softmax", 5),
        )
        for subsample in (0.0, 1e-4)
    }
    small = cells_of(PRESETS["objectives_10k"]).values()
    assert {c.objective for c in small} == set(OBJECTIVES)
    assert {c.max_vocabulary for c in small} == {10_000}


@pytest.mark.parametrize("objective", ["negative_sampling", "hierarchical_softmax"])
def test_rates_of_cbow_by_word2vecs_rule_are_its_own(objective):
    found = cells_of(PRESETS["architectures"])
    exact, undivided = (
        resolve(found[f"cbow_{name},objective={objective}"], 1)
        for name in ("exact", "word2vec_c")
    )
    assert exact.input_rate_scale != undivided.input_rate_scale
    assert exact.learning_rate != undivided.learning_rate
    assert exact.architecture == undivided.architecture == "cbow"
    assert exact.objective == undivided.objective == objective


def test_negatives_exponents_and_batch_sizes_cover_what_is_asked():
    def values(name, field):
        return sorted(getattr(c, field) for c in cells_of(PRESETS[name]).values())

    assert values("noise_exponent", "noise_exponent") == [0, 0.5, 0.75, 1]
    assert min(values("negatives", "negatives")) == 1
    assert max(values("negatives", "negatives")) == 20
    assert set(values("optimizer", "optimizer")) == {"sgd", "adagrad", "adam"}
    streams = values("batch_size", "streams")
    assert max(streams) / min(streams) >= 100
    assert set(values("window", "dynamic_window")) == {True, False}
    formulas = values("subsampling", "subsample_formula")
    assert set(formulas) == {"word2vec", "paper"}


def test_the_cost_of_a_word_is_measured_over_a_factor_of_32_in_vocabulary():
    sizes = {c.max_vocabulary for c in cells_of(PRESETS["vocabulary"]).values()}
    assert max(sizes) / min(sizes) == 32
