"""Small Pulumi programs for the tests of the deployer."""

import textwrap
from pathlib import Path

PROJECT = """
name: tiny
runtime: python
config:
  size: {type: integer, default: 3}
"""


def write_program(folder: Path, source: str, *, project: str = PROJECT, stack: str = "config: {}") -> Path:
    """Writes a program with `pulumi` and `aws` imported, and returns its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    header = "import json\nimport pulumi\nimport pulumi_aws as aws\n"
    (folder / "__main__.py").write_text(header + textwrap.dedent(source))
    (folder / "Pulumi.yaml").write_text(project)
    (folder / "Pulumi.local.yaml").write_text(stack)
    return folder
