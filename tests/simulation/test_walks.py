"""Random walks: several users, fifty operations, faults at any time."""

from collections.abc import Callable

import pytest

from tests.simulation.command import main
from tests.simulation.conftest import FIGURES
from tests.simulation.kinds import KINDS
from tests.simulation.pictures.mutants import swept_without_a_fence
from tests.simulation.pictures.walks import scenario_of
from tests.simulation.walk import begin, replay, shrink, walk

STEPS = 12_500
QUICK = 2  # batches that `make test` takes


@pytest.mark.parametrize(
    "batch",
    [pytest.param(batch, marks=[pytest.mark.thorough] * (batch >= QUICK)) for batch in range(8)],
)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.usefixtures("simulation")
def test_everything_holds_on_a_random_walk(
    kind: str, batch: int, record_property: Callable[[str, object], None]
) -> None:
    """`make check` takes the same 100,000 steps in every run; `make simulate` takes others."""
    taken, seed = 0, 1000 * batch
    while taken < STEPS:
        walked = walk(begin(KINDS[kind].walk(seed)), seed=seed)
        assert not walked.violation, f"{walked.violation} (make simulate KIND={kind} SEED={seed})"
        taken, seed = taken + len(walked.moves), seed + 1
    record_property(FIGURES, f"{kind}, walks {1000 * batch} to {seed - 1}: {taken:,} steps")


@pytest.mark.usefixtures("simulation")
def test_failing_walk_shrinks_to_a_few_moves_that_fail_again() -> None:
    with swept_without_a_fence():
        starts = ((seed, begin(scenario_of(seed))) for seed in range(1000))
        tries = ((start, walk(start, seed=seed)) for seed, start in starts)
        start, walked = next(found for found in tries if found[1].violation)
        shortest = shrink(start, walked)
        again = replay(start, shortest.moves)

    assert shortest.violation
    assert len(shortest.moves) < min(30, len(walked.moves))
    assert (again.moves, str(again.violation)) == (shortest.moves, str(shortest.violation))


@pytest.mark.parametrize(
    ("kind", "mutant"), [("pictures", "condition_dropped"), ("files", "object_deleted_first")]
)
def test_violation_is_told_and_replays_from_its_seed(
    kind: str, mutant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--kind", kind, "--mutant", mutant]
    assert main(["--steps", "100000", *options]) == 1
    told = capsys.readouterr().out
    _, _, command = told.partition("make simulate SEED=")
    seed = command.split()[0]

    assert main(["--seed", seed, *options]) == 1

    assert capsys.readouterr().out in told


@pytest.mark.parametrize(
    ("kind", "scenario"),
    [("pictures", "confirm, remove"), ("files", "file: delete, late confirm")],
)
def test_nothing_is_told_but_figures_when_all_is_well(
    kind: str, scenario: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--kind", kind, "--seed", "1"]) == 0
    assert "Every property holds." in capsys.readouterr().out
    assert main(["--scenario", scenario, "--faults", "0"]) == 0
    assert " schedules" in capsys.readouterr().out


@pytest.mark.parametrize("option", ["scenario", "mutant"])
def test_unknown_name_is_refused_with_those_there_are(option: str) -> None:
    with pytest.raises(SystemExit, match=r"There are: .*[,;]"):
        main([f"--{option}", "nonsense"])
