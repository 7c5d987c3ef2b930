"""Question: which choice matters, and by how much?

Command:  python -m experiments.ablate --corpus=FILE --workdir=DIR --seeds=5 \
              --sweep="objective=softmax,negative_sampling" --sweep="window=2,5,10"
          python -m experiments.ablate --preset=window --corpus=FILE --workdir=DIR
Expected: a run directory with summary.json and eval.json for each cell and seed,
          DIR/<cell>/seed-<n>/, and a table of what was done; experiments.report makes
          tables and plots of them.
Cost:     that of the runs: --dry_run lists the cells with an estimate of each.

Every training flag is a flag here too and holds for all cells. What to vary:
  --sweep="window=2,5,10"                      an axis; several make a grid
  --sweep="learning_rate=log(0.005,0.1):20"    20 random draws; uniform(a,b):20 and
                                               int(a,b):20 too. Several are drawn
                                               together: 20 points, not 400
  --cell="small: dim=50, window=2"             one named cell; again for another
  --preset=NAME                                one of the studies in README.md here

The same command again goes on after a kill: finished runs are skipped once their
config has been checked, a started one continues from its checkpoint to the same bits.
A run that fails or diverges is recorded in its failure.json and passed by; --retry
tries it again. Exit code 0: all runs are done; 1: some failed, one line each.

--jobs says how many runs go on side by side, each with a share of the cores and as many
replicas. The default is one on each core, with one replica: 1.6 times faster than one
after another with a replica on each core (experiments.many_runs; README, "Ablations").
Replicas change the bits and, a little, the model, so a sweep that was begun with more
of them keeps to its number.

--together=always trains cells that differ in numbers alone (seed, rates, epochs, noise
exponent, number of negatives, subsampling; together.NUMBERS) in one program under vmap,
up to 16 at a time, with the samples that each has alone and vectors equal but for
rounding. Each leaves the run directory of a run alone. A cell that ends early or
diverges changes nothing from there on; the others go on. Checkpoints are of the whole
group: after a kill the same cells go on together from the last one, or from the start
where there is none, to the same bits. --together=auto, the default, does so where jax
has an accelerator (not measured, for lack of one) and not on CPU, where one run on each
core is faster; never leaves every run alone.
"""

import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from absl import flags

from experiments import cli, screen, train
from experiments.sweeps import (
    backend,
    cluster,
    group_launch,
    groups,
    launchers,
    plan,
    record,
    tables,
)
from experiments.sweeps.estimate import Estimator, duration
from experiments.sweeps.presets import PRESETS
from experiments.sweeps.progress import Progress
from experiments.sweeps.runs import Run, State, forget_failure, state
from experiments.sweeps.tasks import Setup, usual_jobs
from w2v_jax.config import Config


