"""The studies, by name: question, cells, what to expect, what it costs.

Corpus: enwiki2015_leads_100MB, the whole of it or its first 25 MB (4,250,000 words).
Costs are for two cores and by measured rates; `--dry_run` says what is left of them.
"""

import dataclasses
from collections.abc import Mapping

CORPUS = "enwiki2015_leads_100MB"
FIRST_25_MB = 4_250_000  # words
# As many shared noise rows for every model and kernel, so that they explain nothing.
ALIKE = {"shared_noise": 64}
SMALL = ALIKE | {"max_words": FIRST_25_MB, "subsample": 1e-4}
WHOLE = ALIKE | {"subsample": 1e-4}
Flags = Mapping[str, object]


@dataclasses.dataclass(frozen=True)
class Preset:
    """One study.

    Attributes:
      name: for --preset.
      question: what it is to answer.
      expected: what the literature or reasoning lets one expect.
      cost: of all its runs, in words.
      sweeps: of --sweep.
      cells: of --cell.
      flags: training flags all cells share, where the command line says nothing else.
      seeds: runs of each cell.
      jobs: runs side by side, for --jobs: two on two cores leave each a core and one
        replica, so that no meeting of replicas stands between a flag and its effect.
      remark: what else a reader must know; "" if nothing.
    """

    name: str
    question: str
    expected: str
    cost: str
    sweeps: tuple[str, ...] = ()
    cells: tuple[str, ...] = ()
    flags: Flags = dataclasses.field(default_factory=lambda: SMALL)
    seeds: int = 5
    jobs: int = 2
    remark: str = ""

    def command(self) -> str:
        """The command line that runs it."""
        return (
            f"python -m experiments.ablate --preset={self.name} "
            f"--corpus={CORPUS} --workdir=runs/{self.name} --jobs={self.jobs}"
        )


