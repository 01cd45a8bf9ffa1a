"""Pictures about a run: a contact sheet of its stages, and the curve of its loss."""

import math

import numpy as np

CELL = 320  # pixels of a picture's longest side on the sheet
GAP = 12
LINE = 22  # height of a caption


def contact_sheet(panels, columns=4):
    """Pictures with captions side by side.

    Parameters
    ----------
    panels : list of (str, ndarray)
        Captions and (H, W, 3) pictures in [0, 1]; each is scaled to the size of a cell, aspect kept.
    columns : int

    Returns
    -------
    ndarray, (H, W, 3) uint8
    """
    from PIL import Image, ImageDraw, ImageFont

    columns = min(columns, len(panels))
    rows = math.ceil(len(panels) / columns)
    thumbnails = [_thumbnail(picture) for _, picture in panels]
    height = max(picture.height for picture in thumbnails)
    sheet = Image.new("RGB", (GAP + columns * (CELL + GAP), GAP + rows * (height + LINE + GAP)), "white")
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(15)
    for number, ((caption, _), picture) in enumerate(zip(panels, thumbnails, strict=True)):
        row, column = divmod(number, columns)
        left, top = GAP + column * (CELL + GAP), GAP + row * (height + LINE + GAP)
        sheet.paste(picture, (left + (CELL - picture.width) // 2, top + (height - picture.height) // 2))
        draw.text((left + CELL // 2, top + height + LINE // 2), caption, "black", font, anchor="mm")
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


def _thumbnail(picture):
    from PIL import Image

    image = Image.fromarray((np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8))
    scale = CELL / max(image.size)
    size = [max(1, round(side * scale)) for side in image.size]
    return image.resize(size, Image.Resampling.LANCZOS)
