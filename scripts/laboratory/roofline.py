"""The roofline picture (Williams, Waterman, Patterson, "Roofline: an insightful visual performance model", 2009): useful
GFLOP/s over useful FLOPs per byte moved, under the FMA peak and each memory level's bandwidth."""

import math
import os
import shutil
import statistics
import subprocess
import tempfile

from results import Failure

WIDTH, HEIGHT = 1280, 800
# Of the plot itself, in pixels: what the margins below leave.
LEFT, RIGHT, TOP, BOTTOM = 90, 900, 60, 730
# Told apart by people who cannot tell red from green (Okabe, Ito, "Color universal design", 2008), and by shape.
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999"]
SHAPES = [7, 5, 9, 13, 11, 15, 6, 4]
LABELLED = 30  # points with numbers at most


def roofs(results):
    """{level: GB/s} and the peak, medians of the run."""
    rows = [row for row in results.rows.values() if not row.error and row.threads == 1]
    bandwidths = {}
    for row in rows:
        bandwidths.setdefault(row.level, []).extend(row.bandwidths)
    peak = statistics.median(peak for row in rows for peak in row.peaks)
    return {level: statistics.median(values) for level, values in sorted(bandwidths.items())}, peak


def place_labels(points, size=13):
    """Where each point's number stands, in pixels from the point: the first of 24 places that is free."""
    taken = [(x - 6, y - 6, x + 6, y + 6) for x, y in points]
    places = []
    for number, (x, y) in enumerate(points, 1):
        half = 4 * len(str(number)) + 1
        candidates = [(r * math.cos(a * math.pi / 4), r * math.sin(a * math.pi / 4)) for r in (14, 24, 36) for a in range(8)]
        for dx, dy in candidates:
            box = (x + dx - half, y + dy - size / 2, x + dx + half, y + dy + size / 2)
            if all(box[2] < t[0] or box[0] > t[2] or box[3] < t[1] or box[1] > t[3] for t in taken):
                break
        taken.append(box)
        places.append((dx, dy))
    return places


def decades(values):
    return 10 ** math.floor(math.log10(min(values)) - 0.1), 10 ** math.ceil(math.log10(max(values)) + 0.05)


def script(results, path, title, group_of):
    """The gnuplot script. group_of(row) names the colour that a row is drawn in."""
    rows = [row for row in results.rows.values() if not row.error and row.flops > 0 and row.threads == 1]
    if not rows:
        return None
    bandwidths, peak = roofs(results)
    xs, ys = [row.flops / row.bytes for row in rows], [row.gflops for row in rows]
    # The ridges too, lest a roof is cut.
    x_low, x_high = decades(xs + [peak / b for b in bandwidths.values()])
    y_low, y_high = decades(ys + [peak])
    x_pixels = (RIGHT - LEFT) / math.log10(x_high / x_low)
    y_pixels = (BOTTOM - TOP) / math.log10(y_high / y_low)
    groups = list(dict.fromkeys(group_of(row) for row in rows))
    lines = [
        f"set terminal pngcairo size {WIDTH},{HEIGHT} font 'sans,11' enhanced", f"set output '{path}'",
        f"set title '{title}' noenhanced", "set logscale xy",
        f"set xrange [{x_low}:{x_high}]", f"set yrange [{y_low}:{y_high}]",
        "set xlabel 'useful FLOPs per byte moved'", "set ylabel 'useful GFLOP/s'",
        "set format x '10^{%L}'", "set format y '10^{%L}'", "set grid xtics ytics lt 1 lw 0.5 lc rgb '#cccccc'", "set tics out nomirror",
        f"set lmargin at screen {LEFT / WIDTH}", f"set rmargin at screen {RIGHT / WIDTH}",
        f"set tmargin at screen {1 - TOP / HEIGHT}", f"set bmargin at screen {1 - BOTTOM / HEIGHT}",
        f"set key at screen {(RIGHT + 15) / WIDTH}, screen {1 - TOP / HEIGHT} left top Left reverse noenhanced font 'sans,9' "
        "samplen 0.6 width 0 spacing 0.95",
        f"peak = {peak}"]
    # Each roof's name stands along it, at its lower end inside the picture.
    angle = math.degrees(math.atan2(y_pixels, x_pixels))
    for number, (level, bandwidth) in enumerate(sorted(bandwidths.items(), key=lambda item: -item[1])):
        x = max(x_low, y_low / bandwidth) * 10 ** (0.25 + 0.1 * number)
        lines.append(f"set label '{level} {bandwidth:.0f} GB/s' at {x},{x * bandwidth} rotate by {angle:.0f} "
                     "offset character -0.4,0.6 left textcolor rgb '#555555' font 'sans,9' noenhanced")
    lines.append(f"set label 'FMA peak {peak:.0f} GFLOP/s' at {x_high},{peak} right offset character -1,0.6 "
                 "textcolor rgb '#555555' font 'sans,9'")
    numbered = len(rows) <= LABELLED
    if numbered:
        pixels = [(LEFT + x_pixels * math.log10(x / x_low), BOTTOM - y_pixels * math.log10(y / y_low))
                  for x, y in zip(xs, ys)]
        for number, (x, y, (dx, dy)) in enumerate(zip(xs, ys, place_labels(pixels)), 1):
            at_x, at_y = x * 10 ** (dx / x_pixels), y * 10 ** (-dy / y_pixels)
            lines.append(f"set label '{number}' at {at_x},{at_y} center font 'sans,9' front")
    plots = [f"({bandwidth} * x < peak ? {bandwidth} * x : 1/0) notitle lc rgb '#777777' lw 1.5"
             for bandwidth in bandwidths.values()]
    ridge = peak / max(bandwidths.values())
    plots.append(f"(x >= {ridge} ? peak : 1/0) notitle lc rgb '#777777' lw 1.5")
    data = []
    for number, group in enumerate(groups):
        members = [i for i, row in enumerate(rows) if group_of(row) == group]
        style = f"with points pt {SHAPES[number % 8]} ps 1.1 lc rgb '{COLOURS[number % 8]}'"
        if numbered:
            # One entry of the key each: its number and name.
            for i in members:
                name = rows[i].name.removesuffix("/threads:1")
                plots.append(f"'-' using 1:2 {style} title '{i + 1}  {name}'")
                data.append(f"{xs[i]} {ys[i]}\ne")
        else:
            plots.append(f"'-' using 1:2 {style} title '{group}'")
            data += [f"{xs[i]} {ys[i]}" for i in members] + ["e"]
    return "\n".join(lines + ["set samples 1000", "plot " + ", \\\n  ".join(plots)] + data) + "\n"


def draw(results, path, title, group_of):
    """Writes the PNG; says False when there is nothing with FLOPs to draw."""
    if shutil.which("gnuplot") is None:
        raise Failure("gnuplot is not installed; run scripts/setup, or apt-get install gnuplot-nox")
    text = script(results, path + ".tmp", title.replace("'", " "), group_of)
    if text is None:
        return False
    with tempfile.NamedTemporaryFile("w", suffix=".gp") as file:
        file.write(text)
        file.flush()
        done = subprocess.run(["gnuplot", file.name], capture_output=True, text=True)
    if done.returncode != 0:
        raise Failure(f"gnuplot failed: {(done.stderr.strip() or 'no message').splitlines()[-1]}")
    os.replace(path + ".tmp", path)
    return True
