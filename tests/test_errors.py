"""One root for every error raised on purpose, and the builtin a caller may expect."""

import inspect

import pytest

from foramgrade import errors


def test_every_error_descends_from_the_packages_own_and_says_what_it_is() -> None:
    classes = [c for _, c in inspect.getmembers(errors, inspect.isclass) if c.__module__ == errors.__name__]
    assert {c.__name__ for c in classes} == {
        "ForamgradeError",
        "InputError",
        "SeriesError",
        "GridMismatchError",
        "AnatomyError",
        "CriteriaError",
        "StoppedError",
    }
    for error in classes:
        assert issubclass(error, errors.ForamgradeError)
        assert error.__doc__


@pytest.mark.parametrize("error", [errors.InputError, errors.SeriesError, errors.GridMismatchError])
def test_unusable_input_is_a_value_error_too(error: type[errors.InputError]) -> None:
    with pytest.raises(ValueError, match="found 3, expected 4"):
        raise error("found 3, expected 4")


@pytest.mark.parametrize("error", [errors.AnatomyError, errors.CriteriaError, errors.StoppedError])
def test_what_is_wrong_with_content_is_not_a_value_error(error: type[errors.ForamgradeError]) -> None:
    assert not issubclass(error, ValueError)
