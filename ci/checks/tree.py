"""What the checks share: the files of the tree, their code without comments and strings, and how a finding is told.

A check is a program in this folder: it prints `path:line: sentence` for each finding and exits 1 if there were any.
`--root DIR` looks at another tree (the self-test's); without it, at the one this file is part of.
"""

import argparse
import pathlib
import re
import sys

CODE_SUFFIXES = {".h", ".cc"}
SKIPPED = {"build", ".git", ".chasqui", ".cache"}


def arguments(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parents[2])
    return parser.parse_args()


def files(root, suffixes=None, under=()):
    """Paths relative to root, sorted; `under` names folders, all of the tree if it is empty."""
    starts = [root / folder for folder in under] or [root]
    found = []
    for start in starts:
        for path in start.rglob("*"):
            relative = path.relative_to(root)
            if SKIPPED & set(relative.parts) or not path.is_file():
                continue
            if suffixes is None or path.suffix in suffixes:
                found.append(relative)
    return sorted(found)


_COMMENT_OR_STRING = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<d>[^()\\ ]{0,16})\(.*?\)(?P=d)"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', re.DOTALL
)


def code_only(text):
    """The text with comments and the insides of strings blanked, lines and columns kept."""

    def blank(match):
        # A quote between digits is a separator (1'000), not a character.
        if match.group(0)[0] == "'" and match.start() > 0 and text[match.start() - 1].isalnum():
            return match.group(0)
        return re.sub(r"[^\n]", " ", match.group(0))

    return _COMMENT_OR_STRING.sub(blank, text)


def numbered_lines(text):
    return enumerate(text.split("\n"), start=1)


class Findings:
    def __init__(self, check):
        self.check = check
        self.count = 0

    def add(self, path, line, sentence):
        self.count += 1
        print(f"{path}:{line}: {sentence}")

    def exit(self, looked_at):
        """Ends the program. Looking at nothing is a failure: a check that sees no file can find nothing."""
        if looked_at == 0:
            print(f"{self.check}: found no file to look at: is --root right?")
            sys.exit(1)
        if self.count:
            print(f"{self.check}: {self.count} finding(s) in {looked_at} files")
            sys.exit(1)
        print(f"{self.check}: {looked_at} files are in order")
        sys.exit(0)
