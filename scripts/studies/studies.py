"""The table of studies. A sentence says what its numbers say: none is written in advance."""

import os

from runner import Picture, Run, Study

REDO = ["leaky_relu", "prelu", "rrelu", "crelu", "elu", "selu", "custom"]
CLASSIFIERS = ["mlp_1", "mlp_2", "cnn_3", "cnn_4", "cnn_5"]


def percent(share):
    return "-" if share is None else f"{100 * share:.2f} %"


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
    if there:
        said.append(f"{there[0][0]} reached 100 % {what} first, after {there[0][1]:,} iterations"
                    + (f"; {there[-1][0]} took {there[-1][1]:,}." if len(there) > 1 else "."))
    if left:
        ends = listed(f"{name} ({percent(last)})" for name, _, last in left)
        said.append(f"Within its iterations 100 % was not reached by {ends}.")
    return " ".join(said)


def race_table(rows, first="setting"):
    return [first, "iterations to 100 %", "at the end"], [[n, iterations(c), percent(v)] for n, c, v in rows]


def xor(seed):
    names = ["tanh", "sigmoid", "relu"]
    binaries = ["xor_mlp", "xor_mlp_sigmoid", "xor_mlp_relu"]
    runs = [Run(f"xor_{name}", binary, [f"--seed={seed}"]) for name, binary in zip(names, binaries)]
    pictures = [Picture(f"xor_boundary_{name}", run.binary,
                        ["plot", "boundary", "--load={weights:" + run.name + "}",
                         f"--title=XOR: probability of 1, {name} hidden units"],
                        f"What the net with {name} hidden units says over the plane.")
                for name, run in zip(names, runs)]
    pictures.append(curves("xor_curves", runs, names, "Loss and accuracy of the three nets.", "XOR"))

    def read(results):
        rows = ranked(results, runs, names)
        said = [race(rows, "of the four rows")]
        for name in names:
            grid = [row for row in results.rows(f"xor_boundary_{name}") if row["kind"] == "grid"]
            sure = sum(abs(float(row["output0"]) - 0.5) > 0.4 for row in grid) / len(grid)
            ones = sum(row["label"] == "1" for row in grid) / len(grid)
            said.append(f"{name}: {percent(ones)} of the plane shown is called 1, and over {percent(sure)} of it the net is "
                        "more than 90 % sure.")
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
        curves("plane_curves", [run], ["2-8-16-32-16-8-2"], "Loss and accuracy.", "Two classes in the plane")]

    def read(results):
        accuracy = results.last("plane")
        return [f"Of the test points {percent(accuracy)} lie in the region of their class "
                f"({percent(results.last('plane', 'train'))} of the training points)."], None

    return Study("plane", "Two interleaved classes in the plane",
                 "A net of six dense layers on points that no straight line separates.", [run], pictures, read)


def fc_net(seed):
    settings = [(activation, loss) for activation in ("sigmoid", "relu") for loss in ("l2", "ce")]
    names = [f"{activation} and {'L2' if loss == 'l2' else 'cross-entropy'}" for activation, loss in settings]
    runs = [Run(f"fc_net_{a}_{l}", f"fc_net_{a}_{l}", [f"--seed={seed}"]) for a, l in settings]
    pictures = [curves("fc_net_curves", runs, names, "The four settings over one another.",
                       "Random labels: activation and loss")]

    def read(results):
        rows = ranked(results, runs, names)
        return [race(rows, "of the random labels")], race_table(rows)

    return Study("fc_net", "Activation and loss: four settings",
                 "64 random 4x4 images with random labels, 16 -> 16 -> 1, plain gradient descent, at most 10,000 "
                 "iterations. Sorted by the iterations that 100 % took.", runs, pictures, read)


def lines(seed):
    run = Run("lines", "line_cnn", [f"--seed={seed}"])
    pictures = [curves("lines_curves", [run], ["ReLU"], "Loss and accuracy.", "Vertical or horizontal line")]

    def read(results):
        rows = ranked(results, [run], ["ReLU"])
        return [race(rows, "of the lines")], race_table(rows, "activation")

    return Study("lines", "Lines", "Is the line in an 8x8 image vertical or horizontal? Two convolutions and a dense layer.",
                 [run], pictures, read)


