"""Tunes one pipeline: measures tiles, then confirms the best together."""

import search

SEARCH_SECONDS = 2.0
CONFIRM_SECONDS = 3.0


def tune_pipeline(machine, state, tell):
    """Searches the tiles of machine.pipeline and finishes it in `state`. `tell(share, what)` hears of the progress.

    Raises TimeUp; what was measured until then is in `state`.
    """
    key = machine.pipeline["key"]
    tell(0.0, "as computed")
    default = machine.emit("computed", {})
    record = machine.record(default)
    state.target = record["target"]
    machine.record_key = search.record_key(record)
    if not record.get("tiles"):
        state.finish(key, machine.record_key, {}, {})
        return
    space = {entry["node"]: entry["space"] for entry in record["tiles"]}
    stage_us = [stage[0] for stage in machine.time([default], 0.2)[0]["stages"]]
    entries = {entry["node"]: entry for entry in search.worth(record, stage_us)}

    def measure(tiles, start, end):
        """Emits and times `tiles` (node: list), and keeps the ratios."""
        trials = search.trials(record, tiles)
        if not trials:
            return
        emitted = []

        def on_each():
            emitted.append(1)
            tell(start + (end - start) * len(emitted) / (len(trials) + 1), f"{len(trials)} sets of tiles")

        paths = machine.emit_all(trials, space, on_each)
        timings = machine.time([default, *paths], SEARCH_SECONDS)
        for trial, timing in zip(trials, timings[1:]):
            for node, tile in trial.items():
                state.add(key, node, tile, search.ratio_of(node, record, timings[0], timing))
        state.save()

    block = machine.pipeline["params"]["block"]
    first, second = {}, {}
    for node, entry in entries.items():
        tried = state.measured(key, node)
        tiles = search.first_tiles(entry, state.known(key, block, node))
        first[node] = [tile for tile in tiles if tile not in tried]
    measure(first, 0.05, 0.6)
    for node, entry in entries.items():
        tried = state.measured(key, node)
        best = search.best_tile(tried)
        if best and not state.known(key, block, node):
            second[node] = search.neighbours(entry, best, tried)
    measure(second, 0.6, 0.75)

    best = {node: search.best_tile(state.measured(key, node)) for node in entries}
    best = {node: tile for node, tile in best.items() if tile}
    tiles, figures = confirm_stages(machine, record, best, default, space, tell)
    call = {}
    if tiles:
        tell(0.95, "the whole call")
        tiles, call = confirm_call(machine, tiles, space)
    nodes = {}
    for node, tile in tiles.items():
        nodes[node] = {"space": space[node], "tile": list(tile), "computed": entries[node]["computed"], **figures[node]}
    state.finish(key, machine.record_key, nodes, call)


def figures_of(computed_us, ratio):
    return {"computed_us": round(computed_us, 2), "us": round(computed_us * ratio, 2)}


def confirm_stages(machine, record, tiles, default, space, tell):
    """Measures `tiles` together, afresh, beside the computed ones and those once more, until all that are left gain.

    Returns those, and each one's {"us", "computed_us"}.
    """
    same = machine.copy(default)
    figures = {}
    for attempt in range(3):
        if not tiles:
            break
        tell(0.8 + 0.05 * attempt, f"confirming {len(tiles)} tiles")
        tuned = machine.emit(f"confirmed{attempt}", tiles, True, space)
        timings = machine.time([default, tuned, same], CONFIRM_SECONDS)
        kept = {}
        for node, tile in tiles.items():
            ratios = [search.ratio_of(node, record, timings[0], timing) for timing in timings[1:]]
            figures[node] = figures_of(search.us_of(node, record, timings[0]), ratios[0])
            if search.is_gain(ratios[0], ratios[1], search.NOISE):
                kept[node] = tile
        if kept == tiles:
            return tiles, figures
        tiles = kept
    return {}, {}  # nothing, or never twice the same: chance


def time_calls(machine, sets, space):
    """Microseconds of a call with the computed tiles, and the ratios to it with those once more and each of `sets`."""
    computed = machine.emit("call_computed", {}, False)
    paths = [machine.emit(f"call{i}", tiles, False, space) for i, tiles in enumerate(sets)]
    times = [timing["call"] for timing in machine.time([computed, machine.copy(computed), *paths], CONFIRM_SECONDS)]
    return times[0][0], [search.call_ratio(times[0], other) for other in times[1:]]


def confirm_call(machine, tiles, space):
    """Measures the whole call with `tiles`, or with those of them that help it by themselves.

    Returns the tiles that make it faster, all or none, and {"us", "computed_us"} of it.
    """
    us, (same, ratio) = time_calls(machine, [tiles], space)
    if not search.is_gain(ratio, same, search.CALL_NOISE) and len(tiles) > 1:
        # A stage's gain may be another's loss.
        nodes = sorted(tiles)
        _, (same, *alone) = time_calls(machine, [{node: tiles[node]} for node in nodes], space)
        kept = [node for node, of_node in zip(nodes, alone) if search.is_gain(of_node, same, 0)]
        if kept and len(kept) < len(nodes):
            tiles = {node: tiles[node] for node in kept}
            us, (same, ratio) = time_calls(machine, [tiles], space)
    return (tiles if search.is_gain(ratio, same, search.CALL_NOISE) else {}), figures_of(us, ratio)
