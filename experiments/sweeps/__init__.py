"""Sweeps: many runs from one command; `experiments.ablate` is the command."""
