"""Tables in Markdown, readable as text too."""

import targets


def markdown(head, rows):
    """Columns whose head starts with '>' are aligned to the right."""
    right = [name.startswith(">") for name in head]
    cells = [[name.lstrip(">") for name in head]] + [[str(cell).replace("|", "\\|") for cell in row] for row in rows]
    widths = [max(3, *(len(row[i]) for row in cells)) for i in range(len(head))]

    def line(row):
        return "| " + " | ".join(cell.rjust(w) if r else cell.ljust(w) for cell, w, r in zip(row, widths, right)) + " |"

    rule = "|" + "|".join("-" * (w + 1) + (":" if r else "-") for w, r in zip(widths, right)) + "|"
    return "\n".join([line(cells[0]), rule] + [line(row) for row in cells[1:]]) + "\n"


def time_text(us):
    """Three digits or more: 0.412, 3.97, 25.8, 1,234."""
    if us < 1:
        return f"{us:.3f}"
    if us < 10:
        return f"{us:.2f}"
    return f"{us:.1f}" if us < 1000 else f"{us:,.0f}"


def bytes_text(count):
    for unit, size in (("MB", 1e6), ("KB", 1e3)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count:.0f} B"


def percent(share, digits=1):
    return f"{100 * share:.{digits}f} %"


FIGURES = [">us", ">+-", ">GFLOP/s", ">of peak", ">moved", ">bandwidth", ">of it", "limit"]


def figures(row):
    """The cells of FIGURES."""
    if row.error:
        return [row.error] + [""] * (len(FIGURES) - 1)
    import statistics

    has_flops = row.flops > 0
    return [time_text(row.median_us), percent(row.spread), f"{row.gflops:.1f}" if has_flops else "-",
            percent(row.share) if has_flops else "-", bytes_text(row.bytes),
            f"{row.level} {statistics.median(row.bandwidths):.0f} GB/s", percent(row.bandwidth_share, 0), row.limit]


def target_table(results):
    """Every row of bin/kiln_bench, with its goal where it has one."""
    rows = []
    for name, row in results.rows.items():
        model, what, batch, _ = (name.split("/") + [""] * 4)[:4]
        goal = targets.GOALS.get(name)
        met = goal.met(row, results.rows) if goal and not row.error else None
        factor = None if row.error else targets.speedup(row, results.rows)
        rows.append([model, what, batch.removeprefix("batch:"), row.threads, *figures(row),
                     "" if factor is None else f"{factor:.2f} x", goal.text() if goal else "",
                     {True: "yes", False: "no", None: ""}[met]])
    return markdown(["model", "what", ">batch", ">threads", *FIGURES, ">speed-up", "goal", "met"], rows)


def schedule_of(row):
    return row.name.split("/")[-1]


def fastest_other(row, rows):
    """The factor between this and the fastest of the same name with another schedule; None when there is none."""
    stem = row.name.rsplit("/", 1)[0]
    others = [r.median_us for r in rows.values() if r.name.rsplit("/", 1)[0] == stem and r is not row and not r.error]
    return min(others) / row.median_us if others and not row.error else None


def schedule_table(results, first):
    """Every row of a binary that has several schedules, those of one thing together. `first`: what the things are."""
    stems = list(dict.fromkeys(name.rsplit("/", 1)[0] for name in results.rows))
    rows = []
    for stem in stems:
        for name, row in results.rows.items():
            if name.rsplit("/", 1)[0] != stem:
                continue
            factor = fastest_other(row, results.rows)
            rows.append([stem, schedule_of(row), *figures(row), "" if factor is None else f"{factor:.2f} x"])
    return markdown([first, "schedule", *FIGURES, ">faster than the best other"], rows)


def cost_table(costs):
    rows = [[c.model, c.pipelines, f"{c.seconds:.1f}", bytes_text(c.library_bytes), bytes_text(c.binary_bytes), says]
            for c, says in costs]
    return markdown(["model", ">pipelines", ">emitted in, CPU s", ">libraries", ">binary, stripped", "stands alone"], rows)


def comparison_table(comparisons):
    """comparisons: (name, Comparison)."""
    rows = []
    for name, c in comparisons:
        interval = f"{c.interval[0]:.3f} to {c.interval[1]:.3f}" if c.interval else "-"
        rows.append([name, time_text(c.base), time_text(c.change), f"{c.ratio:.3f}", interval,
                     f"{c.p:.4f}" if c.p >= 1e-4 else "< 0.0001", c.verdict])
    return markdown(["benchmark", ">base, us", ">change, us", ">change / base", "99 % interval", ">p", "says"], rows)
