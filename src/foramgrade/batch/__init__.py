"""Many studies in one go: planned, run one by one on whatever computes, kept, and tabulated."""

from foramgrade.batch.assessing import Choices, ReadStudy, Stage, StudyFiles, assess_study, read_study

__all__ = ["Choices", "ReadStudy", "Stage", "StudyFiles", "assess_study", "read_study"]
