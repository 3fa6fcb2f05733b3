"""The search for schedules, without the machine: what to try, together with what, and what measurements say of it.

A pipeline's record, emitted with profile=true, lists its nodes (`schedules`: node, family, tile, and all families with their
space, computed tile and candidates by the arithmetic's cost; the rule takes the first) and its stages (`stage_parts`: the
Funcs computed in each). Stages are timed one by one, so that one emission tries a tile of every node, unless two nodes share
a stage. Another family may have other stages; it is tried by itself.
"""

import collections
import statistics

FIRST_TILES = 12  # of the cheapest by arithmetic that are tried
KNOWN_TILES = 3  # of the best in another pipeline of the same block
NEIGHBOURS = 3  # of the best, tried in the second round
NOISE = 0.02  # a stage's gain that may be chance
CALL_NOISE = 0.005  # the same of a whole call, which is measured longer
SMALL = 0.005  # share of a call below which a stage is left alone
# What generators/ops call a node's further Funcs.
OWN_FUNCS = ("lanes", "rows", "row", "partial", "sum", "products", "taps", "packed", "padded", "stored")

Choice = collections.namedtuple("Choice", "family tile")  # of a node: "features", (6, 4)


def plain(name):
    """A Func's name without Halide's number."""
    return name.split("$")[0]


def record_key(record):
    """The pipeline's name in a record of schedules. A budget may have given it a smaller block than its function says."""
    return "_".join(part for part in (record["kind"], record.get("optimizer"), f"b{record['block']}") if part)


def nodes_of(record):
    """node: its families by name, the rule's first."""
    return {
        entry["node"]: {family["name"]: family for family in entry["families"]} for entry in record.get("schedules", [])
    }


def by_rule(families):
    """The choice that is made without a record."""
    name, family = next(iter(families.items()))
    return Choice(name, tuple(family["computed"]))


def stages_of(record):
    """node: the stages, by number, in which it is computed, or a Func of its own (conv1_d_weight_lanes)."""
    found = {node: set() for node in nodes_of(record)}
    for stage, parts in enumerate(record["stage_parts"]):
        for part in map(plain, parts):
            own, _, last = part.rpartition("_")
            node = own if part not in found and last in OWN_FUNCS else part
            found.get(node, set()).add(stage)
    return {node: frozenset(stages) for node, stages in found.items()}


def changed_stages(record, other, node):
    """The stages of each of two emissions that compute `node` or that the other has no like of: (those, those)."""

    def like(of, stage):
        # A part counts once: a tile that leaves a rest may have code of its own for that.
        return plain(of["stages"][stage]), frozenset(map(plain, of["stage_parts"][stage]))

    def unmatched(mine, theirs):
        left = collections.Counter(like(theirs, stage) for stage in range(len(theirs["stages"])))
        alone = set()
        for stage in range(len(mine["stages"])):
            if left[like(mine, stage)] > 0:
                left[like(mine, stage)] -= 1
            else:
                alone.add(stage)
        return alone

    return (
        stages_of(record)[node] | unmatched(record, other),
        stages_of(other)[node] | unmatched(other, record),
    )


def worth(record, timing):
    """The nodes, with their families, whose stages take a share of the time that can be measured."""
    total = sum(quartile(rounds) for rounds in timing["stages"])
    stages = stages_of(record)
    return {
        node: families
        for node, families in nodes_of(record).items()
        if sum(quartile(timing["stages"][stage]) for stage in stages[node]) > SMALL * total
    }


def other_families(families, known=None):
    """Families to try: all but the rule's, or those that were faster in another pipeline (`known`, family: ratio)."""
    others = list(families)[1:]
    if known is None:
        return others
    return [family for family in others if known.get(family, 1) < 1 - NOISE]


def first_tiles(family, known=None):
    """Tiles to try first: the best by `known` (tile: ratio of times) where another pipeline has measured them, else the
    cheapest by arithmetic. The computed one is measured anyway."""
    computed = tuple(family["computed"])
    legal = [tuple(tile) for tile in family["candidates"]]
    if known:
        best = sorted((tile for tile in known if tile in legal and known[tile] < 1 - NOISE), key=known.get)
        return [tile for tile in best if tile != computed][:KNOWN_TILES]
    return [tile for tile in legal if tile != computed][:FIRST_TILES]


def neighbours(family, tile, tried):
    """The nearest tiles to `tile` that were not tried."""

    def distance(other):
        return (abs(other[0] - tile[0]) + abs(other[1] - tile[1]), other)

    skip = set(tried) | {tuple(family["computed"])}
    legal = [tuple(candidate) for candidate in family["candidates"]]
    return sorted((other for other in legal if other not in skip), key=distance)[:NEIGHBOURS]


def trials(record, tiles):
    """Emissions, each {node: tile}, that try all of `tiles` (node: list of tiles), one node of a stage at a time."""
    stages = stages_of(record)
    queues = []  # of (stages, [(node, tile), ...]); no stage is in two queues
    for node in sorted(tiles):
        mine, queue = set(stages[node]), [(node, tile) for tile in tiles[node]]
        apart = []
        for others, waiting in queues:
            if mine & others:
                mine |= others
                queue = waiting + queue
            else:
                apart.append((others, waiting))
        queues = apart + [(mine, queue)]
    longest = max((len(queue) for _, queue in queues), default=0)
    return [dict(queue[i] for _, queue in queues if i < len(queue)) for i in range(longest)]


def quartile(rounds):
    """A time as reported: the lower quartile of the rounds."""
    return sorted(rounds)[(len(rounds) - 1) // 4]


def ratio(first, other):
    """A time by that of the first emission, round by round: the less favourable of the median of the rounds' ratios and
    the ratio of the quartiles, which differ where a time has two states."""
    if not quartile(first) > 0:
        return 1.0
    return max(statistics.median(o / f for o, f in zip(other, first) if f > 0), quartile(other) / quartile(first))


def sums(timing, stages):
    """The rounds of several stages together."""
    return [sum(parts) for parts in zip(*(timing["stages"][stage] for stage in sorted(stages)))] or [0.0]


def ratio_of(node, records, timings):
    """The ratio of the stages that tell how `node` is computed, of two emissions: the first and another."""
    first, other = changed_stages(*records, node)
    return ratio(sums(timings[0], first), sums(timings[1], other))


def us_of(node, records, timing):
    """Microseconds a call of the stages that ratio_of compares, of the first of `records`."""
    return quartile(sums(timing, changed_stages(*records, node)[0]))


def best_of(measured):
    """The fastest of `measured` (tile or family: ratio), if any is faster than the computed one beyond noise."""
    if not measured:
        return None
    best = min(sorted(measured), key=measured.get)
    return best if measured[best] < 1 - NOISE else None


def is_gain(ratio, ratio_of_same, noise):
    """Whether a fresh measurement confirms a gain: more than noise, and than what the same code differs by from itself."""
    return ratio < 1 - max(noise, abs(ratio_of_same - 1))


def by_priority(pipelines):
    """The order of tuning: gradients first, whose schedules the other pipelines of a block start from; large blocks first."""
    kinds = ["grad", "step", "infer", "eval"]

    def order(pipeline):
        kind = pipeline["params"]["kind"]
        return (kinds.index(kind) if kind in kinds else len(kinds), -int(pipeline["params"]["block"]), pipeline["key"])

    return sorted(pipelines, key=order)
