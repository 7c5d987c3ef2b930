"""What vectors are worth: similarity, analogies, likelihood, stability, statistics."""
