"""The search for tiles, without the machine: which tiles to try, together with which, and what measurements say of them.

A pipeline's record, emitted with profile=true, lists its nodes' tiles (`tiles`: node, space, computed, candidates by the
arithmetic's cost) and its stages (`stage_parts`: the Funcs computed in each). Stages are timed one by one, so that one
emission tries a tile of every node, unless two nodes are computed in one stage.
"""

FIRST_TILES = 12  # of the cheapest by arithmetic that are tried
KNOWN_TILES = 3  # of the best in another pipeline of the same block
NEIGHBOURS = 3  # of the best, tried in the second round
NOISE = 0.02  # a stage's gain that may be chance
CALL_NOISE = 0.005  # the same of a whole call, which is measured longer
SMALL = 0.005  # share of a call below which a stage is left alone


def plain(name):
    """A Func's name without Halide's number."""
    return name.split("$")[0]


def record_key(record):
    """The pipeline's name in a record of schedules. A budget may have given it a smaller block than its function says."""
    return "_".join(part for part in (record["kind"], record.get("optimizer"), f"b{record['block']}") if part)


def stages_of(record):
    """node: the stages, by number, in which it is computed."""
    found = {}
    for stage, parts in enumerate(record["stage_parts"]):
        for part in parts:
            found.setdefault(plain(part), set()).add(stage)
    return {entry["node"]: frozenset(found.get(entry["node"], ())) for entry in record.get("tiles", [])}


def worth(record, stage_us):
    """The entries of nodes whose stages take a share of the time that can be measured."""
    total = sum(stage_us)
    stages = stages_of(record)
    return [
        entry for entry in record.get("tiles", []) if sum(stage_us[s] for s in stages[entry["node"]]) > SMALL * total
    ]


def first_tiles(entry, known=None):
    """Tiles to try first: the best by `known` (tile: ratio of times) where another pipeline has measured them, else the
    cheapest by arithmetic. The computed one is measured anyway."""
    computed = tuple(entry["computed"])
    legal = [tuple(tile) for tile in entry["candidates"]]
    if known:
        best = sorted((tile for tile in known if tile in legal and known[tile] < 1 - NOISE), key=known.get)
        return [tile for tile in best if tile != computed][:KNOWN_TILES]
    return [tile for tile in legal if tile != computed][:FIRST_TILES]


def neighbours(entry, tile, tried):
    """The nearest tiles to `tile` that were not tried."""

    def distance(other):
        return (abs(other[0] - tile[0]) + abs(other[1] - tile[1]), other)

    skip = set(tried) | {tuple(entry["computed"])}
    legal = [tuple(candidate) for candidate in entry["candidates"]]
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


def ratio_of(node, record, first, timing):
    """The node's time in `timing` by that in `first`, all stages that compute it together."""
    stages = stages_of(record)[node]
    total = us_of(node, record, first)
    if total <= 0:
        return 1.0
    ratio = sum(timing["stages"][s][1] * first["stages"][s][0] for s in stages) / total
    return max(ratio, us_of(node, record, timing) / total)


def call_ratio(first, other):
    """A time [us, ratio, wins] by the first emission's: the less favourable of the median of the rounds' ratios and the
    ratio of the quartiles, which differ where a time has two states."""
    return max(other[1], other[0] / first[0])


def us_of(node, record, timing):
    """The node's microseconds a call: of all stages that compute it."""
    return sum(timing["stages"][s][0] for s in stages_of(record)[node])


def best_tile(measured):
    """The fastest of `measured` (tile: ratio), if any is faster than the computed one beyond noise."""
    if not measured:
        return None
    tile = min(sorted(measured), key=measured.get)
    return tile if measured[tile] < 1 - NOISE else None


def is_gain(ratio, ratio_of_same, noise):
    """Whether a fresh measurement confirms a gain: more than noise, and than what the same code differs by from itself."""
    return ratio < 1 - max(noise, abs(ratio_of_same - 1))


def by_priority(pipelines):
    """The order of tuning: gradients first, whose tiles the other pipelines of a block start from; large blocks first."""
    kinds = ["grad", "step", "infer", "eval"]

    def order(pipeline):
        kind = pipeline["params"]["kind"]
        return (kinds.index(kind) if kind in kinds else len(kinds), -int(pipeline["params"]["block"]), pipeline["key"])

    return sorted(pipelines, key=order)
