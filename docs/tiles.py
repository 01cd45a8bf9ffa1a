"""Draws docs/tiles.jpg: the tiles of a picture, each with its own part and its halo. Run: python docs/tiles.py"""

from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from nnbasics.data import picture as pictures
from nnbasics.style.tiles import grids

HALO, STEP = 80, 64  # of relu5_1


def main():
    image = pictures.resize(pictures.read("cat"), 1200)
    height, width, _ = image.shape
    grid = next(grid for grid in grids((1, 3, height, width), HALO, STEP) if grid.pixels <= 500**2)
    figure = Figure(figsize=(6.4, 4.3), layout="constrained")
    axes = figure.subplots()
    axes.imshow(image, alpha=0.55)
    for row, top in enumerate(grid.rows.starts):
        for column, left in enumerate(grid.columns.starts):
            up, down = grid.rows.edges[row : row + 2]
            start, stop = grid.columns.edges[column : column + 2]
            axes.add_patch(Rectangle((start, up), stop - start, down - up, fill=False, color="white", linewidth=2))
            if (row, column) == (1, 1):
                size = grid.columns.size, grid.rows.size
                axes.add_patch(Rectangle((left, top), *size, fill=False, color="tab:red", linestyle="--", linewidth=2))
                axes.add_patch(Rectangle((start, up), stop - start, down - up, color="tab:red", alpha=0.35))
    axes.set(xlim=(-4, width + 4), ylim=(height + 4, -4), title="A tile's own part, and its halo (dashed)")
    axes.axis("off")
    figure.savefig(Path(__file__).with_suffix(".jpg"), dpi=90)


if __name__ == "__main__":
    main()
