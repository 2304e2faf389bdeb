"""Answers made up for phantoms that nobody draws."""

import pytest

import invented_checks
from foramgrade.validation import Validation


@pytest.fixture
def make_checks():
    return invented_checks.make_checks


@pytest.fixture(scope="package")
def validation() -> Validation:
    return invented_checks.make_validation()
