"""Errors whose cause is something the user gave, each with one line that says what to do about it.

The command line turns every `UserError` into that line and exit code 2; anything else that is raised is a defect of
ours and keeps its traceback.
"""

import difflib


class UserError(ValueError):
    """Something given from outside cannot be used; the message says what, where, what was expected and what to do."""


class WeightsError(UserError):
    """A weights file is missing, damaged, unsafe or of another network."""


class CheckpointError(UserError):
    """A checkpoint is missing, damaged, or of something else than what is to be gone on with."""


class PictureError(UserError):
    """A picture cannot be read, is not usable at its size, or cannot be written where it should go."""


class SettingsError(UserError):
    """A setting has a value that it cannot have, or two settings contradict each other."""


def nearest(word, choices):
    """The end of a message about an unknown word: the nearest right one, or all of them."""
    choices = [str(choice) for choice in choices]
    near = difflib.get_close_matches(str(word), choices, n=1)
    return f"did you mean {near[0]!r}?" if near else f"choose from {', '.join(choices)}"