def detection(seed):
    run = Run("detection", "detection_cnn", [f"--seed={seed}"])
    pictures = [curves("detection_curves", [run], ["ReLU"],
                       "Losses and accuracies of the classifier and of the width's regressor.",
                       "Class and width of an object", "--log_y")]

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
    names = ["ReLU"] + REDO
    suffixes = [""] + ["_" + name for name in REDO]
    # ReLU's own runs are those of the two studies above.
    line_runs = [Run("lines" + s, "line_cnn" + s, [f"--seed={seed}"]) for s in suffixes]
    width_runs = [Run("detection" + s, "detection_cnn" + s, [f"--seed={seed}"]) for s in suffixes]
    pictures = [curves("redo_lines", line_runs, names, "Lines, per activation.", "Lines, per activation", "--log_y"),
                curves("redo_detection", width_runs, names, "Detection, per activation.", "Detection, per activation",
                       "--log_y")]

    def read(results):
        line_rows = {row[0]: row for row in ranked(results, line_runs, names)}
        width_rows = {row[0]: row for row in ranked(results, width_runs, names, "width_accuracy")}
        relu = (line_rows["ReLU"][1], width_rows["ReLU"][1])

        def beside(count, base):
            return iterations(count) + (f" ({count / base:.2f}x)" if count and base else "")

        rows = [[name, beside(line_rows[name][1], relu[0]), beside(width_rows[name][1], relu[1])] for name in names]
        return ["Lines: " + race(sorted(line_rows.values(), key=lambda r: (r[1] is None, r[1] or 0)), "of the lines"),
                "Detection: " + race(sorted(width_rows.values(), key=lambda r: (r[1] is None, r[1] or 0)), "of the widths")], (
            ["activation", "lines", "detection, widths"], rows)

    return Study("redo", "Other activations beside ReLU",
                 "Both nets once more with each other activation; in the table the iterations to 100 %, and how many times "
                 "ReLU's they are.", line_runs + width_runs, pictures, read)


def images():
    """Where the digit classifiers get their digits, what they are called, and the epochs that these need."""
    mnist = os.environ.get("KILN_MNIST_DIR", "")
    return (mnist, "MNIST", 2) if mnist else ("digits", "drawn digits", 5)


def classifiers(seed):
    source, data_name, epochs = images()
    runs = [Run(name, name, [f"--data={source}", f"--epochs={epochs}", f"--seed={seed}"]) for name in CLASSIFIERS]
    pictures = [curves("classifiers_curves", runs, CLASSIFIERS, "All five, training and test.",
                       f"Five classifiers on {data_name}")]
    pictures += [Picture(f"{name}_weights", name, ["plot", "weights", "--load={weights:" + name + "}"],
                         f"The first layer's weights of {name}.") for name in CLASSIFIERS]

    def read(results):
        rows = sorted(((name, results.last(name, "train"), results.last(name), results.last(name, measure="loss"))
                       for name in CLASSIFIERS), key=lambda row: -row[2])
        gap = max(rows, key=lambda row: row[1] - row[2])
        return [f"After {epochs} epochs of {data_name} {rows[0][0]} is best on the test part with {percent(rows[0][2])}, "
                f"{rows[-1][0]} last with {percent(rows[-1][2])}. "
                + (f"Training is furthest ahead of test in {gap[0]}, by {100 * (gap[1] - gap[2]):.2f} percentage points."
                   if gap[1] > gap[2] else
                   "In none the last epoch's training accuracy, a mean over the epoch, is above the test's at its end.")], (
            ["model", "training accuracy", "test accuracy", "test loss"],
            [[name, percent(train), percent(test), f"{loss:.4f}"] for name, train, test, loss in rows])

    return Study("classifiers", "Five classifiers of growing depth",
                 f"The same data ({data_name}), batch and optimizer for all.", runs, pictures, read)


def regression(seed):
    names = ["identity", "relu", "sigmoid"]
    runs = [Run(f"regression_{name}", f"regression_1d_{name}", [f"--seed={seed}"]) for name in names]

    def function(name, overlay):
        args = ["plot", "function", "--load={weights:regression_" + name + "}", f"--names={name}",
                "--title=What the three nets learned"]
        return args + (["--overlay=" + ",".join("{csv:function_" + o + "}" for o in overlay)] if overlay else [])

    pictures = [Picture(f"function_{name}", f"regression_1d_{name}", function(name, []), f"{name} alone.") for name in names[:2]]
    pictures.append(Picture("regression_functions", "regression_1d_sigmoid", function("sigmoid", names[:2]),
                            "The three functions over the noisy points."))
    pictures.append(curves("regression_curves", runs, names, "Their losses.", "1-D regression", "--log_y"))

    def read(results):
        losses = {name: results.last(f"regression_{name}", measure="loss") for name in names}
        best = min(losses, key=losses.get)
        said = [f"{best} comes closest to the curve without noise (test loss {losses[best]:.4f}), "
                f"{max(losses, key=losses.get)} stays furthest away ({max(losses.values()):.4f})."]
        bends = {}
        for name in names:
            y = [float(row["y"]) for row in results.rows("regression_functions")
                 if row["kind"] == "curve" and row["name"] == name]
            second = [abs(y[i - 1] - 2 * y[i] + y[i + 1]) for i in range(1, len(y) - 1)]
            limit = 1e-4 * (max(y) - min(y))
            bends[name] = sum(value > limit for value in second) / len(second)
            said.append(f"{name}: the function bends at {percent(bends[name])} of the places.")
        return said, (["hidden units", "test loss", "share of places where it bends"],
                      [[name, f"{losses[name]:.4f}", percent(bends[name])] for name in names])

    return Study("regression", "1-D regression", "1 -> 20 -> 1 with three hidden activations on 100 noisy points.",
                 runs, pictures, read)


