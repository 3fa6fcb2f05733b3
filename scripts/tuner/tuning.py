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
    if not record.get("tiles"):
        state.finish(key, {}, {})
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
    confirm(machine, state, record, {node: tile for node, tile in best.items() if tile}, default, space, tell)


def confirm(machine, state, record, tiles, default, space, tell):
    """Measures the best tiles together, afresh, beside the computed ones and those once more, and keeps what gains."""
    key = machine.pipeline["key"]
    computed = {entry["node"]: entry["computed"] for entry in record["tiles"]}
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
            if search.is_gain(ratios[0], ratios[1], search.NOISE):
                kept[node] = tile
            figures[node] = (search.us_of(node, record, timings[1]), search.us_of(node, record, timings[0]))
        if kept == tiles:
            break
        tiles = kept
    else:
        tiles = {}  # never twice the same: chance
    if not tiles:
        state.finish(key, {}, {})
        return
    tell(0.95, "the whole call")
    computed_call = machine.emit("call_computed", {}, False)
    same_call = machine.copy(computed_call)

    def time_calls(sets):
        """[us, ratio, wins] of a call with the computed tiles, with those once more, and with each of `sets`."""
        paths = [machine.emit(f"call{i}", chosen, False, space) for i, chosen in enumerate(sets)]
        timings = machine.time([computed_call, same_call, *paths], CONFIRM_SECONDS)
        return [timing["call"] for timing in timings]

    calls = time_calls([tiles])
    if not search.is_gain(calls[2][1], calls[1][1], search.CALL_NOISE) and len(tiles) > 1:
        # A stage's gain may be another's loss: those that help the call by themselves.
        nodes = sorted(tiles)
        alone = time_calls([{node: tiles[node]} for node in nodes])
        kept = [node for node, call in zip(nodes, alone[2:]) if call[1] < 1 - abs(alone[1][1] - 1)]
        if kept and len(kept) < len(nodes):
            tiles = {node: tiles[node] for node in kept}
            calls = time_calls([tiles])
    call = {"computed_us": round(calls[0][0], 2), "us": round(calls[2][0], 2)}
    if not search.is_gain(calls[2][1], calls[1][1], search.CALL_NOISE):
        state.finish(key, {}, call)
        return
    nodes = {}
    for node, tile in tiles.items():
        nodes[node] = {
            "space": space[node],
            "tile": list(tile),
            "computed": computed[node],
            "us": round(figures[node][0], 2),
            "computed_us": round(figures[node][1], 2),
        }
    state.finish(key, nodes, call)
