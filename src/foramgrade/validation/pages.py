"""A report as blocks, and the blocks as one HTML page that needs nothing else or as Markdown with figures beside it."""

import base64
import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading.

    Parameters
    ----------
    text : str
        Its words.
    """

    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph.

    Parameters
    ----------
    text : str
        Plain sentences.
    """

    text: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table.

    Parameters
    ----------
    caption : str
        What it shows.
    head : tuple of str
        Names of the columns; the first holds words, the others numbers.
    rows : tuple of tuple of str
        Cells.
    """

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure.

    Parameters
    ----------
    name : str
        Name of its file without ending.
    caption : str
        What it shows; also read aloud in its place.
    """

    name: str
    caption: str


Block = Heading | Paragraph | Table | Picture

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #111; background: #fff; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.25rem; margin-top: 2.2rem; }
table { border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums; margin: .6rem 0 1.4rem; }
caption { text-align: left; font-weight: 600; padding-bottom: .3rem; }
th, td { padding: .2rem .7rem .2rem 0; text-align: right; border-bottom: 1px solid #ccc; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
figure { margin: 1rem 0 1.6rem; } figure img { max-width: 100%; } figcaption { font-size: .85rem; color: #444; }
.wide { overflow-x: auto; }
@media print { body { margin: 0; max-width: none; } table, figure { break-inside: avoid; } }
""".strip()  # noqa: E501


def write_html(title: str, blocks: Sequence[Block], pictures: Mapping[str, bytes]) -> str:
    """One page that holds everything.

    Parameters
    ----------
    title : str
        Of the page.
    blocks : sequence of Block
        From the top.
    pictures : mapping of str to bytes
        SVG by name.

    Returns
    -------
    str
        HTML without scripts, and without a link to any other file or host; all text escaped.
    """
    body = "\n".join(_html(block, pictures) for block in blocks)
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)}</title>\n<style>\n{_STYLE}\n</style>\n</head>\n<body>\n<main>\n"
        f"<h1>{html.escape(title)}</h1>\n{body}\n</main>\n</body>\n</html>\n"
    )


def write_markdown(title: str, blocks: Sequence[Block], *, folder: str) -> str:
    """The same as Markdown.

    Parameters
    ----------
    title : str
        Of the page.
    blocks : sequence of Block
        From the top.
    folder : str
        Folder of the figures, beside the file.

    Returns
    -------
    str
        Markdown with pipe tables.
    """
    return f"# {title}\n\n" + "\n\n".join(_markdown(block, folder) for block in blocks) + "\n"


def _html(block: Block, pictures: Mapping[str, bytes]) -> str:
    match block:
        case Heading(text):
            return f"<h2>{html.escape(text)}</h2>"
        case Paragraph(text):
            return f"<p>{html.escape(text)}</p>"
        case Picture(name, caption):
            data = base64.b64encode(pictures[name]).decode("ascii")
            shown, said = html.escape(caption), html.escape(caption, quote=True)
            return (
                f'<figure><img src="data:image/svg+xml;base64,{data}" alt="{said}">'
                f"<figcaption>{shown}</figcaption></figure>"
            )
        case Table(caption, head, rows):
            top = "".join(f'<th scope="col">{html.escape(cell)}</th>' for cell in head)
            lines = "\n".join(
                f'<tr><th scope="row">{html.escape(row[0])}</th>'
                + "".join(f"<td>{html.escape(cell)}</td>" for cell in row[1:])
                + "</tr>"
                for row in rows
            )
            return (
                f'<div class="wide"><table>\n<caption>{html.escape(caption)}</caption>\n<thead><tr>{top}</tr></thead>\n'
                f"<tbody>\n{lines}\n</tbody>\n</table></div>"
            )


def _markdown(block: Block, folder: str) -> str:
    match block:
        case Heading(text):
            return f"## {text}"
        case Paragraph(text):
            return text
        case Picture(name, caption):
            return f"![{caption}]({folder}/{name}.svg)"
        case Table(caption, head, rows):
            rule = ["---", *["--:"] * (len(head) - 1)]
            lines = [f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in (head, rule, *rows)]
            return f"**{caption}**\n\n" + "\n".join(lines)
