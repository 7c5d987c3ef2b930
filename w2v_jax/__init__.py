"""word2vec as pure functions: losses, gradients, training, vectors, evaluation.

Shape legend, used in every docstring:

    V  vocabulary          T  tokens of a block        K  negatives per pair
    D  vector size         C  rows with halo           S  shared noise rows
    N  hidden vectors      L  longest Huffman path

`input_vectors` [V, D] are the v_w of the notes (W; `syn0` in word2vec.c);
`output_vectors` [V, D], or [V-1, D] for the inner nodes of a Huffman tree, are the
u_w (W'; `syn1neg`, `syn1`). Losses are in nats, summed over pairs.
"""
