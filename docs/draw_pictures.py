"""Draws the pictures of README.md and the documentation: python docs/draw_pictures.py [FOLDER]."""

import sys
from pathlib import Path

import matplotlib
import numpy as np

import talweg
from talweg import phase_retrieval
from talweg.plot import draw_transitions

matplotlib.use("Agg")


def save(figure, path: Path, dpi: int = 120) -> None:
    figure.savefig(path, dpi=dpi, pil_kwargs={"optimize": True})
    print(path)


def save_small(figure, path: Path, dpi: int = 90) -> None:
    """With 256 colours: pictures of many shaded dots are a third as large."""
    from PIL import Image

    figure.savefig(path, dpi=dpi)
    with Image.open(path) as image:
        palette = image.convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE)
        image.convert("RGB").quantize(palette=palette, dither=Image.Dither.NONE).save(
            path, optimize=True
        )
    print(path)


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("muller-brown", "quapp-3"):
        survey = talweg.survey(talweg.surfaces.by_name(name))
        save(survey.plot(), folder / f"{name}.png")
    f = talweg.datasets.logistic("breast-cancer")
    (minimum,) = talweg.critical_points(f, starts=[[0.0] * f.n])
    survey = talweg.survey(f, starts=[minimum.x], branches=[0, -1], max_length=10.0)
    save(survey.plot(), folder / "logistic-breast-cancer.png")
    problem = phase_retrieval.Problem(3000, 3.0, a=1.0, rng=3)
    w = np.random.default_rng(2).standard_normal(problem.N)
    w *= np.sqrt(problem.N) / np.linalg.norm(w)
    lam, u = (problem.X @ v / np.sqrt(problem.N) for v in (w, problem.signal))
    weights = phase_retrieval.curvature_weights(lam, u, problem.a)
    eigenvalues = np.linalg.eigvalsh((problem.X.T * weights) @ problem.X / problem.M)
    law = phase_retrieval.empirical_law(lam, u, problem.a)
    bulk = phase_retrieval.bulk_density(law, problem.alpha)
    outlier = phase_retrieval.outlier(law, problem.alpha)
    save(
        bulk.plot(outlier=outlier, eigenvalues=eigenvalues), folder / "phase-retrieval-outlier.png"
    )
    save(draw_transitions(), folder / "phase-retrieval-transitions.png")
    basins = talweg.basins(talweg.surfaces.muller_brown(), resolution=400)
    save(basins.plot(title="Müller-Brown"), folder / "basins.png")
    surface = talweg.surfaces.muller_brown()
    box = [(-0.9, -0.3), (1.2, 1.6)]
    check = talweg.checks.volume(surface, box, step_length=1e-4, steps=20, ratio=1.5)
    title = "Müller-Brown: gradient descent, steps of 0.0001"
    film = check.film_strip([0, 2, 5, 8, 12, 20], points=800, title=title)
    save_small(film, folder / "concentration.png", 80)
    forced = talweg.models.normal_form([1.0, 2.0, 4.0], {(0, 0, 1): 0.5, (0, 0, 2): 0.5})
    check = talweg.checks.alignment(forced, [0.0, 0.0, 0.0], step_length=0.39)
    save(check.plot(), folder / "alignment.png")
    for name in ("spectrum", "track", "success", "thresholds"):
        found = getattr(talweg.phase_retrieval.experiments, name)()
        save(found.plot(), folder / f"phase-retrieval-{name}.png")
    draw_gallery(folder)


def draw_gallery(folder: Path) -> None:
    """The pictures of docs/gallery.md and of the commands descend and theory."""
    from talweg.plot.theory import draw_curves, draw_steps

    surface = talweg.surfaces.muller_brown()
    save_small(talweg.reports.descent_report(surface).plot(), folder / "descents.png")
    bent = talweg.models.normal_form([1.0, 2.6], {(0, 0, 1): 0.9}, bounds=[(-2, 2)] * 2)
    (one,) = talweg.reports.theory_report(bent, [0.0, 0.0], measure=False).minima
    save(draw_curves(bent, one), folder / "gallery-curves.png", 80)
    three = talweg.models.normal_form([1.0, 2.0, 4.0], {(0, 0, 1): 0.5, (0, 0, 2): 0.5})
    bounds = talweg.theory.step_bounds([1.0, 2.0, 4.0])
    (one,) = talweg.reports.theory_report(three, [0.0] * 3, (), measure=False).minima
    for k in range(2, 20):
        step = k / 20 * bounds.stability + 0.0021
        one.measurements.append(talweg.reports.measured_alignment(three, one, step))
    save(draw_steps(one), folder / "gallery-steps.png", 90)
    wide = talweg.Objective(lambda x: (x[0] ** 2 + 3 * x[1] ** 2) / 2 + x[0] ** 2 * x[1] / 2, 2)
    check = talweg.checks.volume(
        wide, [(-0.4, 0.4)] * 2, step_length=0.1, steps=range(41), ratio=1.2, n_points=20_000
    )
    film = check.film_strip([0, 4, 8, 12, 20, 30], title="Gradient descent, steps of 0.1")
    save_small(film, folder / "gallery-film.png", 75)
    save(check.plot(title="Where volume is"), folder / "gallery-concentration.png", 80)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "pictures")
