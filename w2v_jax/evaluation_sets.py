"""Word similarity and analogy sets: what they are, their origin and SHA-256.

None is part of this project: `find_evaluation_set` looks where they may lie.
"""

import dataclasses
import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path

from w2v_jax.config_fields import did_you_mean

DATA_DIR_VARIABLE = "W2V_JAX_DATA"
"""Environment variable: a folder of corpora and evaluation sets."""

BESIDE_THE_PROJECT: Path | None = Path(__file__).parents[2] / "shared" / "data"
"""The folder of data that lies beside a checkout of this project."""


@dataclasses.dataclass(frozen=True)
class EvaluationSet:
    """A published set.

    name: what it is called here and in eval.json.
    language: "en" or "zh".
    kind: "similarity" or "analogy".
    files: file names it goes by, the preferred one first. BATS is a folder of files.
    source: the publication.
    origin: where the set is published.
    """

    name: str
    language: str
    kind: str
    files: tuple[str, ...]
    source: str
    origin: str

    @property
    def sha256(self) -> dict[str, str | None]:
        """For each file name the hash of the copy our results are measured on.

        None where this project has not had a copy to hash.
        """
        return {file: _SHA256.get(file) for file in self.files}


_SHA256SUMS = """
ce12919b240af45bdf46d243601eaca2b6212b159b5e7e9b435ee7ee40c5619c  EN-WS-353-ALL.txt
f92a022fc2537793a15bc3a8c162ebcd74990e033a228bb6388cb71e4c0b1e1d  wordsim353.tsv
f1da938998863c94e53f72f984a5c6e215f0b46c323aae8f0f4930703a339107  EN-WS-353-SIM.txt
66a7c88100624d0a391605ff61ce84e11d11ee620d51ec0298da49592838f8fa  EN-WS-353-REL.txt
405394ffb7d25f6d0e3c041f87c9f27d29dc6b047506769953e85c4523b11685  EN-SIMLEX-999.txt
d5e0501971478a511430ee880bd0121e94ac701ba86d90544d83e6d2ba3db05d  simlex999.txt
c243f3a91c3f5d8cf67f21a67f6fb80bde8b6bb060851a6a48e6f2d68ec98c9f  EN-RG-65.txt
33ee05911496ff83d95cac351d0746c6f63b9181b605cb7d307f4daa8864511b  EN-MC-30.txt
a9ae3a9decb75a9700fe0cf18b048c1344774d9f40e0196baf8e34d4cd9d1ce5  EN-MTurk-287.txt
8c29b3332afc46f3fb8be04cb5297bf96f39aa7131272dff57869b4485b22a36  questions-words.txt
6e8d8a1d83165250631e5d74689837ab11bd00b7547a1d5e7000fa8bb4e259ef  msr-analogies.txt
822b25ceba0f6b916355e20a6611704de4b65933898196ee19de95f9c0203483  wordsim-240.txt
d2e7a4b162e79ef619b0c57c3019adf3d1ae1d12fe3ca11e9a86e4e0df879664  wordsim-297.txt
94919a535ed2e0682e6ad12f7508b2aac9b11d0fa048999ec85b9723c0f0aef5  CA-translated.txt
"""
_SHA256 = {line.split()[1]: line.split()[0] for line in _SHA256SUMS.split("\n") if line}

_WORD_SIM = "https://github.com/mfaruqui/eval-word-vectors"
_CWE = "https://github.com/Leonard-Xu/CWE"
_ZH_VECTORS = "https://github.com/Embedding/Chinese-Word-Vectors"
_CHEN = "Chen et al. 2015, Joint learning of character and word embeddings"
_AGIRRE = "Agirre et al. 2009, A study on similarity and relatedness"

