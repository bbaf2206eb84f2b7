"""Check the lines with bands that the chapters' figures share."""

import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg

from kdgan_lib.figures import curves_with_band, theory


def frame(runs):
    """Return three evaluations of as many runs, each as far from the next."""
    return pd.DataFrame(
        [
            {"method": "kdgan", "run_id": run, "epoch": epoch, "score": run + epoch}
            for run in range(runs)
            for epoch in range(3)
        ]
    )


def band_of(runs):
    (axes,) = curves_with_band(frame(runs), "epoch", "score", scale=100).axes
    assert axes.lines[0].get_ydata().tolist() == [
        50 * (runs - 1) + 100 * epoch for epoch in range(3)
    ]
    (band,) = axes.collections
    return band.get_paths()


def test_fewer_than_three_runs_have_a_line_without_a_band():
    assert not band_of(1)
    assert not band_of(2)


def test_the_band_is_students_interval_of_each_epoch():
    (path,) = band_of(3)
    # Mean 1, standard error 1 / sqrt(3), t = 4.302653 with two degrees of freedom.
    half = 430.2653 / np.sqrt(3)
    at_start = path.vertices[path.vertices[:, 0] == 0][:, 1]
    assert np.isclose(at_start.min(), 100 - half)
    assert np.isclose(at_start.max(), 100 + half)


@pytest.mark.parametrize("panels", [1, 2, 3, 4])
def test_titles_of_fields_on_the_triangle_are_not_cut_off(panels):
    slopes = {f"loss {number}": lambda logits: logits for number in range(panels)}
    fig = theory.field_on_triangle(slopes, {"law": torch.tensor([0.2, 0.3, 0.5])})
    canvas = FigureCanvasAgg(fig)
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())[..., :3]
    border = [pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]]
    assert all((edge > 250).all() for edge in border)
