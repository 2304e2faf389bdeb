"""What can go wrong, in the words a user reads: what was looked at, what was found, what was expected."""


class ForamgradeError(Exception):
    """Base of every error this package raises on purpose."""


class InputError(ForamgradeError, ValueError):
    """A file or an argument cannot be used as it is."""


class SeriesError(InputError):
    """A series is incomplete, ambiguous or geometrically inconsistent."""


class GridMismatchError(InputError):
    """Two images that must share space do not."""


class AnatomyError(ForamgradeError):
    """The labels do not describe a spine that can be measured."""


class CriteriaError(ForamgradeError):
    """A set of grading criteria is incomplete or contradicts itself."""


class StoppedError(ForamgradeError):
    """A run over many studies cannot go on; what is done stays, and the same command continues."""
