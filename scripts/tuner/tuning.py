"""Tunes one pipeline: measures families, then tiles within them, then confirms the best together."""

import search
from machine import DoesNotFit
from search import Choice

SEARCH_SECONDS = 2.0
CONFIRM_SECONDS = 3.0


def tune_pipeline(machine, state, tell):
    """Searches the schedules of machine.pipeline and finishes it in `state`. `tell(share, what)` hears of the progress.

    Raises TimeUp; what was measured until then is in `state`.
    """
    try:
        search_and_confirm(machine, state, tell)
    except DoesNotFit:  # each for itself does, but not together
        state.finish(machine.pipeline["key"], machine.record_key, {}, {})


def search_and_confirm(machine, state, tell):
    key = machine.pipeline["key"]
    tell(0.0, "as computed")
    default = machine.emit("computed", {})
    record = machine.record(default)
    state.target = record["target"]
    machine.record_key = search.record_key(record)
    if not record.get("schedules"):
        state.finish(key, machine.record_key, {}, {})
        return
    nodes = search.worth(record, machine.time([default], 0.2)[0])
    best = search_tiles(machine, state, search_families(machine, state, default, nodes, tell), nodes, tell)
    choices, figures = confirm_stages(machine, best, default, tell)
    call = {}
    if choices:
        tell(0.95, "the whole call")
        choices, call = confirm_call(machine, choices)
    entries = {node: entry_of(nodes[node], choice, figures[node]) for node, choice in choices.items()}
    state.finish(key, machine.record_key, entries, call)


def entry_of(families, choice, figures):
    """A node's line of the record."""
    rule = search.by_rule(families)
    entry = {"space": families[choice.family]["space"], "tile": list(choice.tile), "computed": list(rule.tile), **figures}
    if choice.family:
        entry["family"] = choice.family
    if choice.family != rule.family:
        entry["computed_family"] = rule.family
    return entry


def search_families(machine, state, default, nodes, tell):
    """{node: family}: the fastest with its computed tile, one node's in an emission."""
    key, block = machine.pipeline["key"], machine.pipeline["params"]["block"]
    todo = []
    for node, families in nodes.items():
        tried = state.families(key, node)
        for family in search.other_families(families, state.known(key, block, node, state.families)):
            if family not in tried:
                todo.append((node, Choice(family, tuple(families[family]["computed"]))))
    if todo:
        emitted = machine.emit_all([{node: choice} for node, choice in todo], f"{len(todo)} families", tell, 0.02, 0.4)
        first, *timings = machine.time([default, *(path for _, path in emitted)], SEARCH_SECONDS)
        record = machine.record(default)
        for (trial, path), timing in zip(emitted, timings):
            for node, choice in trial.items():
                ratio = search.ratio_of(node, (record, machine.record(path)), (first, timing))
                state.add_family(key, node, choice.family, ratio)
        state.save()
    return {node: search.best_of(state.families(key, node)) or next(iter(nodes[node])) for node in nodes}


def search_tiles(machine, state, family_of, nodes, tell):
    """{node: Choice}: the best tile in the family of each node, where that is not what the rule says."""
    key, block = machine.pipeline["key"], machine.pipeline["params"]["block"]
    families = {node: nodes[node][family] for node, family in family_of.items()}
    rule = {node: search.by_rule(nodes[node]) for node in nodes}
    as_computed = {node: Choice(family_of[node], tuple(families[node]["computed"])) for node in nodes}
    base_choices = {node: choice for node, choice in as_computed.items() if choice != rule[node]}
    base = machine.emit("families", base_choices)
    record = machine.record(base)

    def tiles_of(of_pipeline, node):
        return state.tiles(of_pipeline, node, family_of[node])

    def measure(tiles, start, end):
        """Emits and times `tiles` (node: list), and keeps the ratios to the computed one of the family."""
        trials = search.trials(record, tiles)
        if not trials:
            return
        choices = [
            {**base_choices, **{node: Choice(family_of[node], tile) for node, tile in trial.items()}} for trial in trials
        ]
        emitted = machine.emit_all(choices, f"{len(trials)} sets of tiles", tell, start, end)
        first, *timings = machine.time([base, *(path for _, path in emitted)], SEARCH_SECONDS)
        for (choices, _), timing in zip(emitted, timings):
            for node, choice in choices.items():
                if choice != base_choices.get(node):
                    ratio = search.ratio_of(node, (record, record), (first, timing))
                    state.add_tile(key, node, choice.family, choice.tile, ratio)
        state.save()

    first, second = {}, {}
    known = {node: state.known(key, block, node, tiles_of) for node in nodes}
    for node, family in families.items():
        tried = tiles_of(key, node)
        first[node] = [tile for tile in search.first_tiles(family, known[node]) if tile not in tried]
    measure(first, 0.4, 0.65)
    for node, family in families.items():
        tried = tiles_of(key, node)
        best = search.best_of(tried)
        if best and not known[node]:
            second[node] = search.neighbours(family, best, tried)
    measure(second, 0.65, 0.78)
    best = {
        node: Choice(family_of[node], search.best_of(tiles_of(key, node)) or as_computed[node].tile) for node in nodes
    }
    return {node: choice for node, choice in best.items() if choice != rule[node]}


