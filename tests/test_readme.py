import re

from kdgan_lib import claims
from kdgan_lib.paths import ROOT


def test_the_teacher_of_the_readme_helps_its_classifier(capsys):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", text, re.S)
    exec(example, {})
    scores = dict(line.split() for line in capsys.readouterr().out.splitlines())
    assert float(scores["distn"]) > float(scores["supervised"])
    assert float(scores["kdgan"]) > float(scores["supervised"])


def test_the_readme_counts_the_claims_of_the_ledger():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"{len(claims.ledger())} claims" in text


def test_commands_of_the_readme_exist():
    from kdgan_lib.cli import COMMANDS

    text = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = "\n".join(re.findall(r"```bash\n(.*?)```", text, re.S))
    named = set(re.findall(r"(?:^kdgan|kdgan_lib\.cli) (\w+)", blocks, re.M))
    assert named
    assert named <= set(COMMANDS)
