"""Where a grading system was published."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Citation:
    """Where a grading system was published.

    Parameters
    ----------
    authors : str
        As cited, e.g. "Lee S, Lee JW, et al."
    year : int
        Year of publication.
    title : str
        Title of the article.
    journal : str
        Journal, volume and pages; empty for what is not published.
    doi : str
        Digital object identifier, without a resolver's address; empty where there is none.

    Examples
    --------
    >>> print(Citation("Doe J", 2024, "Our own criteria"))
    Doe J Our own criteria (2024).
    """

    authors: str
    year: int
    title: str
    journal: str = ""
    doi: str = ""

    def __str__(self) -> str:
        journal = f". {self.journal}" if self.journal else ""
        doi = f". doi:{self.doi}" if self.doi else "."
        return f"{self.authors} {self.title}{journal} ({self.year}){doi}"
