"""Draws the ramp as one SVG: replicas, requests in hand, latency over time. No library."""
import pathlib

WIDTH, HEIGHT, LEFT, GAP = 900, 170, 60, 40
INK, GRID, ONE, TWO = "#24292f", "#d8dee4", "#0969da", "#cf222e"


def panel(top, title, unit, span, *lines):
    """One chart: `lines` are (label, colour, [(t, value)], stepped)."""
    begin, end = span
    most = max([v for _, _, points, _ in lines for _, v in points] + [1e-9])
    x = lambda t: LEFT + (t - begin) / max(end - begin, 1e-9) * (WIDTH - LEFT - 20)
    y = lambda v: top + HEIGHT - v / most * (HEIGHT - 24)
    out = [f'<text x="{LEFT}" y="{top + 8}" font-size="13" font-weight="bold" fill="{INK}">{title}</text>']
    for part in (0, .25, .5, .75, 1):
        out.append(f'<line x1="{LEFT}" x2="{WIDTH - 20}" y1="{y(most * part):.1f}" y2="{y(most * part):.1f}" stroke="{GRID}"/>'
                   f'<text x="{LEFT - 6}" y="{y(most * part) + 4:.1f}" font-size="11" text-anchor="end" fill="{INK}">{most * part:.3g}</text>')
    for index, (label, colour, points, stepped) in enumerate(lines):
        path, last = [], None
        for t, v in points:
            if stepped and last is not None:
                path.append(f"{x(t):.1f},{y(last):.1f}")
            path.append(f"{x(t):.1f},{y(v):.1f}")
            last = v
        out.append(f'<polyline fill="none" stroke="{colour}" stroke-width="1.6" points="{" ".join(path)}"/>'
                   f'<text x="{WIDTH - 24}" y="{top + 8 + 14 * index}" font-size="12" text-anchor="end" fill="{colour}">{label} ({unit})</text>')
    return "".join(out)


def ramp(file, replicas, load):
    times = [s["t"] for s in replicas + load]
    begin, end = min(times), max(times)
    span = (0, end - begin)
    line = lambda samples, key: [(s["t"] - begin, s[key]) for s in samples]
    parts = [panel(20, "Replicas", "pods", span, ("wanted", TWO, line(replicas, "want"), True), ("ready", ONE, line(replicas, "ready"), True)),
             panel(20 + HEIGHT + GAP, "Load", "", span, ("requests in hand", ONE, line(load, "inhand"), False), ("requests/s", TWO, line(load, "rate"), True)),
             panel(20 + 2 * (HEIGHT + GAP), "Latency", "ms", span, ("p99", TWO, line(load, "p99"), False), ("p50", ONE, line(load, "p50"), False))]
    bottom = 20 + 3 * (HEIGHT + GAP)
    ticks = "".join(f'<text x="{LEFT + (WIDTH - LEFT - 20) * i / 6:.1f}" y="{bottom}" font-size="11" text-anchor="middle" fill="{INK}">'
                    f'{span[1] * i / 6:.0f} s</text>' for i in range(7))
    file = pathlib.Path(file)
    file.write_text(f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{bottom + 16}" font-family="sans-serif">'
                    f'<rect width="100%" height="100%" fill="white"/>{"".join(parts)}{ticks}</svg>\n')
    return file
