"""Is there a picture where there should be one, does it show anything, and does it say what it shows?"""

import base64
import io

from PIL import Image

from notebooks.making.lecture import Fault

DRAWN = ("<svg", "<img", "<video", "<canvas")


def check_pictures(lecture, notebook):
    """Every cell tagged `figure` shows a picture with a caption, and there is one at least. Return how many."""
    tagged = 0
    for place, cell in enumerate(notebook.cells):
        if "figure" not in cell.metadata.get("tags", []):
            continue
        tagged += 1
        where = f"the cell at {lecture.path.name}:{lecture.line(notebook, place)} is tagged as a figure"
        shown = [output for output in cell.get("outputs", []) if is_picture(output)]
        if not shown:
            raise Fault(f"{where} and shows no picture; end it with show(figure, caption)")
        if any(is_blank(output) for output in shown):
            raise Fault(f"{where} and shows a picture of one colour all over")
        if not all(has_caption(output) for output in shown):
            raise Fault(f"{where} and its picture has no caption; end it with show(figure, caption)")
    if not tagged:
        raise Fault('there is no picture: a cell that shows one is marked with # %% tags=["figure"]')
    return tagged


def is_picture(output):
    data = output.get("data", {})
    return "image/png" in data or any(sign in data.get("text/html", "") for sign in DRAWN)


def is_blank(output):
    if "image/png" not in output["data"]:
        return False
    picture = Image.open(io.BytesIO(base64.b64decode(output["data"]["image/png"]))).convert("RGB")
    return all(low == high for low, high in picture.getextrema())


def has_caption(output):
    alt = output.get("metadata", {}).get("image/png", {}).get("alt")
    return (isinstance(alt, str) and bool(alt)) or "<figcaption" in output["data"].get("text/html", "")
