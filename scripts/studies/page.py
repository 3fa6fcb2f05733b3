"""results/index.html: every study with its pictures in it, its table and what can be read from them."""

import base64
import csv
import html
import os
import time

STYLE = """
body { font: 16px/1.5 sans-serif; max-width: 860px; margin: 2em auto; padding: 0 1em; color: #222 }
img { width: 100%; max-width: 800px } figure { margin: 1.5em 0 } figcaption { color: #555; font-size: 14px }
table { border-collapse: collapse; margin: 1em 0 } th, td { border-bottom: 1px solid #ccc; padding: .25em .9em; text-align: left }
.number { text-align: right; font-variant-numeric: tabular-nums } nav li { display: inline; margin-right: 1em }
"""


def is_number(text):
    try:
        float(text.replace(",", "").rstrip(" %"))
    except ValueError:
        return False
    return True


def table(header, rows):
    def cell(tag, text):
        kind = ' class="number"' if is_number(text) else ""
        return f"<{tag}{kind}>{html.escape(text)}</{tag}>"

    lines = ["".join(cell("th", text) for text in header)]
    lines += ["".join(cell("td", str(text)) for text in row) for row in rows]
    return "<table>\n" + "\n".join(f"<tr>{line}</tr>" for line in lines) + "\n</table>\n"


def figure(picture, results):
    with open(results.path("png", picture.name), "rb") as file:
        data = base64.b64encode(file.read()).decode()
    caption = html.escape(picture.caption)
    return (f'<figure><img alt="{caption}" src="data:image/png;base64,{data}">'
            f"<figcaption>{caption}</figcaption></figure>\n")


def section(study, results):
    sentences, rows = study.read(results)
    text = f'<h2 id="{study.name}">{html.escape(study.title)}</h2>\n<p>{html.escape(study.about)}</p>\n'
    text += "".join(f"<p>{html.escape(sentence)}</p>\n" for sentence in sentences)
    if rows is not None:
        text += table(*rows)
        with open(os.path.join(results.out, f"{study.name}_table.csv"), "w", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([rows[0], *rows[1]])
    return text + "".join(figure(picture, results) for picture in study.pictures)


def write(studies, results, seconds):
    links = "".join(f'<li><a href="#{study.name}">{html.escape(study.title)}</a></li>' for study in studies)
    body = "".join(section(study, results) for study in studies)
    text = (f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>Kiln: studies</title><style>{STYLE}</style>\n'
            f"<h1>Studies</h1>\n<nav><ul>{links}</ul></nav>\n{body}"
            f"<p>Trained and drawn in {seconds:.0f} s on {time.strftime('%Y-%m-%d')}.</p></html>\n")
    path = os.path.join(results.out, "index.html")
    with open(path + ".tmp", "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(path + ".tmp", path)
