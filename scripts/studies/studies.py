"""The table of studies. A sentence says what its numbers say: none is written in advance."""

import os

from runner import Picture, Run, Study

REDO = ["leaky_relu", "prelu", "rrelu", "crelu", "elu", "selu", "custom"]
CLASSIFIERS = ["mlp_1", "mlp_2", "cnn_3", "cnn_4", "cnn_5"]


NAMES = {"relu": "ReLU", "leaky_relu": "leaky ReLU", "prelu": "PReLU", "rrelu": "RReLU", "crelu": "CReLU", "elu": "ELU",
         "selu": "SELU", "custom": "softsign (custom)", "l2": "L2", "ce": "cross-entropy"}


def readable(name):
    return NAMES.get(name, name)


def percent(share, digits=1):
    """100 % and 0 % are only what is exactly that."""
    if share is None:
        return "-"
    if share in (0, 1):
        return f"{100 * share:.0f} %"
    least = 10.0**-digits
    if 100 * share < least / 2:
        return f"less than {least:g} %"
    if 100 - 100 * share < least / 2:
        return f"more than {100 - least:g} %"
    return f"{100 * share:.{digits}f} %"


def iterations(count):
    return "not reached" if count is None else f"{count:,}"


def listed(words):
    words = list(words)
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1] if words else "none"


def curves(name, runs, names, caption, title, *more):
    """Runs of any binaries, drawn by the first one's."""
    logs = ",".join("{log:" + run.name + "}" for run in runs)
    args = ["plot", "curves", "--log=" + logs, "--names=" + ",".join(names), "--title=" + title, *more]
    return Picture(name, runs[0].binary, args, caption)


def ranked(results, runs, names, measure="accuracy"):
    """(name, iterations to 100 % or None, last value), the fastest first, 'not reached' last by how far they came."""
    rows = [(name, results.reached(run.name, 1.0, measure), results.last(run.name, measure=measure))
            for run, name in zip(runs, names)]
    return sorted(rows, key=lambda row: (row[1] is None, row[1] or 0, -(row[2] or 0)))


def race(rows, what):
    """The sentence of a ranking."""
    there = [row for row in rows if row[1] is not None]
    left = [row for row in rows if row[1] is None]
    said = []
    if len(rows) == 1 and there:
        return f"{there[0][0]} was right on 100 % {what} after {there[0][1]:,} iterations."
    if there:
        said.append(f"{there[0][0]} was the first to be right on 100 % {what}, after {there[0][1]:,} iterations"
                    + (f"; {there[-1][0]} took {there[-1][1]:,}." if len(there) > 1 else "."))
    if left:
        ends = listed(f"{name} ({percent(last)} at the end)" for name, _, last in left)
        said.append(f"100 % was not reached by {ends}.")
    return " ".join(said)


def race_table(rows, first="setting"):
    return [first, "iterations to 100 %", "at the end"], [[n, iterations(c), percent(v)] for n, c, v in rows]


def xor(seed):
    names = ["tanh", "sigmoid", "relu"]
    binaries = ["xor_mlp", "xor_mlp_sigmoid", "xor_mlp_relu"]
    runs = [Run(f"xor_{name}", binary, [f"--seed={seed}"]) for name, binary in zip(names, binaries)]
    pictures = [Picture(f"xor_boundary_{name}", run.binary,
                        ["plot", "boundary", "--load={weights:" + run.name + "}",
                         f"--title=XOR: probability of 1, {readable(name)} hidden units"],
                        f"What the net with {readable(name)} hidden units says over the plane.")
                for name, run in zip(names, runs)]
    shown = [readable(name) for name in names]
    pictures.append(curves("xor_curves", runs, shown, "Loss and accuracy of the three nets; the four rows are training and "
                           "test part at once.", "XOR", "--log_y", "--log_x"))

    def read(results):
        rows = ranked(results, runs, shown)
        said = [race(rows, "of the four rows")]
        for name in names:
            grid = [row for row in results.rows(f"xor_boundary_{name}") if row["kind"] == "grid"]
            sure = sum(abs(float(row["output0"]) - 0.5) > 0.4 for row in grid) / len(grid)
            ones = sum(row["label"] == "1" for row in grid) / len(grid)
            said.append(f"With {readable(name)}, {percent(ones, 0)} of the plane shown counts as 1; on "
                        f"{percent(sure, 0)} of the plane the probability is below 0.1 or above 0.9.")
        return said, race_table(rows, "hidden units")

    return Study("xor", "XOR boundaries per activation",
                 "The four rows of exclusive or, learned by 2 -> 4 -> 1 nets that differ in the hidden activation.",
                 runs, pictures, read)