EVALUATION_SETS: dict[str, EvaluationSet] = {
    row[0]: EvaluationSet(*row)
    for row in (
        (
            *("wordsim353", "en", "similarity"),
            ("EN-WS-353-ALL.txt", "wordsim353.tsv"),
            "Finkelstein et al. 2002, Placing search in context",
            "http://www.cs.technion.ac.il/~gabr/resources/data/wordsim353/",
        ),
        (
            *("wordsim353_similarity", "en", "similarity"),
            ("EN-WS-353-SIM.txt",),
            *(_AGIRRE, _WORD_SIM),
        ),
        (
            *("wordsim353_relatedness", "en", "similarity"),
            ("EN-WS-353-REL.txt",),
            *(_AGIRRE, _WORD_SIM),
        ),
        (
            *("simlex999", "en", "similarity"),
            ("EN-SIMLEX-999.txt", "simlex999.txt"),
            "Hill et al. 2015, SimLex-999",
            "https://fh295.github.io/simlex.html",
        ),
        (
            *("rg65", "en", "similarity"),
            ("EN-RG-65.txt",),
            "Rubenstein and Goodenough 1965, Contextual correlates of synonymy",
            _WORD_SIM,
        ),
        (
            *("mc30", "en", "similarity"),
            ("EN-MC-30.txt",),
            "Miller and Charles 1991, Contextual correlates of semantic similarity",
            _WORD_SIM,
        ),
        (
            *("mturk287", "en", "similarity"),
            ("EN-MTurk-287.txt",),
            "Radinsky et al. 2011, A word at a time",
            _WORD_SIM,
        ),
        (
            *("men", "en", "similarity"),
            ("EN-MEN-TR-3k.txt",),
            "Bruni et al. 2014, Multimodal distributional semantics",
            _WORD_SIM,
        ),
        (
            *("rw", "en", "similarity"),
            ("EN-RW-STANFORD.txt",),
            "Luong et al. 2013, Better word representations with recursive networks",
            _WORD_SIM,
        ),
        (
            *("simverb3500", "en", "similarity"),
            ("EN-SimVerb-3500.txt", "SimVerb-3500.txt"),
            "Gerz et al. 2016, SimVerb-3500",
            _WORD_SIM,
        ),
        (
            *("google", "en", "analogy"),
            ("questions-words.txt",),
            "Mikolov et al. 2013a, Efficient estimation of word representations",
            "https://github.com/tmikolov/word2vec",
        ),
        (
            *("msr", "en", "analogy"),
            ("msr-analogies.txt",),
            "Mikolov, Yih and Zweig 2013, Linguistic regularities",
            "Microsoft Research, the syntactic test set of that paper",
        ),
        (
            *("bats", "en", "analogy"),
            ("BATS_3.0",),
            "Gladkova et al. 2016, Analogy-based detection",
            "https://vecto.space/projects/BATS/",
        ),
        (
            *("wordsim240", "zh", "similarity"),
            ("wordsim-240.txt", "240.txt"),
            *(_CHEN, _CWE),
        ),
        (
            *("wordsim297", "zh", "similarity"),
            ("wordsim-297.txt", "297.txt"),
            *(_CHEN, _CWE),
        ),
        (
            *("ca_translated", "zh", "analogy"),
            ("CA-translated.txt", "ca_translated.txt"),
            *(_CHEN, _ZH_VECTORS),
        ),
        (
            *("ca8", "zh", "analogy"),
            ("ca8.txt",),  # its two files, morphological and semantic, joined
            "Li et al. 2018, Analogical reasoning on Chinese relations",
            _ZH_VECTORS,
        ),
        (
            *("cos960", "zh", "similarity"),
            ("COS960_all.txt",),
            "Huang et al. 2019, COS960",
            "https://github.com/thunlp/COS960",
        ),
    )
}


def find_evaluation_set(name: str, data_dir: str | Path | None = None) -> Path | None:
    """Where a named set lies on this machine, None if it is nowhere.

    Looked for under each of its file names, in this order: `data_dir`, the folder
    that the environment variable W2V_JAX_DATA names, ../shared/data beside the
    project (each also in its eval, eval/en and eval/zh), and the test data that the
    gensim wheel carries. The content is not compared with the hash: a user's own copy
    of a set counts.

    Raises:
      ValueError: no set of that name is known.
    """
    if name not in EVALUATION_SETS:
        known = list(EVALUATION_SETS)
        raise ValueError(
            f"{name}: no evaluation set of that name; "
            f"known are {', '.join(known)}.{did_you_mean(name, known)}"
        )
    for folder in data_folders(data_dir):
        for below in (".", "eval", "eval/en", "eval/zh"):
            for file in EVALUATION_SETS[name].files:
                if (path := folder / below / file).exists():
                    return path
    return None


def data_folders(data_dir: str | Path | None = None) -> Iterator[Path]:
    """The folders where data may lie, the most explicit first."""
    if data_dir is not None:
        yield Path(data_dir)
    if os.environ.get(DATA_DIR_VARIABLE):
        yield Path(os.environ[DATA_DIR_VARIABLE])
    if BESIDE_THE_PROJECT is not None:
        yield BESIDE_THE_PROJECT
    if (gensim := gensim_test_data()) is not None:
        yield gensim


def gensim_test_data() -> Path | None:
    """The folder of real text and test sets in the gensim wheel, if installed.

    gensim itself is not imported.
    """
    spec = importlib.util.find_spec("gensim")
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "test" / "test_data"
