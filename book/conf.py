"""Configure the site: plain Sphinx, warnings are errors, nothing from the network."""

import os
import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "_ext"))

project = "KDGAN, an executable book"
author = "The KDGAN book maintainers"
copyright = "2026, the KDGAN book maintainers. Text and code under the MIT licence"
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
    "author_year",
    "sphinxcontrib.bibtex",
    "sphinx_design",
    "sphinx_copybutton",
    "plain_docstrings",
]
exclude_patterns = ["_build", "jupyter_execute", ".ipynb_checkpoints", "_originals"]
language = "en"
today_fmt = "%Y-%m-%d"

# Notebooks are executed by `kdgan book`, never by the site.
nb_execution_mode = "off"
nb_render_markdown_format = "myst"
nb_merge_streams = True
nb_ipywidgets_js: dict[str, dict[str, str]] = {}
myst_enable_extensions = [
    "amsmath",
    "attrs_inline",
    "colon_fence",
    "deflist",
    "dollarmath",
]
myst_heading_anchors = 3
myst_dmath_double_inline = True

numfig = True
math_numfig = True
numfig_format = {"figure": "Figure %s", "table": "Table %s"}
math_eqref_format = "Eq. {number}"
bibtex_bibfiles = ["references.bib"]
bibtex_reference_style = "author_year"
bibtex_default_style = "author_year"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
add_module_names = False

# One file, three formulas' worth of nothing to fetch: MathJax lies beside the pages.
mathjax_path = "tex-svg-full.js"
mathjax3_config = {
    "options": {"enableMenu": False},
    "svg": {"fontCache": "global"},
}

html_theme = "sphinx_book_theme"
html_title = "KDGAN, an executable book"
html_static_path = ["_static"]
html_css_files = ["book.css"]
html_show_sourcelink = False
html_copy_source = True
html_theme_options = {
    "navbar_persistent": [],  # otherwise a second search bar appears
    "show_navbar_depth": 1,
    "show_toc_level": 2,
    "use_download_button": False,  # every chapter ends with its downloads
    "use_fullscreen_button": False,
    "use_sidenotes": False,
}

# Buttons that open a chapter elsewhere appear when the repository has an address.
repository = os.environ.get("KDGAN_REPOSITORY_URL", "")
if re.match(r"https://", repository):
    html_theme_options |= {
        "repository_url": repository,
        "repository_branch": os.environ.get("KDGAN_REPOSITORY_BRANCH", "main"),
        "path_to_docs": "book",
        "use_repository_button": True,
        "launch_buttons": {
            "notebook_interface": "jupyterlab",
            "binderhub_url": "https://mybinder.org",  # it installs environment.yml
        },
    }
