"""``talweg phase-retrieval``: experiments with phase retrieval, resumed by the same command."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Any, NoReturn

import click

from talweg.cli.errors import Refused
from talweg.cli.output import Output
from talweg.cli.tables import console, table

__all__ = ["phase_retrieval"]


class _Numbers(click.ParamType[Any]):
    """Numbers separated by commas."""

    name = "numbers"

    def __init__(self, kind: type) -> None:
        self._kind = kind

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value
        flag = param.opts[0] if param is not None else self.name
        try:
            return [self._kind(part) for part in value.split(",")]
        except ValueError:
            what = "whole numbers" if self._kind is int else "numbers"
            raise Refused(f"{flag}: {value!r}; wanted {what} separated by commas") from None


_INTEGERS, _FLOATS = _Numbers(int), _Numbers(float)

_A = click.option(
    "--a", type=float, default=1.0, show_default=True, help="Of the loss; inf for the plain one."
)
_START = click.option(
    "--start",
    "starts",
    default="random",
    show_default=True,
    metavar="KIND",
    help="random, hessian, averaged-hessian, mondelli-montanari or optimal.",
)
_DTYPE = click.option(
    "--dtype",
    type=click.Choice(["float64", "float32"]),
    default="float64",
    show_default=True,
    help="Storage of the data.",
)
_SEED = click.option("--seed", type=int, default=0, show_default=True, help="Of all numbers.")


_Decorator = Callable[[Callable[..., None]], Callable[..., None]]


def _horizon(value: float) -> _Decorator:
    return click.option(
        "--horizon", type=float, default=value, show_default=True, help="Time at the end."
    )


def _step_length(value: float) -> _Decorator:
    return click.option(
        "--step-length", type=float, help=f"Default: {value}, or a part of it that is stable."
    )


def _shared(stem: str) -> Callable[[Any], Any]:
    options = [
        click.option("--workers", type=int, help="Threads. Default: all processors."),
        click.option(
            "-o",
            "--output",
            type=click.Path(file_okay=False),
            metavar="DIR",
            help=f"Keep finished tasks here, and write {stem}.nc, {stem}.json and pictures.",
        ),
        click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table."),
        click.option("--no-plot", is_flag=True, help="Draw nothing."),
        click.option("-q", "--quiet", is_flag=True, help="Print nothing but trouble."),
    ]

    def decorate(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


@click.group(name="phase-retrieval")
def phase_retrieval() -> None:
    """Experiments with phase retrieval: a signal from squared projections.

    Everything that is done is kept in the folder of -o at once. A command that was interrupted or
    killed goes on where it stopped when it is given again.
    """


@phase_retrieval.command(
    epilog="""\b
Examples:
  talweg phase-retrieval spectrum -o out
  talweg phase-retrieval spectrum --N 3000 --alpha 0.8,3,10 -o out"""
)
@click.option("--N", "N", type=int, default=500, show_default=True, help="Coordinates.")
@click.option("--alpha", type=_FLOATS, default="0.8,3,10", show_default=True, help="Ratios M/N.")
@_A
@_START
@_horizon(80.0)
@_step_length(0.05)
@_DTYPE
@_SEED
@_shared("spectrum")
def spectrum(**options: Any) -> None:
    """Eigenvalues of the Hessian at the start, the threshold and the end, with theory."""
    _execute("spectrum", options, _spectrum_rows, {"": "plot"})


@phase_retrieval.command(
    epilog="""\b
Examples:
  talweg phase-retrieval track -o out
  talweg phase-retrieval track --N 2000 --alpha 1.5,2,3,4 --runs 10 -o out"""
)
@click.option("--N", "N", type=int, default=500, show_default=True, help="Coordinates.")
@click.option("--alpha", type=_FLOATS, default="1.5,2,3,4", show_default=True, help="Ratios M/N.")
@click.option("--runs", type=int, default=2, show_default=True, help="Of each ratio.")
@_A
@_START
@_horizon(20.0)
@_step_length(0.02)
@click.option("--records", type=int, default=40, show_default=True, help="Times to look at.")
@_DTYPE
@_SEED
@_shared("track")
def track(**options: Any) -> None:
    """Smallest eigenvalue, edge and outlier along descents, and when the outlier is lost."""
    pictures = {"": "plot", "_t_bbp": "plot_t_bbp", "_late_law": "plot_late_law"}
    _execute("track", options, _track_rows, pictures)


@phase_retrieval.command(
    epilog="""\b
Examples:
  talweg phase-retrieval thresholds
  talweg phase-retrieval thresholds --a 0.01,0.1,0.5,1,2,inf -o out"""
)
@click.option("--a", type=_FLOATS, help="Constants of the loss. Default: 20 from 0.01 to 10, inf.")
@_shared("thresholds")
def thresholds(**options: Any) -> None:
    """alpha_BBP(a) of a random start, and the replica prediction alpha_TS(a)."""
    _execute("thresholds", options, _threshold_rows, {"": "plot"})


@phase_retrieval.command(
    epilog="""\b
