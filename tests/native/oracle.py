"""The native chunk written out in float64 from its formulas, pair by pair.

It shares no code with the pure path, and needs none of it to be compiled, so a property
test can ask for any shape at all.
"""

import numpy as np

from tests.native import reference


def logistic(z):
    return np.exp(-np.logaddexp(0.0, -z))


def divisor(config, near):
    """What a context word's share of the error is divided by: C, or nothing."""
    is_average = config.cbow_hidden == "average"
    divides = {"exact": is_average, "gensim": not is_average}
    return len(near) if divides.get(config.gradient, False) else 1


def slope(config, z):
    """The derivative of softplus, or what the rule of an implementation makes of it."""
    on_path = config.objective == "hierarchical_softmax"
    skips = config.gradient == "gensim" or (config.gradient == "word2vec_c" and on_path)
    limits = {"exact": np.inf, "undivided": np.inf, "fasttext": 8.0}
    limit = limits.get(config.gradient, 6.0)
    if abs(z) < limit:
        return logistic(z)
    return 0.0 if skips else float(z > 0)


def capped(config, terms):
    """The part of its step that each row takes."""
    cap = config.row_cap or np.inf
    return np.minimum(1.0, cap / np.maximum(terms, 1.0))


def window(text, centre):
    """Positions of a centre's context words: in reach, in the text, in the sentence."""
    tokens, reach, sentences = text
    low = max(centre - reach[centre], 0)
    high = min(centre + reach[centre], len(tokens) - 1)
    near = [j for j in range(low, high + 1) if j != centre]
    if sentences is None:
        return near
    return [j for j in near if sentences[j] == sentences[centre]]


class Step:
    """The changes of one step, all of them at the values that rows had before it."""

    def __init__(self, config, tables, rate):
        self.config, self.tables, self.rate = config, tables, rate
        self.inputs = np.zeros_like(tables["input"])
        self.pulls = []  # (output row, pair terms, change)

    def push(self, words, share, back, row, sign, weight, counts=True):
        """One hidden vector, `share` times the sum of its words, against one row.

        The loss is weight softplus(-sign z); every word gets `back` times the error.
        A row that does not count has its pair terms, and no gradient.
        """
        hidden = share * self.tables["input"][words].sum(0)
        output = self.tables["output"][row]
        pull = self.rate * weight * sign * slope(self.config, -sign * (hidden @ output))
        pull *= counts
        error = back * self.config.input_rate_scale * pull * output
        np.add.at(self.inputs, words, np.broadcast_to(error, (len(words), len(error))))
        self.pulls.append((row, weight, pull * hidden))

    def after(self):
        """The tables after the step, with the cap on the rows of the output table."""
        terms = np.zeros(len(self.tables["output"]))
        total = np.zeros_like(self.tables["output"])
        for row, weight, change in self.pulls:
            terms[row] += weight
            total[row] += change
        by = capped(self.config, terms)[:, None]
        return {
            "input": self.tables["input"] + self.inputs,
            "output": self.tables["output"] + by * total,
        }


def step(config, tables, text, centres, noise, paths, rate):
    """The tables after one block; `noise` and `paths` as the objective needs them."""
    made, (tokens, *_) = Step(config, tables, rate), text
    is_sampled = config.objective == "negative_sampling"
    of_noise = config.negatives / config.shared_noise if is_sampled else 0.0
    for i in centres:
        near = window(text, i)
        if not near:
            continue
        if config.architecture == "cbow":
            share = 1.0 / len(near) if config.cbow_hidden == "average" else 1.0
            pairs = [(tokens[near], share, 1.0 / divisor(config, near), tokens[i])]
        elif is_sampled:
            pairs = [(tokens[[i]], 1.0, 1.0, tokens[j]) for j in near]
        else:  # the centre is predicted from each word of its window
            pairs = [(tokens[[j]], 1.0, 1.0, tokens[i]) for j in near]
        drops = config.gradient in ("word2vec_c", "gensim")
        for words, share, back, target in pairs:
            if is_sampled:
                made.push(words, share, back, target, 1.0, 1.0)
                for row in noise:
                    counts = not (drops and row == target)
                    made.push(words, share, back, row, -1.0, of_noise, counts)
            else:
                for row, code in paths(target):
                    made.push(words, share, back, row, 1.0 - 2.0 * code, 1.0)
    return made.after()


