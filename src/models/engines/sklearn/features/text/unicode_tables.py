"""Writes unicode_classes.cpp and unicode_compatibility.cpp, the facts of Unicode that texts are
tokenized by, as this Python's unicodedata has them. Run it in this folder."""
import sys
import unicodedata

ALL = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000]


def ranges(test):
    out = []
    for c in range(0x110000):
        if 0xD800 <= c < 0xE000 or not test(chr(c)):
            continue
        if out and out[-1][1] == c - 1:
            out[-1][1] = c
        else:
            out.append([c, c])
    return out


def lines(items, width=98):
    out, line = [], "   "
    for item in items:
        if len(line) + len(item) + 2 > width:
            out.append(line)
            line = "   "
        line += f" {item},"
    return "\n".join(out + [line])


def range_table(name, test):
    body = lines(f"{{{a:#x}, {b:#x}}}" for a, b in ranges(test))
    return f"constexpr CodeRange k{name}[] = {{\n{body}\n}};\n\n"


def lower_steps():
    pairs = [(ord(c), ord(c.lower())) for c in ALL if len(c.lower()) == 1 and c.lower() != c]
    out = []
    for a, b in pairs:
        last = out[-1] if out else None
        if last and b - a == last[3] and (last[2] == 0 or a - last[1] == last[2]) and a - last[1] <= 2:
            last[2], last[1] = a - last[1], a
        else:
            out.append([a, a, 0, b - a])
    return out


HEAD = "// Facts of Unicode {}, made by unicode_tables.py; not to be edited.\n".format(unicodedata.unidata_version)
INCLUDE = '#include "models/engines/sklearn/features/text/unicode.h"\n\nnamespace proa::engines {\n'


def cased(c):
    return ("!" + c + "Σ").lower()[-1] == "ς"


def ignorable(c):
    return not cased(c) and ("A" + c + "Σ").lower()[-1] == "ς"


def classes():
    tables = [("Word", "word_ranges", lambda c: c.isalnum() or c == "_"),
              ("Decimal", "decimal_ranges", str.isdecimal),
              ("Combining", "combining_ranges", lambda c: unicodedata.combining(c) != 0),
              ("Cased", "cased_ranges", cased),
              ("CaseIgnorable", "case_ignorable_ranges", ignorable)]
    out = HEAD + INCLUDE + "namespace {\n\n"
    for name, _, test in tables:
        out += range_table(name, test)
    steps = lines(f"{{{a:#x}, {b:#x}, {max(s, 1)}, {d}}}" for a, b, s, d in lower_steps())
    out += f"constexpr LowerRange kLower[] = {{\n{steps}\n}};\n\n}}  // namespace\n\n"
    for name, function, _ in tables:
        out += f"std::span<const CodeRange> {function}() {{ return k{name}; }}\n"
    out += "std::span<const LowerRange> lower_ranges() { return kLower; }\n\n}  // namespace proa::engines\n"
    return out


def compatibility():
    entries = []
    for c in ALL:
        if 0xAC00 <= ord(c) <= 0xD7A3:
            continue  # Hangul syllables are computed
        to = unicodedata.normalize("NFKD", c)
        if to != c:
            entries.append(c + "".join(x for x in to if not unicodedata.combining(x)) + "\\t")
    out, line = [], ""
    for e in entries:
        assert "\t" not in e and "\n" not in e
        e = e.replace('"', '\\"') if '"' in e else e
        if e[1:-2].count("\\"):
            e = e[0] + e[1:-2].replace("\\", "\\\\").replace('\\\\"', '\\"') + "\\t"
        if len(line) + len(e) > 92:
            out.append(f'    "{line}"')
            line = ""
        line += "".join(x if x.isprintable() or x == "\\" else f"\\U{ord(x):08x}" for x in e)
    out.append(f'    "{line}"')
    return (HEAD + INCLUDE + "\n// A character, what stays of its compatibility decomposition without accents, a tab; and so on.\n"
            "std::string_view compatibility_table() {\n  return\n" + "\n".join(out) + ";\n}\n\n}  // namespace proa::engines\n")


open("unicode_classes.cpp", "w").write(classes())
open("unicode_compatibility.cpp", "w").write(compatibility())
sys.exit(0)
