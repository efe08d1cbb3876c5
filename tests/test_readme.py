"""The README's Python runs, block after block."""

import re
from pathlib import Path


def test_the_code_in_the_readme_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = (Path(__file__).parents[1] / "README.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(blocks) > 2
    names = {}
    for block in blocks:
        exec(compile(block, "README.md", "exec"), names)
