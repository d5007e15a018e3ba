"""docs/FORMATS.md: its list is what the program says, and its runtimes are those that the platform makes."""
import os
import re
import subprocess

from served import PROA, ROOT

PAGE = (ROOT / "docs/FORMATS.md").read_text()


def test_the_list_of_formats_is_what_the_program_prints():
    begin, end = "<!-- begin: proa serve --list-formats -->\n```\n", "```\n<!-- end -->"
    written = PAGE.split(begin)[1].split(end)[0]
    printed = subprocess.run([PROA, "serve", "--list-formats"], capture_output=True, text=True, check=True, env={**os.environ}).stdout
    printed = "".join(line.rstrip() + "\n" for line in printed.splitlines())
    assert written == printed, "docs/FORMATS.md: put in what `proa serve --list-formats` prints"


def test_every_runtime_is_in_the_table():
    source = (ROOT / "src/serving/runtimes.cpp").read_text()
    made = set(re.findall(r'\{"(kserve-[a-z-]+)"', source)) | set(re.findall(r'return \{"(kserve-[a-z-]+)"', source))
    table = [line for line in PAGE.splitlines() if line.startswith("| kserve-")]
    named = {name for line in table for name in re.findall(r"kserve-[a-z-]+", line.split("|")[1])}
    assert made == named and len(made) >= 12, made ^ named