Examples:
  talweg phase-retrieval success -o out
  talweg phase-retrieval success --N 128,512 --alpha 2,2.5,3,4 --runs 100 -o out
  talweg phase-retrieval success --start random,optimal --alpha 1,1.5,2,3 -o out"""
)
@click.option(
    "--N", "N", type=_INTEGERS, default="32,64,128", show_default=True, help="Coordinates."
)
@click.option(
    "--alpha",
    type=_FLOATS,
    default="1.5,2,2.5,3,3.5,4,5",
    show_default=True,
    help="Ratios M/N.",
)
@click.option(
    "--runs", type=int, default=40, show_default=True, help="Of each start, size and ratio."
)
@_A
@click.option(
    "--start",
    "starts",
    default="random",
    show_default=True,
    metavar="KIND,...",
    help="random, hessian, averaged-hessian, mondelli-montanari, optimal.",
)
@_horizon(80.0)
@_step_length(0.05)
@click.option(
    "--overlap", type=float, default=0.99, show_default=True, help="From here on it is found."
)
@_DTYPE
@_SEED
@_shared("success")
def success(**options: Any) -> None:
    """How often descent finds the signal, against alpha, for several N and kinds of start."""
    options["starts"] = options["starts"].split(",")
    _execute("success", options, _success_rows, {"": "plot"})


class _Files(Output):
    """Dataset, JSON and pictures of an experiment."""

    def save(self, result: Any, *, json: bool = True) -> None:
        if self.folder is None:
            return
        try:
            self._write("nc", result.save)
        except ImportError as error:
            click.echo(f"talweg: no {self.stem}.nc: {error}", err=True)
        self._write("json", result.to_json)

    def draw_all(self, result: Any, pictures: dict[str, str]) -> None:
        stem = self.stem
        for ending, method in pictures.items():
            self.stem = stem + ending
            self._draw(result, method)
        self.stem = stem

    def _draw(self, result: Any, method: str) -> None:
        if self.folder is None:
            return
        try:
            import matplotlib

            matplotlib.use("Agg")
            figure = getattr(result, method)()
        except ImportError as error:
            click.echo(f"talweg: no picture: {error}", err=True)
            return
        self._write("png", lambda path: figure.savefig(path, dpi=200))
        import matplotlib.pyplot

        matplotlib.pyplot.close(figure)

    def stopped(self, partial: Any) -> NoReturn:
        """Say what is kept, and leave with code 130."""
        count = "" if partial is None else f"{partial.finished} of {partial.tasks} tasks are "
        if self.folder is None:
            kept = f"; {count}lost: -o DIR would have kept them" if count else ""
        else:
            kept = f"; {count}kept in {self.folder}" if count else f"; see {self.folder}"
            kept += ", the same command does the rest"
        click.echo(f"talweg: interrupted{kept}", err=True)
        sys.exit(130)


#: Arguments of the Python calls by the options that set them.
_FLAGS = {"starts": "--start", "step_length": "--step-length", "folder": "-o"}


def _execute(
    name: str, options: dict[str, Any], rows: Callable[[Any], Any], pictures: dict[str, str]
) -> None:
    folder, quiet = options.pop("output"), options.pop("quiet")
    as_json, no_plot = options.pop("as_json"), options.pop("no_plot")
    out = _Files(folder, name, as_json=as_json, quiet=quiet)
    progress = not quiet and sys.stderr.isatty()
    try:
        from talweg.phase_retrieval import experiments

        call = getattr(experiments, name)
        try:
            result = call(**options, folder=folder, progress=progress)
        except (ValueError, TypeError, MemoryError) as error:
            raise _refusal(error) from None
        except OSError as error:
            # As with a full disk, or a file where a folder has to be.
            if folder is None:
                raise
            what = error.strerror or str(error)
            raise Refused(f"-o {error.filename or folder}: {what}") from None
        out.save(result)
        if not quiet and as_json:
            click.echo(result.to_json())
        elif not quiet:
            title, columns, lines, notes = rows(result)
            console().print(table(title, columns, lines))
            for note in notes:
                click.echo(note)
        if not no_plot:
            out.draw_all(result, pictures)
    except KeyboardInterrupt as stop:
        out.stopped(getattr(stop, "result", None))
    if not quiet:
        for path in out.written:
            click.echo(f"wrote {path}", err=as_json)
        if folder is None and not as_json:
            click.echo(f"(nothing saved: -o DIR keeps {name}.nc, {name}.json, {name}.png)")
    if not result.success:
        click.echo(f"talweg: {result.message}", err=True)
        sys.exit(1)


def _refusal(error: Exception) -> Refused:
    name, colon, rest = str(error).partition(": ")
    if colon and re.fullmatch(r"[A-Za-z_]+", name):
        return Refused(f"{_FLAGS.get(name, '--' + name.replace('_', '-'))}: {rest}")
    return Refused(str(error))


def _number(value: float, digits: int = 4) -> str:
    return "-" if value != value else f"{value:.{digits}g}"


def _spectrum_rows(result: Any) -> Any:
    columns = ["alpha", "state", "t", "loss", "|m|", "smallest", "v.w*^2", "edge", "outlier"]
    columns += ["predicted", "R"]
    lines = []
    for i, alpha in enumerate(result.alpha):
        for j, state in enumerate(result.state):
            values = [result.time, result.loss, result.overlap, result.eigenvalue[..., 0]]
            values += [result.eigenvector_overlap, result.edge, result.outlier]
            values += [result.outlier_overlap, result.ratio]
            lines.append([f"{alpha:g}", str(state), *(_number(v[i, j], 3) for v in values)])
    note = "smallest, edge and outlier are of N times the Riemannian Hessian; the last four: theory"
    return "Spectra", columns, lines, [note, *_step_notes(result.step_length, result.alpha)]


def _track_rows(result: Any) -> Any:
    columns = ["alpha", "runs", "R at the start", "t_BBP", "error", "spread", "last |m|"]
    lines = []
    for i, alpha in enumerate(result.alpha):
        ends = [row[row == row][-1] for row in result.overlap[i] if (row == row).any()]
        lines.append(
            [
                f"{alpha:g}",
                str(len(ends)),
                _number(result.ratio[i, :, 0].mean(), 3),
                _number(result.t_bbp_mean[i], 3),
                _number(result.t_bbp_error[i], 2),
                _number(result.t_bbp_spread[i], 2),
                ", ".join(f"{value:.2f}" for value in ends[:8]) + (" ..." * (len(ends) > 8)),
            ]
        )
    notes = ["t_BBP: when R falls through 1; - where it does in no run", *_without_t_bbp(result)]
    notes += _step_notes(result.step_length, result.alpha)
    return "Loss of the direction to the signal", columns, lines, notes


#: Why there is no t_BBP, by the cases of a Track; {} is the horizon.
_NO_CROSSING = {
    "below": "R is below 1 from the start",
    "above": "R stays above 1 until t = {:g}",
    "ended": "R is above 1 when the run ends, before t = {:g}",
    "unmeasured": "R is known at fewer than two times",
}


def _without_t_bbp(result: Any) -> list[str]:
    """Of each ratio, how many runs have no t_BBP and why."""
    notes = []
    for alpha, cases in zip(result.alpha, result.t_bbp_case):
        found = [
            f"in {count} of {len(cases)} runs {text.format(result.time[-1])}"
            for case, text in _NO_CROSSING.items()
            if (count := int((cases == case).sum()))
        ]
        if found:
            notes.append(f"alpha {alpha:g}: {'; '.join(found)}")
    return notes


def _step_notes(lengths: Any, alpha: Any, where: str = "") -> list[str]:
    """The step lengths that were used for these ratios."""
    texts = [_number(length, 3) for length in lengths]
    if len(set(texts)) == 1:
        return [f"{where}step length {texts[0]}"]
    ratios = ", ".join(f"{ratio:g}" for ratio in alpha)
    return [f"{where}step length {', '.join(texts)} for alpha {ratios}"]


def _threshold_rows(result: Any) -> Any:
    columns = ["a", "alpha_BBP", "transition", "alpha_TS (1RSB)"]
    lines = [
        [f"{a:g}", _number(first, 5), str(kind), _number(second, 5)]
        for a, first, kind, second in zip(
            result.a, result.alpha_bbp, result.kind, result.alpha_threshold
        )
    ]
    note = "alpha_TS is a prediction of the replica method, not a fact about descent"
    return "Thresholds", columns, lines, [note]


def _success_rows(result: Any) -> Any:
    columns = ["start", "N", "alpha", "runs", "found", "rate", "one standard error"]
    lines = [
        [
            str(kind),
            str(size),
            f"{alpha:g}",
            str(result.runs[i, j, k]),
            str(result.successes[i, j, k]),
            _number(result.rate[i, j, k], 2),
            f"{result.low[i, j, k]:.2f} to {result.high[i, j, k]:.2f}",
        ]
        for i, kind in enumerate(result.start)
        for j, size in enumerate(result.N)
        for k, alpha in enumerate(result.alpha)
    ]
    notes = []
    for i, kind in enumerate(result.start):
        halves = [
            f"{value:.3g} ({error:.2g}) for N = {size}"
            for size, value, error in zip(result.N, result.half_alpha[i], result.half_error[i])
            if value == value
        ]
        if halves:
            notes.append(f"{kind}: half of the runs succeed at alpha {', '.join(halves)}")
        if result.drift[i] == result.drift[i]:
            # Equal rates leave the rounding of the fit.
            value = result.drift[i] if abs(result.drift[i]) > 1e-6 * result.drift_error[i] else 0.0
            drift = f"{value:.2g} ({result.drift_error[i]:.1g})"
            notes.append(f"{kind}: it drifts by {drift} for each unit of log N")
    if len(set(result.step_length.ravel())) == 1:
        notes += _step_notes(result.step_length[0], result.alpha)
    else:
        for size, lengths in zip(result.N, result.step_length):
            notes += _step_notes(lengths, result.alpha, f"N = {size}: ")
    return "Success", columns, lines, notes
