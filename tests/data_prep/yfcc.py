"""Metadata in the published format, for tests and for measuring at full size.

`python tests/data_prep/yfcc.py LINES` measures both passes on that many lines.
"""

import bz2
import io
import random
import resource
import sys
import tempfile
from pathlib import Path
from urllib.parse import quote_plus

from PIL import Image

URL = "http://farm1.staticflickr.com/1/{}_df7747990d.jpg"


def line(
    identifier="6985418911",
    title="Jenny+%26+Ben",
    description="",
    tags="New+York,canon,Canon",
    url=None,
    kind="0",
    user="39019111@N00",
):
    """Return a line of 25 columns, as in yfcc100m_dataset.bz2."""
    url = URL.format(identifier) if url is None else url
    columns = ["0", identifier, "4e2f7a26", user, "user+name"]
    columns += ["2012-02-16+09:56:37.0", "1331840483", "Canon+PowerShot"]
    columns += [title, description, tags, "", "-81.8", "28.3", "11"]
    columns += [f"http://www.flickr.com/photos/{user}/{identifier}/", url]
    columns += ["Attribution+License", "http://creativecommons.org/licenses/by/2.0/"]
    columns += ["7205", "8", "df7747990d", "692d7e0a7f", "jpg", kind]
    return "\t".join(columns).encode() + b"\n"


def write(path, lines):
    """Write lines; the ending of the name says whether they are packed."""
    content = b"".join(lines)
    path.write_bytes(bz2.compress(content) if path.suffix == ".bz2" else content)
    return path


def small_world(count=300, seed=0):
    """Return lines of photographs: tags t0, t1, ... ever rarer, and one of its own."""
    rng = random.Random(seed)
    lines = []
    for number in range(count):
        tags = {f"t{min(int(rng.expovariate(0.2)), 40)}" for _ in range(3)}
        lines.append(
            line(
                identifier=str(1000 + number),
                title=quote_plus(f"photograph {number} & more"),
                tags=",".join([*sorted(tags), f"own+{number}"]),
                user=f"{number % 60}@N00",
            )
        )
    return lines


def jpeg(shade, size=(300, 200)):
    """Return the bytes of a photograph of one colour."""
    file = io.BytesIO()
    Image.new("RGB", size, (shade % 256, 80, 160)).save(file, "JPEG")
    return file.getvalue()


def write_many(path, count):
    """Write many plain lines: Zipf's tags and millions that occur once."""
    rng = random.Random(0)
    with path.open("wb") as file:
        for number in range(count):
            common = {f"tag{int(rng.paretovariate(0.4)) % 3_000_000}" for _ in range(6)}
            own = f"own+{rng.randrange(8_000_000)}"
            kind = "1" if number % 120 == 0 else "0"
            file.write(
                line(
                    identifier=str(10_000_000 + number),
                    title=f"IMG+{number}+sunset%21",
                    description="a+walk+in+the+park%2C+with+everyone" * (number % 3),
                    tags=",".join([*common, own]),
                    user=f"{rng.randrange(100_000)}@N00",
                    kind=kind,
                )
            )


def measure(count):
    """Print the speed and the memory of both passes on a synthetic file."""
    from data_prep.yfcc100m.build import choose_tags, report
    from data_prep.yfcc100m.passes import draw_sample
    from data_prep.yfcc100m.sampling import Plan

    with tempfile.TemporaryDirectory() as folder:
        path, plan, work = Path(folder) / "metadata.txt", Plan(), Path(folder)
        write_many(path, count)
        print(f"{path.stat().st_size:,} bytes")
        vocabularies, numbers = choose_tags([path], plan, work / "tags.parquet")
        print(f"{numbers}, {peak():,.0f} MB at most so far")
        state = work / "sample.parquet"
        sample, journal = draw_sample([path], plan, vocabularies, state)
        report(journal)
        print({key: len(one.kept) for key, one in sample.drawn.items()})
    print(f"{peak():,.0f} MB at most")


def peak():
    """Return the most memory this process ever held, in MB."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


if __name__ == "__main__":
    measure(int(sys.argv[1]))
