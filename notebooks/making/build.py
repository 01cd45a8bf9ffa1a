"""Text in, executed notebooks out, one after another, each against the rules and its budget."""

import textwrap

from notebooks.making.execute import execute
from notebooks.making.keep import is_current, save
from notebooks.making.lecture import Fault, budget, check_headings, lectures
from notebooks.making.pictures import check_pictures


def build(folder, wanted=(), force=False):
    """Build the lectures of `folder`; return how many failed, each with its fault told.

    Parameters
    ----------
    folder : Path
    wanted : list of str
        Beginnings of names; all lectures if empty.
    force : bool
        Execute a notebook also if neither its text nor the library has changed since.
    """
    chosen = lectures(folder, wanted)
    width = max((len(lecture.name) for lecture in chosen), default=0)
    failed = []
    for lecture in chosen:
        print(lecture.name.ljust(width), end="  ", flush=True)
        try:
            print("unchanged" if not force and is_current(lecture) else made(lecture), flush=True)
        except Fault as fault:
            failed.append(lecture.name)
            print(f"FAILED\n{textwrap.indent(str(fault), '  ')}\n", flush=True)
    if failed:
        print(f"{len(failed)} of {len(chosen)} lectures failed: {', '.join(failed)}")
    return len(failed)


def made(lecture):
    """Execute a lecture, hold it against the rules, and save it; return a line about it."""
    notebook = lecture.read()
    check_headings(notebook)
    allowed = budget(notebook)
    cost = execute(lecture, notebook)
    if cost.seconds > allowed.seconds:
        # The kernels of the library may have been compiled in this run; they are kept, so a second one shows.
        cost = execute(lecture, notebook := lecture.read())
    pictures = check_pictures(lecture, notebook)
    if cost.seconds > allowed.seconds:
        raise Fault(f"it needs {cost.seconds:.0f} s of CPU, and {allowed.seconds:.0f} are allowed; do less in it")
    if cost.gigabytes > allowed.gigabytes:
        raise Fault(
            f"it needs {cost.gigabytes:.2f} GB of memory, and {allowed.gigabytes:g} are allowed; work on smaller "
            "arrays, or ask for more in its header: budget: {gigabytes: 2.5, reason: why}"
        )
    moved = save(lecture, notebook)
    kept = f"; the one you had worked in is now {moved.name}" if moved else ""
    return f"{cost}, {pictures} picture{'s' if pictures > 1 else ''}{kept}"
