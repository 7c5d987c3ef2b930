"""The registry of objectives; the flag's choices come from `config.OBJECTIVES`."""

from w2v_jax.objectives.hierarchical_softmax import HIERARCHICAL_SOFTMAX
from w2v_jax.objectives.negative_sampling import NEGATIVE_SAMPLING
from w2v_jax.objectives.protocol import Constants, Draw, Objective, Tables
from w2v_jax.objectives.softmax import SOFTMAX

REGISTRY: dict[str, Objective] = {
    "negative_sampling": NEGATIVE_SAMPLING,
    "hierarchical_softmax": HIERARCHICAL_SOFTMAX,
    "softmax": SOFTMAX,
}

__all__ = ["REGISTRY", "Constants", "Draw", "Objective", "Tables"]
