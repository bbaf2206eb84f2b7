"""Put a figure into a chapter with its caption, its name and its alternative text."""

import base64
import io
import textwrap

from IPython.display import Image, Markdown, display
from matplotlib.figure import Figure
from PIL import Image as Pillow

from kdgan_lib.figures.style import RC, figure, house_style


def show(
    fig: Figure | None, name: str, caption: str, alt: str, command: str = ""
) -> None:
    """Display a figure and its caption.

    name: for `{numref}`, starts with `fig-`. alt: what a reader who cannot see it
    needs. command: what makes the missing rows; shown instead when `fig` is None.
    """
    if not name.startswith("fig-"):
        raise ValueError(f"figure name {name!r} must start with 'fig-'.")
    if not caption.strip() or not alt.strip():
        raise ValueError(f"figure {name!r} needs a caption and an alternative text.")
    missing = fig is None
    drawn = placeholder(command) if fig is None else fig
    alt = f"Not run: {command}" if missing else alt
    facts = {"name": name, "caption": caption, "alt": alt}
    width = round(drawn.get_figwidth() * 100)
    marks = {"kdgan": {"figure": facts}, "needs_background": "light", "width": width}
    picture = Image(data=png(drawn), format="png", alt=alt, metadata=marks)
    display(picture)
    display(Markdown(f"**Figure.** {caption}", metadata={"kdgan": {"caption": name}}))


def png(fig: Figure, dpi: int = 200) -> bytes:
    """Return a figure as PNG bytes, the same for the same drawing."""
    stream = io.BytesIO()
    with house_style():
        fig.savefig(stream, format="png", dpi=dpi, metadata={"Software": None})
    return stream.getvalue()


def data_uri(fig: Figure, dpi: int = 110, colours: int = 64) -> str:
    """Return a figure as a `data:` address that needs no file and no network.

    A small palette keeps the many frames of a slider a third of their size.
    """
    # The default, median cut, merges the colours of thin lines: two methods look alike.
    method = Pillow.Quantize.MAXCOVERAGE
    stream = io.BytesIO()
    with Pillow.open(io.BytesIO(png(fig, dpi))) as picture:
        few = picture.convert("RGB").quantize(
            colours, method, dither=Pillow.Dither.NONE
        )
        few.save(stream, format="png", optimize=True)
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode()


def placeholder(command: str) -> Figure:
    """Draw the sentence that stands where a figure will be."""
    fig, axes = figure(width=6.4, height=1.2)
    axes.set_axis_off()
    text = "Not run." + (f" To draw this figure: {command}" if command else "")
    folded = textwrap.fill(text, 80)
    axes.text(0.5, 0.5, folded, ha="center", va="center", size=RC["font.size"])
    return fig