_ALL = (
    Preset(
        "objectives",
        "Does the ordering of Mikolov et al. 2013b, Table 1 hold: NEG-15 at least "
        "NEG-5, both above hierarchical softmax without subsampling, and does "
        "subsampling lift hierarchical softmax most?",
        "NEG-15 >= NEG-5 > HS without subsampling; the largest gain for HS.",
        "about 30 minutes",
        sweeps=("subsample=0,0.0001",),
        cells=(
            "neg5: negatives=5",
            "neg15: negatives=15",
            "hs: objective=hierarchical_softmax",
        ),
        flags=ALIKE,
        remark="Whole corpus. The full softmax is in objectives_10k.",
    ),
    Preset(
        "objectives_10k",
        "How do the sampled objectives compare with the full softmax that they stand "
        "for, over the 10,000 most frequent words?",
        "The full softmax at least as good as either; negative sampling near it.",
        "about an hour, most of it for the full softmax",
        sweeps=("subsample=0,0.0001",),
        cells=(
            "neg5: negatives=5",
            "neg15: negatives=15",
            "hs: objective=hierarchical_softmax",
            "softmax: objective=softmax, learning_rate=0.0125, block=32, row_cap=0",
        ),
        flags=ALIKE | {"max_vocabulary": 10_000, "epochs": 1},
        seeds=3,
        remark="Whole corpus, once where other studies take it five times, and three "
        "seeds, because a run of the full softmax takes up to twenty minutes.",
    ),
    Preset(
        "architectures",
        "Is skip-gram better for rare words and CBOW faster? Does the exact gradient "
        "of CBOW close the gap to skip-gram that word2vec.c's leaves (Irsoy et al. "
        "2021; disputed)?",
        "Skip-gram ahead on rare words, CBOW faster (note 002); exact and undivided "
        "gradient alike, each at its own learning rate.",
        "about 25 minutes",
        sweeps=("objective=negative_sampling,hierarchical_softmax",),
        cells=(
            "skipgram: architecture=skipgram",
            "cbow_exact: architecture=cbow, gradient=exact",
            "cbow_word2vec_c: architecture=cbow, gradient=word2vec_c",
        ),
        flags=WHOLE,
        remark="Whole corpus. Bands of frequency are those of the analogies.",
    ),
    Preset(
        "noise_exponent",
        "Which power of the word counts makes the best noise?",
        "3/4 ahead of 1/2 and 1 (Mikolov et al. 2013b, section 2.2), 0 behind.",
        "about 10 minutes",
        sweeps=("noise_exponent=0,0.5,0.75,1",),
    ),
    Preset(
        "negatives",
        "How many negatives per pair are enough on a small text?",
        "5 to 20 for small texts (Mikolov et al. 2013b, section 2.2).",
        "about 15 minutes",
        sweeps=("negatives=1,2,5,10,20",),
    ),
    Preset(
        "shared_noise",
        "What does it cost in quality that the pairs of a block share S noise words, "
        "each weighted K/S, where word2vec.c draws K fresh ones for every pair?",
        "Few shared words lower SimLex-999; 32 and more as good as fresh ones.",
        "about 10 minutes",
        cells=(
            "shared_4: shared_noise=4, noise_pool=0",
            "shared_8: shared_noise=8, noise_pool=0",
            "shared_16: shared_noise=16, noise_pool=0",
            "shared_32: shared_noise=32, noise_pool=0",
            "shared_64: shared_noise=64, noise_pool=0",
            "pool_of_64: shared_noise=64, noise_pool=64",
            "pool_of_256: shared_noise=64, noise_pool=256",
            "fresh_50_a_centre: block=1, shared_noise=50, noise_pool=0",
        ),
        flags=SMALL | {"block": 16, "exchange_every": 32},
        remark="Blocks of 16 tokens, 32 of them between two meetings, in the native "
        "kernel; a pool is drawn once for all 32. Fresh here means 50 noise words for "
        "each centre, as many as ten pairs with five of their own, shared by that "
        "centre's pairs alone, a step for each centre; noise drawn for each single "
        "pair does not exist in blocks.",
    ),
    Preset(
        "window",
        "Which window, and should it be drawn from 1..m or be m for every centre?",
        "Larger windows favour topical similarity (WordSim-353), smaller ones "
        "SimLex-999 (Levy and Goldberg 2014); drawn ones favour near words.",
        "about 25 minutes",
        sweeps=("window=2,5,10", "dynamic_window=true,false"),
    ),
    Preset(
        "dimension",
        "How does quality grow with the size of the vectors?",
        "Growing, ever more slowly; 25 MB of text do not fill 300 dimensions.",
        "about 25 minutes",
        sweeps=("dim=25,50,100,200,300",),
    ),
    Preset(
        "subsampling",
        "Which threshold, and does word2vec.c's formula differ from the paper's?",
        "Near 1e-4 best on small texts; no difference between the formulas that five "
        "seeds can show.",
        "about 20 minutes",
        cells=(
            "off: subsample=0",
            "word2vec_1e-3: subsample=1e-3",
            "word2vec_1e-4: subsample=1e-4",
            "word2vec_1e-5: subsample=1e-5",
            "paper_1e-3: subsample=1e-3, subsample_formula=paper",
            "paper_1e-4: subsample=1e-4, subsample_formula=paper",
            "paper_1e-5: subsample=1e-5, subsample_formula=paper",
        ),
        flags=ALIKE | {"max_words": FIRST_25_MB},
    ),
    Preset(
        "optimizer",
        "Do Adagrad and (lazy) Adam beat SGD with a rate that falls to zero?",
        "SGD hard to beat at its usual rate; the others sensitive to theirs.",
        "about 40 minutes",
        cells=(
            "sgd_0.025: optimizer=sgd, learning_rate=0.025",
            "sgd_0.05: optimizer=sgd, learning_rate=0.05",
            "sgd_0.1: optimizer=sgd, learning_rate=0.1",
            "adagrad_0.05: optimizer=adagrad, learning_rate=0.05",
            "adagrad_0.1: optimizer=adagrad, learning_rate=0.1",
            "adagrad_0.3: optimizer=adagrad, learning_rate=0.3",
            "adam_0.0003: optimizer=adam, learning_rate=0.0003",
            "adam_0.001: optimizer=adam, learning_rate=0.001",
            "adam_0.003: optimizer=adam, learning_rate=0.003",
            "adam_0.01: optimizer=adam, learning_rate=0.01",
        ),
        flags=SMALL | {"kernel": "xla"},
        remark="All in XLA: the native kernel knows SGD alone.",
    ),
    Preset(
        "batch_size",
        "At how many tokens a step does quality break?",
        "Gradients taken at old values hurt the frequent words first: level to some "
        "hundred tokens, worse beyond a few thousand, diverging at last.",
        "about 15 minutes",
        sweeps=("streams=1,4,16,64,256",),
        flags=SMALL | {"kernel": "xla"},
        remark="A step has 32 times so many tokens, for each replica. In XLA, which "
        "takes many blocks side by side.",
    ),
    Preset(
        "large_batches",
        "At the tokens a step that an accelerator wants, what does damping "
        "(w2v_jax/damping.py) keep of the quality of usual steps?",
        "No run diverges. Level to some 10,000 tokens, then worse: a row moves less "
        "often, and a frequent one less far than as many small steps would take it.",
        "about an hour",
        cells=tuple(
            f"{architecture}_{32 * streams}: architecture={architecture}, "
            f"kernel={kernel}, streams={streams}, damping={damping}"
            for architecture in ("skipgram", "cbow")
            for kernel, streams, damping in (
                ("xla", 4, 0),
                ("xla_large", 256, 0.05),
                ("xla_large", 512, 0.05),
                ("xla_large", 1024, 0.05),
            )
        ),
        flags=WHOLE,
        seeds=3,
        remark="The number of a cell is that of its tokens a step, after subsampling. "
        "Whole corpus, three seeds. On a CPU, one replica: quality is that of an "
        "accelerator, speed is not. batch_size has larger steps without damping.",
    ),
    Preset(
        "large_batches_tree",
        "And under hierarchical softmax, where thousands of a step's pairs share the "
        "root?",
        "No run diverges. The root learns slowly, and settles soon all the same; most "
        "of what is to be learnt lies deep, in rows that few pairs of a step share.",
        "about an hour",
        cells=tuple(
            f"{architecture}_{block * streams}: architecture={architecture}, "
            f"kernel={kernel}, block={block}, streams={streams}, damping={damping}, "
            f"row_cap={cap}"
            for architecture, block, small, large, usual_cap in (
                ("skipgram", 16, 8, 512, 64),
                ("cbow", 32, 2, 256, 16),
            )
            for kernel, streams, damping, cap in (
                ("xla", small, 0, usual_cap),
                ("xla_large", large, 0.05, 0),
            )
        ),
        flags=WHOLE | {"objective": "hierarchical_softmax"},
        seeds=3,
        remark="Whole corpus, three seeds, as large_batches. The usual steps have the "
        "tree's row cap, the large ones damping alone.",
    ),
    Preset(
        "vocabulary",
        "What does a word cost against the size V of the vocabulary?",
        "O(V) for the full softmax, O(log V) for the tree, O(K) for negative sampling.",
        "about 30 minutes, nearly all for the full softmax",
        sweeps=(
            "objective=negative_sampling,hierarchical_softmax,softmax",
            "max_vocabulary=1000,2000,4000,8000,16000,32000",
        ),
        flags=ALIKE
        | {
            "max_words": 1_000_000,
            "min_count": 1,
            "epochs": 1,
            "subsample": 1e-4,
        },
        seeds=3,
        jobs=1,
        remark="The first million words, once: cost is asked for, not quality. Words "
        "outside the vocabulary are dropped, so divide by kept_tokens. One job, so "
        "that no run slows another.",
    ),
    Preset(
        "tables",
        "Which vectors of a trained model are best: input, output, their average or "
        "both end to end (note 002)?",
        "Input and average close, output behind on similarity.",
        "about 5 minutes",
        sweeps=("architecture=skipgram,cbow",),
        remark="The choice is that of `experiments.report "
        "--tables=input,output,average,concatenation`, not of training.",
    ),
)
PRESETS: dict[str, Preset] = {preset.name: preset for preset in _ALL}