def plane(seed):
    run = Run("plane", "part2_fc", [f"--seed={seed}"])
    pictures = [
        Picture("plane_boundary", run.binary, ["plot", "boundary", "--load={weights:plane}",
                                               "--title=Two classes in the plane: regions of the net"],
                "The regions of the two classes, and the test points."),
        curves("plane_curves", [run], ["2-8-16-32-16-8-2"], "Loss and accuracy.", "Two classes in the plane", "--log_y")]

    def read(results):
        accuracy = results.last("plane")
        return [f"{percent(accuracy)} of the test points lie in the region of their class, and "
                f"{percent(results.last('plane', 'train'))} of the training points."], None

    return Study("plane", "Two interleaved classes in the plane",
                 "A net of six dense layers on points that no straight line separates.", [run], pictures, read)


def fc_net(seed):
    settings = [(activation, loss) for activation in ("sigmoid", "relu") for loss in ("l2", "ce")]
    names = [f"{readable(activation)} with {readable(loss)}" for activation, loss in settings]
    runs = [Run(f"fc_net_{a}_{l}", f"fc_net_{a}_{l}", [f"--seed={seed}"]) for a, l in settings]
    pictures = [curves("fc_net_curves", runs, names, "The four settings over one another.",
                       "Random labels: activation and loss", "--log_y", "--accuracy_from=40")]

    def read(results):
        rows = ranked(results, runs, names)
        return [race(rows, "of the random labels")], race_table(rows)

    return Study("fc_net", "Activation and loss: four settings",
                 "64 random 4x4 images with random labels, 16 -> 16 -> 1, plain gradient descent, at most 10,000 "
                 "iterations. Sorted by the iterations that 100 % took.", runs, pictures, read)


def lines(seed):
    run = Run("lines", "line_cnn", [f"--seed={seed}"])
    pictures = [curves("lines_curves", [run], ["ReLU"], "Loss and accuracy; all images are training and test part at once.",
                       "Vertical or horizontal line", "--accuracy_from=40")]

    def read(results):
        return [race(ranked(results, [run], ["ReLU"]), "of the lines")], None

    return Study("lines", "Lines", "Is the line in an 8x8 image vertical or horizontal? Two convolutions and a dense layer.",
                 [run], pictures, read)


def detection(seed):
    run = Run("detection", "detection_cnn", [f"--seed={seed}"])
    pictures = [curves("detection_curves", [run], ["ReLU"],
                       "Losses and accuracies of the classifier and of the width's regressor; loss is their weighted sum.",
                       "Class and width of an object", "--log_y", "--log_x")]

    def read(results):
        classes = results.reached("detection")
        widths = results.reached("detection", 1.0, "width_accuracy")
        said = (f"All classes were right after {iterations(classes)} iterations, all widths (within 0.5) after "
                f"{iterations(widths)}." if classes and widths else
                f"At the end {percent(results.last('detection'))} of the classes and "
                f"{percent(results.last('detection', measure='width_accuracy'))} of the widths were right.")
        return [said], (["head", "iterations to 100 %", "at the end"],
                        [["class", iterations(classes), percent(results.last("detection"))],
                         ["width", iterations(widths), percent(results.last("detection", measure="width_accuracy"))]])

    return Study("detection", "Detection: two heads on shared features",
                 "A classifier and a width regressor on the same convolutions; the width's L2 loss weighs 0.01.",
                 [run], pictures, read)


