import re

from kdgan_lib.paths import ROOT


def test_the_example_of_the_readme_trains():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", text, re.S)
    space: dict = {}
    exec(example.replace("epochs=20", "epochs=2"), space)
    assert 0.4 < space["result"].metrics["test_accuracy"] <= 1


def test_commands_of_the_readme_exist():
    from kdgan_lib.cli import COMMANDS

    text = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = "\n".join(re.findall(r"```bash\n(.*?)```", text, re.S))
    named = set(re.findall(r"(?:^kdgan|kdgan_lib\.cli) (\w+)", blocks, re.M))
    assert named
    assert named <= set(COMMANDS)