def softmax_step(config, inputs, output, text, centres, rate):
    """One step of all replicas under full softmax, which share the output table.

    Args:
      config: resolved.
      inputs: each replica's input table.
      output: [V, D].
      text: tokens, reach, and sentences or None.
      centres: positions of each replica's centres.
      rate: of the step.

    Returns:
      (inputs, output) after it.
    """
    tokens, is_cbow = text[0], config.architecture == "cbow"
    moved, change = [], np.zeros_like(output)
    pairs = np.zeros(len(output))  # of which each row is the target
    for before, block in zip(inputs, centres, strict=True):
        after = np.zeros_like(before)
        own = np.zeros(len(output))  # of which each row is the centre, in this replica
        for i in block:
            near = window(text, i)
            words, targets = (near, [i]) if is_cbow else ([i], near)
            if not near:
                continue
            is_average = is_cbow and config.cbow_hidden == "average"
            share = 1.0 / len(near) if is_average else 1.0
            hidden = share * before[tokens[words]].sum(0)
            scores = output @ hidden
            odds = np.exp(scores - np.logaddexp.reduce(scores))
            errors = len(targets) * odds - np.bincount(
                tokens[targets], minlength=len(odds)
            )
            change -= rate * np.outer(errors, hidden)
            np.add.at(pairs, tokens[targets], 1.0)
            own[tokens[i]] += len(targets)
            part = 1.0 / divisor(config, near) if is_cbow else 1.0
            back = rate * part * config.input_rate_scale * (errors @ output)
            np.subtract.at(after, tokens[words], back)
        by = np.ones_like(own) if is_cbow else capped(config, own)
        moved.append(before + by[:, None] * after)
    return moved, output + capped(config, pairs)[:, None] * change


def trained(config, tables, text, constants, key, rates):
    """The tables after a chunk, float64.

    Args:
      config: resolved.
      tables: "input" and "output".
      text: tokens, reach, and sentences or None, of the kept tokens.
      constants: of the objective.
      key: 64 bits, of the chunk's noise.
      rates: where the chunk begins and ends.
    """
    tables = {name: np.array(table, np.float64) for name, table in tables.items()}
    count, size, every = len(text[0]), config.block, config.exchange_every
    share = -(-count // config.replicas)
    steps = -(-share // size)

    def paths(word):
        mask = np.asarray(constants.mask[word])
        nodes, codes = constants.paths[word], constants.codes[word]
        return list(zip(np.asarray(nodes)[mask], np.asarray(codes)[mask], strict=True))

    if config.objective == "softmax":
        return softmax_trained(config, tables, text, rates, share, steps)

    for begin in range(0, steps, every):
        found = []
        for replica in range(config.replicas):
            mine = tables
            end = min((replica + 1) * share, count)
            for number in range(begin, min(begin + every, steps)):
                first = replica * share + number * size
                noise = ()
                if config.objective == "negative_sampling":
                    of = (constants, key, config, replica * steps + begin)
                    noise = reference.noise_of_step(*of, replica * steps + number)
                centres = range(first, min(first + size, end))
                rate = rates[0] + (rates[1] - rates[0]) * (number / steps)
                mine = step(config, mine, text, centres, noise, paths, rate)
            found.append(mine)
        tables = {
            name: sum(one[name] for one in found) - (config.replicas - 1) * before
            for name, before in tables.items()
        }
    return tables


def softmax_trained(config, tables, text, rates, share, steps):
    """The same under full softmax, where replicas differ in input rows alone."""
    before, output = tables["input"], tables["output"]
    inputs = [before] * config.replicas
    firsts = [replica * share for replica in range(config.replicas)]
    count, size = len(text[0]), config.block
    for number in range(steps):
        centres = [
            range(
                min(first + number * size, count),
                min(first + min((number + 1) * size, share), count),
            )
            for first in firsts
        ]
        rate = rates[0] + (rates[1] - rates[0]) * (number / steps)
        inputs, output = softmax_step(config, inputs, output, text, centres, rate)
        if (number + 1) % config.exchange_every == 0 or number + 1 == steps:
            before = sum(inputs) - (config.replicas - 1) * before
            inputs = [before] * config.replicas
    return {"input": before, "output": output}