def redo(seed):
    names = ["ReLU"] + [readable(name) for name in REDO]
    suffixes = [""] + ["_" + name for name in REDO]
    # ReLU's own runs are those of the two studies above.
    line_runs = [Run("lines" + s, "line_cnn" + s, [f"--seed={seed}"]) for s in suffixes]
    width_runs = [Run("detection" + s, "detection_cnn" + s, [f"--seed={seed}"]) for s in suffixes]
    pictures = [curves("redo_lines", line_runs, names, "A run stops as soon as every line is right.",
                       "Lines, per activation", "--log_y", "--accuracy_from=40"),
                curves("redo_detection", width_runs, names, "A run stops as soon as every width is right.",
                       "Detection, per activation", "--log_y", "--log_x")]

    def read(results):
        line_rows = {row[0]: row for row in ranked(results, line_runs, names)}
        width_rows = {row[0]: row for row in ranked(results, width_runs, names, "width_accuracy")}
        relu = (line_rows["ReLU"][1], width_rows["ReLU"][1])

        def beside(count, base):
            return f"{count / base:.2f}" if count and base else "-"

        def faster(rows, base):
            names = [name for name, count, _ in rows.values() if count and base and count < base]
            return f" Fewer than ReLU's {base:,} sufficed for {listed(names)}." if names else ""

        rows = [[name, iterations(line_rows[name][1]), beside(line_rows[name][1], relu[0]), iterations(width_rows[name][1]),
                 beside(width_rows[name][1], relu[1])] for name in names]
        # Those that got there in the order of their arrival.
        return ["Lines: " + race(list(line_rows.values()), "of the lines") + faster(line_rows, relu[0]),
                "Detection: " + race(list(width_rows.values()), "of the widths") + faster(width_rows, relu[1])], (
            ["activation", "lines", "times ReLU's", "detection, widths", "times ReLU's"], rows)

    return Study("redo", "Other activations beside ReLU",
                 "Both nets once more with each other activation, all from one seed; in the table the iterations to 100 % and "
                 "how many times ReLU's they are. The custom activation is softsign, x / (1 + |x|), written in the model file.",
                 line_runs + width_runs, pictures, read)


def images():
    """Where the digit classifiers get their digits, what they are called, and the epochs that these need."""
    mnist = os.environ.get("KILN_MNIST_DIR", "")
    return (mnist, "MNIST", 2) if mnist else ("digits", "drawn digits", 5)


def classifiers(seed):
    source, data_name, epochs = images()
    runs = [Run(name, name, [f"--data={source}", f"--epochs={epochs}", f"--seed={seed}"]) for name in CLASSIFIERS]
    pictures = [curves("classifiers_curves", runs, CLASSIFIERS, "All five.",
                       f"Five classifiers on {data_name}", "--log_y", "--accuracy_from=80")]
    pictures += [Picture(f"{name}_weights", name, ["plot", "weights", "--load={weights:" + name + "}"],
                         f"The first layer's weights of {name}.") for name in CLASSIFIERS]

    def read(results):
        rows = sorted(((name, results.last(name, "train"), results.last(name), results.last(name, measure="loss"))
                       for name in CLASSIFIERS), key=lambda row: -row[2])
        gap = max(rows, key=lambda row: row[1] - row[2])
        return [f"After {epochs} epochs of {data_name}, {rows[0][0]} is best on the test part with {percent(rows[0][2])}, "
                f"{rows[-1][0]} last with {percent(rows[-1][2])}. "
                + (f"Training is furthest ahead of test in {gap[0]}, by {100 * (gap[1] - gap[2]):.1f} percentage points."
                   if gap[1] > gap[2] else
                   "No model is better on the training part, a mean over the last epoch, than on the test part after it.")], (
            ["model", "training accuracy", "test accuracy", "test loss"],
            [[name, percent(train), percent(test), f"{loss:.4f}"] for name, train, test, loss in rows])

    return Study("classifiers", "Five classifiers of growing depth",
                 f"The same data ({data_name}), batch and optimizer for all.", runs, pictures, read)


