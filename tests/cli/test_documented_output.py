"""The output shown in docs/command_line.md is what the commands print."""

import re
import shlex
from pathlib import Path

import pytest

pytest.importorskip("click")
pytest.importorskip("rich")

from click.testing import CliRunner

from talweg.cli.commands import talweg as command

DOCUMENT = Path(__file__).parents[2] / "docs" / "command_line.md"


def samples():
    """Yield (command, lines below it) for indented blocks that show a command and its output."""
    text = DOCUMENT.read_text(encoding="utf-8")
    for block in re.findall(r"(?:^    .*\n|^\n)+", text, re.MULTILINE):
        first, _, rest = block.strip("\n").partition("\n\n")
        if first.startswith("    talweg ") and rest.strip() and "\n" not in first:
            yield first.strip(), rest.splitlines()


def words(line):
    return re.sub(r"[─\s]+", " ", line).split()


def shown(documented, printed):
    """Whether a printed line has the documented words in order; "..." stands for any."""
    rest = iter(words(printed))
    for word in words(documented):
        if word.endswith("..."):
            continue
        for other in rest:
            # Numbers of points may differ by an instruction set's rounding.
            if word == other or (
                word.isdigit() and other.isdigit() and abs(int(word) - int(other)) <= 3 < int(word)
            ):
                break
        else:
            return False
    return True


SAMPLES = list(samples())


def test_there_are_samples():
    assert [line.split()[1] for line, _ in SAMPLES] == [*("survey", "trace", "descend", "theory")]


@pytest.mark.parametrize(("line", "output"), SAMPLES, ids=[line for line, _ in SAMPLES])
def test_sample(line, output):
    result = CliRunner().invoke(command, shlex.split(line)[1:])
    assert result.exit_code == 0
    printed = result.stdout.splitlines()
    for documented in filter(words, output):
        assert any(shown(documented, other) for other in printed), documented
