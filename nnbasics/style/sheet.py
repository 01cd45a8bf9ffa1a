"""Pictures about a run: a contact sheet of its stages, and the curve of its loss."""

import math

import numpy as np

CELL = 320  # pixels of a picture's longest side on the sheet
GAP = 12
LINE = 22  # height of a caption


def contact_sheet(panels, columns=4, cell=CELL):
    """Pictures with captions side by side.

    Parameters
    ----------
    panels : list of (str, ndarray)
        Captions and (H, W, 3) pictures in [0, 1]; each is scaled to the size of a cell, aspect kept.
    columns : int
    cell : int
        Pixels of the longest side of a cell.

    Returns
    -------
    ndarray, (H, W, 3) uint8
    """
    from PIL import Image, ImageDraw, ImageFont

    columns = min(columns, len(panels))
    rows = math.ceil(len(panels) / columns)
    thumbnails = [_thumbnail(picture, cell) for _, picture in panels]
    height = max(picture.height for picture in thumbnails)
    sheet = Image.new("RGB", (GAP + columns * (cell + GAP), GAP + rows * (height + LINE + GAP)), "white")
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(15)
    for number, ((caption, _), picture) in enumerate(zip(panels, thumbnails, strict=True)):
        row, column = divmod(number, columns)
        left, top = GAP + column * (cell + GAP), GAP + row * (height + LINE + GAP)
        sheet.paste(picture, (left + (cell - picture.width) // 2, top + (height - picture.height) // 2))
        draw.text((left + cell // 2, top + height + LINE // 2), caption, "black", font, anchor="mm")
    return np.asarray(sheet)


def grid_sheet(rows, row_labels, column_labels, row_title, column_title):
    """Pictures of one size in rows and columns, with labelled axes.

    Parameters
    ----------
    rows : list of lists of ndarray, (H, W, 3) in [0, 1]
    row_labels, column_labels : list of str
        Of any number of lines.
    row_title, column_title : str
        What the labels are values of.

    Returns
    -------
    ndarray, (H, W, 3) uint8
    """
    from PIL import Image, ImageDraw, ImageFont

    font, bold = ImageFont.load_default(14), ImageFont.load_default(17)
    cells = [[_thumbnail(picture) for picture in row] for row in rows]
    width = max(cell.width for row in cells for cell in row) + GAP
    height = max(cell.height for row in cells for cell in row) + GAP
    ruler = ImageDraw.Draw(Image.new("RGB", (1, 1)))
    left = GAP + LINE + max(ruler.multiline_textbbox((0, 0), text, font)[2] for text in row_labels) + GAP
    top = GAP + LINE + max(ruler.multiline_textbbox((0, 0), text, font)[3] for text in column_labels) + GAP
    sheet = Image.new("RGB", (left + len(cells[0]) * width, top + len(cells) * height), "white")
    draw = ImageDraw.Draw(sheet)
    draw.text((left + (sheet.width - left - GAP) // 2, GAP), column_title, "black", bold, anchor="mt")
    for row, (line, label) in enumerate(zip(cells, row_labels, strict=True)):
        middle = top + row * height + (height - GAP) // 2
        draw.multiline_text((left - GAP, middle), label, "black", font, anchor="rm", align="right")
        for column, cell in enumerate(line):
            sheet.paste(cell, (left + column * width, top + row * height))
    for column, label in enumerate(column_labels):
        middle = left + column * width + (width - GAP) // 2
        draw.multiline_text((middle, top - GAP), label, "black", font, anchor="md", align="center")
    title = Image.new("RGB", (sheet.height - top - GAP, LINE), "white")
    ImageDraw.Draw(title).text((title.width // 2, LINE // 2), row_title, "black", bold, anchor="mm")
    sheet.paste(title.rotate(90, expand=True), (GAP, top))
    return np.asarray(sheet)


def loss_curve(path, losses, title=""):
    """Write a picture of the loss over the steps, on a logarithmic scale."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4), layout="constrained")
    axes = figure.subplots()
    axes.semilogy(losses)
    axes.set(xlabel="steps", ylabel="loss", title=title)
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120)


def _thumbnail(picture, cell=CELL):
    from PIL import Image

    image = Image.fromarray((np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8))
    scale = cell / max(image.size)
    size = [max(1, round(side * scale)) for side in image.size]
    return image.resize(size, Image.Resampling.LANCZOS)