def regression(seed):
    names = ["identity", "relu", "sigmoid"]
    runs = [Run(f"regression_{name}", f"regression_1d_{name}", [f"--seed={seed}"]) for name in names]

    def function(name, overlay):
        args = ["plot", "function", "--load={weights:regression_" + name + "}", f"--names={readable(name)}",
                "--title=What the nets learned"]
        return args + (["--overlay=" + ",".join("{csv:function_" + o + "}" for o in overlay)] if overlay else [])

    pictures = [Picture(f"function_{name}", f"regression_1d_{name}", function(name, []),
                        f"The net with {readable(name)} hidden units alone.")
                for name in names[:2]]
    pictures.append(Picture("regression_functions", "regression_1d_sigmoid", function("sigmoid", names[:2]),
                            "The three functions over the noisy points."))
    pictures.append(curves("regression_curves", runs, [readable(name) for name in names],
                           "Their losses: training on noisy points, test on the curve without noise.", "1-D regression",
                           "--log_y"))

    def read(results):
        losses = {name: results.last(f"regression_{name}", measure="loss") for name in names}
        best, worst = min(losses, key=losses.get), max(losses, key=losses.get)
        said = [f"The net with {readable(best)} hidden units comes closest to the curve without noise (test loss "
                f"{losses[best]:.4f}); {readable(worst)} stays furthest away ({losses[worst]:.4f})."]
        shapes = {}
        for name in names:
            y = [float(row["y"]) for row in results.rows("regression_functions")
                 if row["kind"] == "curve" and row["name"] == readable(name)]
            limit = 1e-4 * (max(y) - min(y))
            bent = [abs(y[i - 1] - 2 * y[i] + y[i + 1]) > limit for i in range(1, len(y) - 1)]
            corners = sum(now and not before for before, now in zip([False] + bent, bent))
            shapes[name] = ("a straight line" if not corners else
                            f"made of straight pieces with {corners} corners" if sum(bent) <= 3 * corners else "a smooth curve")
            said.append(f"With {readable(name)} the function is {shapes[name]}.")
        return said, (["hidden units", "test loss", "the function"],
                      [[readable(name), f"{losses[name]:.4f}", shapes[name]] for name in names])

    return Study("regression", "1-D regression", "1 -> 20 -> 1 with three hidden activations on 100 noisy points.",
                 runs, pictures, read)


def descent(seed):
    names = ["whole set a step", "one sample a step"]
    common = ["--data=xor_cloud", "--optimizer=sgd", "--lr=0.1", "--steps=4000", f"--seed={seed}"]
    runs = [Run("descent_batch", "xor_mlp", common + ["--batch=400"]), Run("descent_one", "xor_mlp", common + ["--batch=1"])]
    pictures = [curves("descent_curves", runs, names, "The same net, step by step.", "Batch and stochastic gradient descent",
                       "--log_y", "--accuracy_from=40")]

    def read(results):
        def shake(run):  # how much the loss of a step differs from that of the step before
            losses = [event["loss"] for event in results.log(run) if event["event"] == "step"]
            return sum(abs(b - a) for a, b in zip(losses, losses[1:])) / (len(losses) - 1)

        ends = [(results.last(run.name), results.last(run.name, measure="loss")) for run in runs]
        shakes = [shake(run.name) for run in runs]
        steps = results.steps(runs[0].name)
        return [f"After {steps:,} steps on the whole set {percent(ends[0][0])} of the test part are right (loss "
                f"{ends[0][1]:.4f}); after as many steps on one sample each, a 400th of the work, {percent(ends[1][0])} "
                f"(loss {ends[1][1]:.4f}).",
                f"From one step to the next the training loss changes by {shakes[0]:.2g} on average with the whole set and by "
                f"{shakes[1]:.2g} with single samples."], (["descent", "samples seen", "test accuracy", "test loss"],
                              [[names[0], f"{steps * 400:,}", percent(ends[0][0]), f"{ends[0][1]:.4f}"],
                               [names[1], f"{steps:,}", percent(ends[1][0]), f"{ends[1][1]:.4f}"]])

    return Study("descent", "Batch against stochastic descent",
                 "xor_mlp on the noisy XOR cloud of 400 points, plain SGD, lr 0.1, the same number of steps by --batch.",
                 runs, pictures, read)