def descent(seed):
    names = ["whole set a step", "one sample a step"]
    common = ["--data=xor_cloud", "--optimizer=sgd", "--lr=0.1", "--steps=4000", f"--seed={seed}"]
    runs = [Run("descent_batch", "xor_mlp", common + ["--batch=400"]), Run("descent_one", "xor_mlp", common + ["--batch=1"])]
    pictures = [curves("descent_curves", runs, names, "The same net, step by step.", "Batch and stochastic gradient descent")]

    def read(results):
        def shake(run):  # how much the loss of a step differs from that of the step before
            losses = [event["loss"] for event in results.log(run) if event["event"] == "step"]
            return sum(abs(b - a) for a, b in zip(losses, losses[1:])) / (len(losses) - 1)

        ends = [(results.last(run.name), results.last(run.name, measure="loss")) for run in runs]
        shakes = [shake(run.name) for run in runs]
        steps = results.steps(runs[0].name)
        return [f"After {steps:,} steps the whole set gives {percent(ends[0][0])} on the test part (loss {ends[0][1]:.4f}), "
                f"one sample a step {percent(ends[1][0])} (loss {ends[1][1]:.4f}) from a 400th of the work.",
                f"From step to step the loss changes by {shakes[0]:.2g} with the whole set and by {shakes[1]:.2g} with single "
                "samples."], (["descent", "samples seen", "test accuracy", "test loss"],
                              [[names[0], f"{steps * 400:,}", percent(ends[0][0]), f"{ends[0][1]:.4f}"],
                               [names[1], f"{steps:,}", percent(ends[1][0]), f"{ends[1][1]:.4f}"]])

    return Study("descent", "Batch against stochastic descent",
                 "xor_mlp on the noisy XOR cloud of 400 points, plain SGD, lr 0.1, the same number of steps by --batch.",
                 runs, pictures, read)


def neurons(_seed):
    kinds = [("sigmoid_l2", "sigmoid, L2 loss"), ("sigmoid_ce", "sigmoid, cross-entropy"), ("relu_l2", "ReLU, L2 loss")]
    # The two losses of the sigmoid are compared: the same ranges.
    same = ["--loss_range=0:5", "--gradient_range=-0.5:0.5"]
    pictures = [Picture(f"neuron_{kind}", f"neuron_{kind}", ["plot", "surface", f"--title=One neuron: {name}, y = 0.5"],
                        f"{name}: each surface in its own range.") for kind, name in kinds]
    pictures[1:1] = [Picture("neuron_sigmoid_l2_same", "neuron_sigmoid_l2",
                             ["plot", "surface", "--title=One neuron: sigmoid, L2 loss, in cross-entropy's ranges", *same],
                             "The same as above in the ranges of the next picture.")]
    pictures[2].args += same

    def read(results):
        def gradient(kind):
            rows = results.rows(f"neuron_{kind}")
            column = list(rows[0])[-1]
            return {(float(r["weight"]), float(r["bias"])): float(r[column]) for r in rows}

        l2, ce = gradient("sigmoid_l2"), gradient("sigmoid_ce")
        corner = max(l2)
        steepest = max(l2, key=lambda at: abs(l2[at]))
        return [f"At weight {corner[0]:g} and bias {corner[1]:g}, where the sigmoid is saturated, the gradient of the L2 loss "
                f"is {l2[corner]:.2g} and that of cross-entropy {ce[corner]:.2g}: {abs(ce[corner] / l2[corner]):,.0f} times as "
                "much.",
                f"The L2 loss is steepest at weight {steepest[0]:g}, bias {steepest[1]:g} ({l2[steepest]:.3f}); the largest "
                f"gradient of cross-entropy is {max(map(abs, ce.values())):.3f}."], None

    return Study("neurons", "One neuron over its weight and bias",
                 "Input 1, target 0.5. The values are those of the compiled model's own loss and gradient pipelines.",
                 [], pictures, read)


def activations(_seed):
    pictures = [Picture("activations", "kiln_activations", [], "Every activation and its derivative on [-2, 2].")]

    def read(results):
        slopes = {}
        for row in results.rows("activations"):
            if row["kind"] == "derivative":
                slopes.setdefault(row["name"], []).append(float(row["y"]))
        flat = [name for name, values in slopes.items() if abs(values[0]) < 0.01]
        rows = [[name, f"{min(values):.3f}", f"{max(values):.3f}", f"{values[0]:.3f}"] for name, values in slopes.items()]
        return [f"At -2 hardly any gradient (less than 0.01) is left of {listed(flat)}."], (
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
        return [f"After an epoch of {data_name} the test accuracy is {percent(results.last('features'))}. Filter {loud} answers "
                f"most ({mean[loud]:.3f} on average), filter {min(mean, key=mean.get)} least ({min(mean.values()):.3f})."], (
            ["filter", "mean", "share of zeros"], [[str(k), f"{mean[k]:.3f}", percent(silent[k])] for k in sorted(mean)])

    return Study("features", "Feature maps of a convolution", "What mnist_cnn's first layer makes of the digits 0 to 9.",
                 [run], pictures, read)


def all_studies(seed):
    return [make(seed) for make in (xor, plane, fc_net, lines, detection, redo, classifiers, regression, descent, neurons,
                                    activations, features)]
