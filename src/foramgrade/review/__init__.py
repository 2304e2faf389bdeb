"""The review page: one HTML file with the evidence of every foramen, in which a reader accepts or changes grades."""

from foramgrade.review.collecting import ReviewStudy, find_studies
from foramgrade.review.page import write_report

__all__ = ["ReviewStudy", "find_studies", "write_report"]
