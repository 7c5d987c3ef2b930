"""Figures of words: maps, parallelograms, scores against people's, stability."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from w2v_jax import projection
from w2v_jax.evaluation.similarity import SimilarityResult
from w2v_jax.vectors import Vectors

Floats = NDArray[np.float64]
SIZE = (8.0, 6.0)  # inches


def new_figure() -> tuple[Any, Any]:
    """(figure, axes) that need no display.

    Raises:
      ValueError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ValueError(
            "pictures: matplotlib is not installed; pip install 'w2v_jax[plots]'"
        ) from None
    figure = Figure(figsize=SIZE, layout="constrained")
    return figure, figure.subplots()


def word_map(
    vectors: Vectors,
    clusters: dict[str, list[str]],
    method: str = "pca",
    perplexity: float = 15.0,
) -> Any:
    """A map of the words' unit vectors; each cluster has its colour and a legend line.

    Args:
      vectors: where the words come from.
      clusters: name -> words; a word of several clusters is drawn with the first.
      method: "pca" or "tsne".
      perplexity: of t-SNE.
    """
    from w2v_jax import search

    owner: dict[str, str] = {}
    for name, members in clusters.items():
        for word in members:
            owner.setdefault(word, name)
    words = list(owner)
    unit = search.unit(vectors.matrix[[vectors.row(word) for word in words]])
    figure, axes = new_figure()
    if method == "pca":
        points, shares = projection.pca(unit)
        axes.set_xlabel(f"first principal component ({100 * shares[0]:.0f} %)")
        axes.set_ylabel(f"second ({100 * shares[1]:.0f} %)")
    else:
        points = projection.tsne(unit, perplexity)
        axes.set_xlabel("t-SNE: who is near whom; distances mean little")
    for name in clusters:
        chosen = [i for i, word in enumerate(words) if owner[word] == name]
        if chosen:
            label = name if len(clusters) > 1 else None
            axes.scatter(*points[chosen].T, s=18, label=label)
    _label(axes, words, points)
    if len(clusters) > 1:
        axes.legend(fontsize="small")
    return figure


def parallelogram(vectors: Vectors, pairs: Sequence[tuple[str, str]]) -> Any:
    """Pairs of words as arrows a -> b on their two principal components.

    Arrows that are parallel and of one length are an analogy; for two pairs the point
    b - a + c, where the fourth word should be, is drawn as a cross.
    """
    from w2v_jax import search

    words = list(dict.fromkeys(word for pair in pairs for word in pair))
    unit = search.unit(vectors.matrix[[vectors.row(word) for word in words]])
    if len(pairs) == 2:
        a, b, c = (unit[words.index(w)] for w in (*pairs[0], pairs[1][0]))
        unit = np.concatenate([unit, (b - a + c)[None]])
    points, _ = projection.pca(unit)
    figure, axes = new_figure()
    at = {word: points[i] for i, word in enumerate(words)}
    axes.scatter(*points[: len(words)].T, s=18)
    for a, b in pairs:
        axes.annotate("", at[b], at[a], arrowprops={"arrowstyle": "->", "color": "C0"})
    if len(pairs) == 2:
        for side in (0, 1):
            ends = np.array([at[pairs[0][side]], at[pairs[1][side]]])
            axes.plot(*ends.T, linestyle=":", color="0.6")
        axes.scatter(*points[-1], marker="x", color="C3", label=_offset(pairs))
        axes.legend(fontsize="small")
    _label(axes, words, points[: len(words)])
    axes.set_aspect("equal", adjustable="datalim")  # parallels must look parallel
    return figure


def _offset(pairs: Sequence[tuple[str, str]]) -> str:
    (a, b), (c, _) = pairs
    return f"{b} - {a} + {c}"


def against_people(result: SimilarityResult, name: str) -> Any:
    """Cosines against human scores, one point a pair; Spearman's in the title."""
    scores = result.to_dict()
    figure, axes = new_figure()
    axes.scatter(
        result.human[result.known], result.cosine[result.known], s=12, alpha=0.6
    )
    axes.set_xlabel("human score")
    axes.set_ylabel("cosine")
    score = scores["spearman"]
    low, high = scores["interval"] or (float("nan"),) * 2
    axes.set_title(
        f"{name}: {scores['pairs']} pairs, {scores['out_of_vocabulary']} missing, "
        + ("no correlation" if score is None else f"Spearman {score:.3f}")
        + f" ({low:.3f} to {high:.3f})"
    )
    return figure


def stability_bars(bands: dict[str, dict[str, Any]], nearest: int) -> Any:
    """Overlap of nearest words by band of frequency, with intervals."""
    figure, axes = new_figure()
    means = np.array([one["overlap"] for one in bands.values()])
    ends = np.array([one["interval"] for one in bands.values()])
    places = np.arange(len(means))
    errors = np.abs(ends.T - means[None])
    axes.bar(places, means, yerr=errors, capsize=4, color="C0")
    names = [name.replace(" ", "\n", 1) for name in bands]
    axes.set_xticks(places, names, fontsize="small")
    axes.set_ylim(0, 1)
    axes.set_ylabel(f"share of {nearest} nearest words in common")
    return figure


def _label(axes: Any, words: Sequence[str], points: Floats) -> None:
    for word, point in zip(words, points, strict=True):
        axes.annotate(
            word,
            point,
            xytext=(4, 3),
            textcoords="offset points",
            parse_math=False,
            fontsize="small",
        )
