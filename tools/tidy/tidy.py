#!/usr/bin/env python3
"""Checks what a machine can see of docs/STYLE.md: layers, includes, line length, file sizes, text.

Exits 1 and prints FILE:LINE: what, for each offence. Sizes are ratcheted: tools/tidy/large.txt names the
files that are larger than the guide allows, with their size; none may grow, and none may be added unnamed.
"""
import fnmatch
import pathlib
import re
import subprocess
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SRC = ROOT / "src"
offences = []


def offend(path, line, what):
    offences.append(f"{path.relative_to(ROOT)}:{line}: {what}")


def layer_of(folder, layers):
    while folder and folder not in layers:
        folder = folder.rpartition("/")[0]
    return folder


def check_layers(path, lines, layers):
    mine = layer_of(str(path.parent.relative_to(SRC)), layers)
    if not mine:
        return offend(path, 1, "folder is not in docs/layers.toml")
    test = path.name.endswith(("_test.cpp", "_fixture.h"))
    for number, line in enumerate(lines, 1):
        match = re.match(r'\s*#include "([^"]+)"', line)
        if not match:
            continue
        target = match.group(1)
        if not (SRC / target).exists():
            continue  # generated, or of a library
        theirs = layer_of(target.rpartition("/")[0], layers)
        allowed = layers[mine] + ([] if not test else ["platform/apiserver*", "foundation/*"])
        if theirs != mine and not any(fnmatch.fnmatch(theirs, pattern) for pattern in allowed):
            offend(path, number, f'{mine} must not include {theirs} ("{target}")')


def check_text(path, lines):
    for number, line in enumerate(lines, 1):
        if len(line) > 120:
            offend(path, number, f"{len(line)} columns; at most 120")
        if re.search(r"#include <(regex|iostream)>", line):
            offend(path, number, "heavy header")
        if line.rstrip() != line:
            offend(path, number, "trailing space")


def check_header(path, lines):
    if not lines or not lines[0].startswith("//"):
        offend(path, 1, "a header starts with a comment that says what it is")
    if not any(line == "#pragma once" for line in lines[:40]):
        offend(path, 1, "no #pragma once")


def check_size(path, lines, large):
    limit = 300 if path.suffix == ".h" else 500
    if path.name.endswith("_test.cpp") or len(lines) <= limit:
        return
    known = large.get(str(path.relative_to(ROOT)))
    if known is None:
        offend(path, 1, f"{len(lines)} lines; at most {limit}, or name it in tools/tidy/large.txt")
    elif len(lines) > known:
        offend(path, 1, f"{len(lines)} lines; it had {known} and must not grow")


def main():
    layers = tomllib.loads((ROOT / "docs/layers.toml").read_text())["folders"]
    table = ROOT / "tools/tidy/large.txt"
    large = {}
    for line in table.read_text().splitlines() if table.exists() else []:
        if line and not line.startswith("#"):
            size, name = line.split()
            large[name] = int(size)
    files = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "src"], cwd=ROOT,
                           capture_output=True, text=True).stdout.split()
    if not files:  # not a git checkout
        files = [str(p.relative_to(ROOT)) for p in SRC.rglob("*")]
    for name in sorted(files):
        path = ROOT / name
        if path.suffix not in (".h", ".cpp") or not path.exists():
            continue
        lines = path.read_text().split("\n")
        if lines and lines[-1] == "":
            lines.pop()
        check_layers(path, lines, layers)
        check_text(path, lines)
        check_size(path, lines, large)
        if path.suffix == ".h":
            check_header(path, lines)
    print("\n".join(offences) if offences else f"tidy: {len(files)} files, nothing to say")
    sys.exit(1 if offences else 0)


main()