def neurons(_seed):
    rectifiers = ["relu", "leaky_relu", "elu", "selu"]
    # What is compared has the same ranges: the two losses of the sigmoid, and the rectifiers.
    losses = ["--loss_range=0:5", "--gradient_range=-0.5:0.5"]
    wide = ["--output_range=-2:11", "--loss_range=0:105", "--gradient_range=-5:25"]

    def picture(name, binary, what, caption, ranges):
        return Picture(name, binary, ["plot", "surface", f"--title=One neuron: {what}, y = 0.5", *ranges], caption)

    pictures = [
        picture("neuron_sigmoid_l2", "neuron_sigmoid_l2", "sigmoid, L2", "Sigmoid with L2 loss in its own ranges.", []),
        picture("neuron_sigmoid_l2_same", "neuron_sigmoid_l2", "sigmoid, L2, in the ranges of cross-entropy",
                "The same in the ranges of the next picture.", losses),
        picture("neuron_sigmoid_ce", "neuron_sigmoid_ce", "sigmoid, cross-entropy", "Sigmoid with cross-entropy.", losses),
        picture("neuron_tanh_l2", "neuron_tanh_l2", "tanh, L2", "tanh with L2 loss in its own ranges.", [])]
    pictures += [picture(f"neuron_{name}_l2", f"neuron_{name}_l2", f"{readable(name)}, L2",
                         f"{readable(name)} with L2 loss, in the ranges of all rectifiers.", wide) for name in rectifiers]

    def read(results):
        def gradient(kind):
            rows = results.rows(f"neuron_{kind}")
            column = list(rows[0])[-1]
            return {(float(r["weight"]), float(r["bias"])): float(r[column]) for r in rows}

        l2, ce = gradient("sigmoid_l2"), gradient("sigmoid_ce")
        corner = max(l2)
        all_l2 = {name: gradient(f"{name}_l2") for name in ["sigmoid", "tanh", *rectifiers]}
        rows = [[readable(name), f"{min(g.values()):.2f}", f"{max(g.values()):.2f}",
                 percent(sum(abs(value) < 0.01 for value in g.values()) / len(g), 0)] for name, g in all_l2.items()]
        times = float(f"{ce[corner] / l2[corner]:.1g}")
        return [f"At weight {corner[0]:g} and bias {corner[1]:g}, where the sigmoid is saturated, the gradient of the L2 loss "
                f"is {l2[corner]:.2g} and that of cross-entropy {ce[corner]:.2g}: about {times:,.0f} times as "
                "much.",
                f"Nowhere is the sigmoid's gradient steeper than {max(map(abs, l2.values())):.2g} with L2 and "
                f"{max(map(abs, ce.values())):.2g} with cross-entropy.",
                "The table tells of each activation with L2 loss the range of d loss / d weight, and on how much of the plane "
                "shown it is nearly zero (below 0.01): there the neuron hardly learns."], (
            ["activation", "least gradient", "largest gradient", "nearly zero on"], rows)

    return Study("neurons", "One neuron over its weight and bias",
                 "activation(weight x + bias) with input 1 and target 0.5. The values are those of the compiled model's own "
                 "loss and gradient pipelines.", [], pictures, read)


def activations(_seed):
    pictures = [Picture("activations", "kiln_activations", [], "Every activation and its derivative on [-2, 2].")]

    def read(results):
        slopes = {}
        for row in results.rows("activations"):
            if row["kind"] == "derivative":
                slopes.setdefault(row["name"], []).append(float(row["y"]))
        flat = [name for name, values in slopes.items() if abs(values[0]) < 0.01]
        rows = [[name, f"{min(values):.3f}", f"{max(values):.3f}", f"{values[0]:.3f}"] for name, values in slopes.items()]
        return [f"At -2 hardly any gradient (a slope below 0.01) is left with {listed(flat)}."], (
            ["activation", "least slope", "largest slope", "slope at -2"], rows)

    return Study("activations", "Activations and their derivatives", "From the DSL's own table of formulas.", [], pictures, read)


