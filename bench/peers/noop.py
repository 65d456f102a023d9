"""No-op trials per second of Ray Tune and Optuna, two workers each, for bench/cluster-throughput.ts.

    python noop.py ray|optuna-journal|optuna-sqlite TRIALS

One float is suggested and one number reported a trial; whatever the peer writes by default is written. Prints one line of
JSON: trials, seconds from the start of the first trial to the end of the last (start-up is not counted), and the gaps from
the end of a trial to the start of the next one of the same worker, in ms.
"""

import json
import multiprocessing
import os
import sys
import tempfile
import time

WORKERS = 2


def run_ray(trials, folder):
    os.environ["RAY_AIR_NEW_OUTPUT"] = "0"
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray
    from ray import tune

    class NoOp(tune.Trainable):
        def setup(self, config):
            self.begin = time.time()

        def reset_config(self, config):  # the actor goes on with another trial
            self.begin = time.time()
            return True

        def step(self):
            end = time.time()
            return {"loss": self.config["x"], "pid": os.getpid(), "begin": self.begin, "end": end, "done": True}

        def save_checkpoint(self, checkpoint_dir):
            return None

        def load_checkpoint(self, checkpoint):
            pass

    ray.init(num_cpus=WORKERS, include_dashboard=False, log_to_driver=False, logging_level="error")
    tuner = tune.Tuner(
        tune.with_resources(NoOp, {"cpu": 1}),
        param_space={"x": tune.uniform(0, 1)},
        tune_config=tune.TuneConfig(
            num_samples=trials, reuse_actors=True, max_concurrent_trials=WORKERS, metric="loss", mode="min"
        ),
        run_config=tune.RunConfig(storage_path=folder, name="noop", verbose=0),
    )
    results = tuner.fit()
    ray.shutdown()
    rows = [result.metrics for result in results]
    return [(row["pid"], row["begin"], row["end"]) for row in rows], ray.__version__


def optuna_storage(kind, folder):
    import optuna

    if kind == "optuna-sqlite":
        return f"sqlite:///{folder}/study.db"
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    return JournalStorage(JournalFileBackend(f"{folder}/journal.log"))


def work_optuna(kind, folder, trials, ready, go, answers):
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.load_study(
        study_name="noop", storage=optuna_storage(kind, folder), sampler=optuna.samplers.RandomSampler()
    )
    times = []

    def objective(trial):
        begin = time.time()
        value = trial.suggest_float("x", 0, 1)
        times.append((os.getpid(), begin, time.time()))
        return value

    ready.put(None)
    go.wait()
    begin = time.time()
    study.optimize(objective, n_trials=trials)
    answers.put((begin, time.time(), times))


def run_optuna(kind, trials, folder):
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(study_name="noop", storage=optuna_storage(kind, folder))
    context = multiprocessing.get_context("spawn")
    ready, answers, go = context.Queue(), context.Queue(), context.Event()
    arguments = (kind, folder, trials // WORKERS, ready, go, answers)
    processes = [context.Process(target=work_optuna, args=arguments) for _ in range(WORKERS)]
    for process in processes:
        process.start()
    for _ in processes:
        ready.get()
    go.set()
    spans = [answers.get() for _ in processes]
    for process in processes:
        process.join()
    complete = [trial for trial in study.get_trials(deepcopy=False) if trial.state.name == "COMPLETE"]
    times = [time for _, _, of_process in spans for time in of_process]
    if len(complete) != len(times):
        raise RuntimeError(f"{len(complete)} trials are stored, not {len(times)}")
    return times, (min(span[0] for span in spans), max(span[1] for span in spans)), optuna.__version__


def main():
    kind, trials = sys.argv[1], int(sys.argv[2])
    with tempfile.TemporaryDirectory(prefix="adctl-peer-") as folder:
        if kind == "ray":
            times, version = run_ray(trials, folder)
            span = (min(begin for _, begin, _ in times), max(end for _, _, end in times))
        else:
            times, span, version = run_optuna(kind, trials, folder)
    by_worker = {}
    for pid, begin, end in sorted(times, key=lambda time: time[1]):
        by_worker.setdefault(pid, []).append((begin, end))
    gaps = [
        (after[0] - before[1]) * 1000
        for of_worker in by_worker.values()
        for before, after in zip(of_worker, of_worker[1:])
    ]
    answer = {"trials": len(times), "seconds": span[1] - span[0], "gapsMs": sorted(gaps), "version": version}
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