def figures_of(computed_us, ratio):
    return {"computed_us": round(computed_us, 2), "us": round(computed_us * ratio, 2)}


def confirm_stages(machine, choices, default, tell):
    """Measures `choices` afresh beside the computed pipeline and a second copy of that, until all that are left gain: tiles
    of the rule's families together, each other family by itself, since it may change the stages.

    Returns those, and each one's {"us", "computed_us"}.
    """
    record = machine.record(default)
    families = search.nodes_of(record)
    same = machine.copy(default)
    figures = {}
    for attempt in range(3):
        if not choices:
            break
        together = {node: choice for node, choice in choices.items() if choice.family == next(iter(families[node]))}
        apart = [{node: choice} for node, choice in choices.items() if node not in together]
        groups = [group for group in [together, *apart] if group]
        start = 0.8 + 0.05 * attempt
        emitted = machine.emit_all(groups, f"confirming {len(choices)} choices", tell, start, start + 0.05)
        first, of_same, *timings = machine.time([default, same, *(path for _, path in emitted)], CONFIRM_SECONDS)
        kept = {}
        for (group, path), timing in zip(emitted, timings):
            records = record, machine.record(path)
            for node, choice in group.items():
                ratio = search.ratio_of(node, records, (first, timing))
                stages = search.changed_stages(*records, node)[0]
                ratio_of_same = search.ratio(search.sums(first, stages), search.sums(of_same, stages))
                figures[node] = figures_of(search.us_of(node, records, first), ratio)
                if search.is_gain(ratio, ratio_of_same, search.NOISE):
                    kept[node] = choice
        if kept == choices:
            return choices, figures
        choices = kept
    return {}, {}  # nothing, or never twice the same: chance


def time_calls(machine, sets):
    """Microseconds of a call with the computed schedules, and the ratios to it with those once more and each of `sets`."""
    computed = machine.emit("call_computed", {}, False)
    paths = [machine.emit(f"call{i}", choices, False) for i, choices in enumerate(sets)]
    calls = [timing["call"] for timing in machine.time([computed, machine.copy(computed), *paths], CONFIRM_SECONDS)]
    return search.quartile(calls[0]), [search.ratio(calls[0], other) for other in calls[1:]]


def confirm_call(machine, choices):
    """Measures the whole call with `choices`, or with those of them that help it by themselves.

    Returns the choices that make it faster, all or none, and {"us", "computed_us"} of it.
    """
    us, (same, ratio) = time_calls(machine, [choices])
    if not search.is_gain(ratio, same, search.CALL_NOISE) and len(choices) > 1:
        # A stage's gain may be another's loss.
        nodes = sorted(choices)
        _, (same, *alone) = time_calls(machine, [{node: choices[node]} for node in nodes])
        kept = [node for node, of_node in zip(nodes, alone) if search.is_gain(of_node, same, 0)]
        if kept and len(kept) < len(nodes):
            choices = {node: choices[node] for node in kept}
            us, (same, ratio) = time_calls(machine, [choices])
    return (choices if search.is_gain(ratio, same, search.CALL_NOISE) else {}), figures_of(us, ratio)
