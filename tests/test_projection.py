import numpy as np
import pytest

from w2v_jax import projection

RNG = np.random.default_rng(0)
CLUSTERS = np.repeat(np.arange(4), 20)


def clusters(dim=10, spread=0.3):
    centres = 5 * np.eye(dim)[:4]
    return centres[CLUSTERS] + spread * RNG.normal(size=(80, dim))


def test_principal_components_keep_the_plane_that_vectors_lie_in():
    plane = RNG.normal(size=(30, 2)) * [3, 1]
    axes = np.linalg.qr(RNG.normal(size=(7, 7)))[0][:2]
    points, shares = projection.pca(plane @ axes + 4)
    # distances in the plane are those in space, to float64 rounding
    gap = np.linalg.norm(plane[:, None] - plane[None], axis=-1)
    found = np.linalg.norm(points[:, None] - points[None], axis=-1)
    np.testing.assert_allclose(found, gap, atol=1e-10)
    assert shares.sum() == pytest.approx(1)
    assert shares[0] > shares[1]


def test_a_parallelogram_stays_one():
    a, b, c = RNG.normal(size=(3, 9))
    others = RNG.normal(size=(5, 9))
    points, _ = projection.pca(np.stack([a, b, c, b - a + c, *others]))
    np.testing.assert_allclose(points[1] - points[0], points[3] - points[2], atol=1e-10)


def test_axes_point_to_their_largest_coordinate():
    x = RNG.normal(size=(20, 3))
    points, _ = projection.pca(x)
    mirrored, _ = projection.pca(-x)
    for found in (points, mirrored):
        largest = np.abs(found).argmax(axis=0)
        assert (found[largest, [0, 1]] > 0).all()


def test_one_dimension_is_drawn_on_a_line():
    points, shares = projection.pca(np.array([[1.0], [3.0]]))
    np.testing.assert_allclose(points[:, 1], 0)
    assert shares.tolist() == [1, 0]
    with pytest.raises(ValueError, match="at least 2 words, not 1"):
        projection.pca(np.ones((1, 3)))


def test_affinities_have_the_perplexity_asked_for():
    x = clusters()
    p = projection.affinities(x, 7.0)
    np.testing.assert_allclose(p, p.T)
    assert p.sum() == pytest.approx(1)
    assert (np.diag(p) == 0).all()
    # undo the symmetry for points that are all alike: on a ring each row is the same
    angle = 2 * np.pi * np.arange(40) / 40
    ring = projection.affinities(np.stack([np.cos(angle), np.sin(angle)], 1), 7.0)
    row = ring[0] * 40
    entropy = -(row[row > 0] * np.log(row[row > 0])).sum()
    assert np.exp(entropy) == pytest.approx(7.0, rel=1e-6)  # of the bisection


def test_tsne_keeps_clusters_together():
    vectors = clusters()
    points = projection.tsne(vectors)
    gap = np.linalg.norm(points[:, None] - points[None], axis=-1)
    np.fill_diagonal(gap, np.inf)
    nearest = gap.argsort(axis=1)[:, :5]
    assert (CLUSTERS[nearest] == CLUSTERS[:, None]).mean() > 0.99
    np.testing.assert_array_equal(points, projection.tsne(vectors))


def test_tsne_refuses_what_it_cannot_hold():
    with pytest.raises(ValueError, match="4 to 5,000 words, not 3"):
        projection.tsne(np.eye(3))
    with pytest.raises(ValueError, match="not 5,001; use pca"):
        projection.tsne(np.zeros((5001, 2)))