def features(seed):
    source, data_name, _ = images()
    model = "mnist_cnn"
    run = Run("features", model, [f"--data={source}", "--epochs=1", f"--seed={seed}"])
    load = "--load={weights:features}"
    pictures = [Picture("features_maps", model, ["plot", "features", load, f"--data={source}"],
                        "Rows: a digit of each class; columns: the filters."),
                Picture("features_weights", model, ["plot", "weights", load], "The filters themselves.")]

    def read(results):
        strength = {}
        for row in results.rows("features_maps"):
            strength.setdefault(int(row["column"]), []).append(float(row["value"]))
        mean = {k: sum(values) / len(values) for k, values in strength.items()}
        silent = {k: sum(value == 0 for value in values) / len(values) for k, values in strength.items()}
        loud = max(mean, key=mean.get)
        return [f"After an epoch of {data_name} the test accuracy is {percent(results.last('features'))}. On these ten digits "
                f"filter {loud} answers most ({mean[loud]:.2f} on average), filter {min(mean, key=mean.get)} least "
                f"({min(mean.values()):.2f})."], (
            ["filter", "mean", "zeros"], [[str(k), f"{mean[k]:.2f}", percent(silent[k], 0)] for k in sorted(mean)])

    return Study("features", "Feature maps of a convolution", "What mnist_cnn's first layer makes of the digits 0 to 9.",
                 [run], pictures, read)


# model: what was published of it on MNIST, in words and as a share.
PUBLISHED = {"mnist_cnn": ("91 % in numpy after 1,500 iterations; 98 % in PyTorch after 2 epochs", 0.98),
             "mnist_fc": ("97 %", 0.97),
             "lenet5": ("none with these defaults", None)}
NUMPY_STEP = 30 * 60 / 1500  # seconds an iteration of mnist_cnn in numpy


def published(seed):
    source, data_name, _ = images()
    runs = {model: Run(f"published_{model}", model, [f"--data={source}", f"--seed={seed}"]) for model in PUBLISHED}
    pictures = [curves("published_curves", list(runs.values()), list(PUBLISHED), "All three.",
                       f"Published models on {data_name}", "--log_y", "--accuracy_from=80")]

    def read(results):
        here = {model: results.last(run.name) for model, run in runs.items()}
        seconds = {model: sum(epoch["seconds"] for epoch in results.epochs(run.name)) for model, run in runs.items()}
        rows = [[model, percent(here[model]), text, f"{seconds[model]:.1f}"] for model, (text, _) in PUBLISHED.items()]
        header = ["model", f"test accuracy here, {data_name}", "published, MNIST", "seconds of training here"]
        if data_name != "MNIST":
            return ["The published figures are of MNIST; here the models read digits that Kiln draws, so the two do not "
                    "compare. "
                    "With KILN_MNIST_DIR this page trains on MNIST."], (header, rows)
        said = []
        for model, (_, share) in PUBLISHED.items():
            if share is not None:
                gap = round(100 * (here[model] - share), 1)
                beside = f"{abs(gap)} percentage points {'above' if gap > 0 else 'below'} the" if gap else "which is the"
                said.append(f"{model} reads {percent(here[model])} of the test digits, {beside} published {percent(share, 0)}.")
        steps = results.steps(runs["mnist_cnn"].name)
        longer = float(f"{NUMPY_STEP * steps / seconds['mnist_cnn']:.2g}")
        said.append(f"mnist_cnn's {steps:,} iterations took {seconds['mnist_cnn']:.1f} s here, beside other runs on the same "
                    f"processor. The numpy version needed half an hour for 1,500 and 3 hours in all: "
                    f"about {longer:,.0f} times as long an iteration, on another machine.")
        return said, (header, rows)

    return Study("published", "Published results", "mnist_cnn, mnist_fc and lenet5 as they are by default, beside what others "
                 "reported of the same networks.", list(runs.values()), pictures, read)


def all_studies(seed):
    return [make(seed) for make in (xor, plane, fc_net, lines, detection, redo, classifiers, published, regression, descent,
                                    neurons, activations, features)]