def main(arguments: list[str]) -> None:
    options = flags.FLAGS
    if arguments:
        raise ValueError(f"{arguments[0]}: not a flag; every option is --name=value")
    if not options.workdir:
        raise ValueError("--workdir: missing; name the folder of the sweep")
    if options.together == "always" and options.launcher != "local":
        raise ValueError("--together=always: cells train together on this machine only")
    workdir = Path(options.workdir)
    made = plan.make_plan(workdir, _asked())
    jobs = options.jobs
    if options.launcher == "local":
        jobs = jobs or usual_jobs(made.runs)
    replicas = [run.config.replicas for run in made.runs]
    launchers.check(options.launcher, jobs, replicas)
    cluster_options = cluster.parse_options(options.slurm)
    cache = Path(options.cache_dir).expanduser()
    with cli.progress("bytes") as report:
        estimator = plan.estimator(made, cache, report)
    if options.launcher == "local":
        estimator.cores = max(len(os.sched_getaffinity(0)) // jobs, 1)
    before = {run: state(run, made.judging) for run in made.runs}
    todo = plan.todo(made.runs, before, options.retry)
    said = record.merged(workdir, made.record)
    console = screen.console(soft_wrap=not sys.stdout.isatty())
    if options.dry_run:
        console.print(tables.cells_table(made.cells, made.runs, before, estimator))
        console.print(_what_is_left(todo, before, estimator, jobs))
        for group in _grouped(todo, workdir, estimator)[0]:
            names = ", ".join(run.name for run in group.wanted)
            console.print(f"together, in one program: {names}", highlight=False)
        return
    with record.held(workdir):
        record.write(workdir, said)
        for run in todo:
            if before[run] is State.FAILED:
                forget_failure(run.path)
        setup = Setup(cache.resolve(), options.checkpoint_seconds, made.judging)
        with cli.progress("runs") as report, cli.deferred_signals() as signals:
            watcher = Progress(todo, estimator, jobs, report, signals)
            together, alone = _grouped(todo, workdir, estimator)
            group_launch.carry_out(together, setup, workdir, watcher)
            launchers.carry_out(
                options.launcher, alone, setup, workdir, jobs, cluster_options, watcher
            )
        groups.tidy(workdir)
    after = {run: state(run, made.judging) for run in made.runs}
    console.print(tables.outcome_table(made.cells, made.runs, before, after))
    _finish(made, after, watcher, signals)


def _asked() -> plan.Asked:
    """What the command line says, a preset's choices beneath it."""
    options = flags.FLAGS
    preset = PRESETS[options.preset] if options.preset else None
    if preset and (options.sweep or options.cell):
        raise ValueError("--preset: has its own cells; leave out --sweep and --cell")
    values: dict[str, Any] = dict(preset.flags) if preset else {}
    given = {name: v for name, v in values.items() if not options[name].present}
    base = cli.config_from_flags(**given)
    if not base.corpus:
        raise ValueError("--corpus: missing; name a text file or a known corpus")
    seeds = options.seeds or (preset.seeds if preset else 1)
    return plan.Asked(
        base=base,
        sweeps=preset.sweeps if preset else tuple(options.sweep),
        named=preset.cells if preset else tuple(options.cell),
        seeds=tuple(range(base.seed, base.seed + seeds)),
        draw_seed=options.draw_seed,
        suites=tuple(options.suite),
        restrict=options.restrict_vocab,
        preset=options.preset,
        command=shlex.join(["python", "-m", "experiments.ablate", *sys.argv[1:]]),
    )


def _grouped(
    todo: Sequence[Run], workdir: Path, estimator: Estimator
) -> tuple[tuple[groups.Group, ...], tuple[Run, ...]]:
    """The groups of runs that train together, and the runs that train alone."""
    asked = flags.FLAGS.together
    if asked == "never" or flags.FLAGS.launcher != "local":
        return (), tuple(todo)

    def size(config: Config) -> int:
        return estimator.text(config).vocabulary(config)

    found = groups.form(todo, workdir, size)
    new = any(not group.folder.is_dir() for group in found[0])
    if asked == "auto" and new and not backend.is_accelerated():
        return groups.form(todo, workdir, size, new=False)  # what has begun goes on
    return found


def _what_is_left(todo: Any, before: Any, estimator: Any, jobs: int) -> str:
    done = sum(one is State.DONE for one in before.values())
    failed = sum(one is State.FAILED for one in before.values())
    seconds = sum(estimator.cost(run).seconds for run in todo) / max(jobs, 1)
    return (
        f"{len(before)} runs: {done} done, {failed} failed, {len(todo)} to do, "
        f"about {duration(seconds)} left"
    )


def _finish(made: Any, after: Any, watcher: Progress, signals: list[int]) -> None:
    """Says what is missing and how to come by it, and ends with the code for that."""
    again = made.record["commands"][-1]
    if signals:
        done = sum(one is State.DONE for one in after.values())
        line = f"{done} of {len(after)} runs done; go on with: {again}"
        cli.stop(signals[0], line)
    lines = tables.failures(made.runs, after)
    lines += [f"{a.run.name}: {a.line}" for a in watcher.answers if a.code < 0]
    for line in lines:
        cli.note(line)
    left = sum(one is not State.DONE for one in after.values())
    if left:
        raise cli.CheckError(
            f"{left} of {len(after)} runs are not done; failed ones are tried again "
            "with --retry, others by the same command"
        )


def define_flags() -> None:
    """The flags of this command, those of training included."""
    flags.DEFINE_string("workdir", None, "Folder of the sweep: a folder for each cell.")
    flags.DEFINE_multi_string("sweep", [], "field=value,value or field=log(a,b):count.")
    flags.DEFINE_multi_string("cell", [], '"name: field=value, field=value".')
    # Named again, because absl breaks the list of choices within a name.
    named = f"A study by name: {', '.join(PRESETS)}."
    flags.DEFINE_enum("preset", None, list(PRESETS), named)
    flags.DEFINE_integer(
        "seeds",
        0,
        "Runs of each cell, with seeds --seed, --seed + 1, ...; 0: the preset's, or 1.",
        lower_bound=0,
    )
    flags.DEFINE_integer("draw_seed", 0, "Seed of random draws.", lower_bound=0)
    flags.DEFINE_boolean(
        "dry_run", False, "Print cells, cost and time left; train nothing."
    )
    flags.DEFINE_boolean("retry", False, "Try runs that have failed again.")
    flags.DEFINE_integer(
        "jobs",
        0,
        "Runs side by side; 0: one on each core, or as many as the cluster grants.",
        lower_bound=0,
    )
    flags.DEFINE_enum(
        "together",
        "auto",
        list(group_launch.CHOICES),
        "Train cells that differ only in numbers in one program: where it pays, "
        "wherever it can be done, or not at all.",
    )
    flags.DEFINE_enum(
        "launcher",
        "local",
        list(launchers.LAUNCHERS),
        "This machine, slurm, or submitit's stand-in for slurm on this machine.",
    )
    flags.DEFINE_multi_string(
        "slurm",
        [],
        "Of each job, name=value: timeout_min, cpus_per_task, mem_gb, gpus_per_node, "
        "or an option of sbatch such as partition.",
    )
    flags.DEFINE_list("suite", ["english"], "As of experiments.evaluate.")
    flags.DEFINE_integer(
        "restrict_vocab",
        0,
        "Judge within the first so many words; 0: all.",
        lower_bound=0,
    )
    train.define_training_flags()


if __name__ == "__main__":
    define_flags()
    cli.run(main)
