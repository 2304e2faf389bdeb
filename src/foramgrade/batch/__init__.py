"""Many studies in one go: planned, run one by one on whatever computes, kept, and tabulated.

:func:`run_batch` runs the cases of a manifest or a data set, :func:`look_ahead` says what it would do, and
:func:`merge_shards` puts the tables of its parts together. A case is one study: its results are a folder of their own,
moved in whole, with a record of what became of it and of what it depends on; the tables are written from these folders
alone, in the order of the cases, so that they do not depend on how, where and in how many attempts the cases were run.
"""

from foramgrade.batch.assessing import Choices, ReadStudy, Stage, StudyFiles, assess_study, read_study
from foramgrade.batch.manifest import Defaults
from foramgrade.batch.merging import Merged, merge_shards
from foramgrade.batch.outcome import State
from foramgrade.batch.plan import Shard, parse_shard
from foramgrade.batch.studies import BatchRun, Outlook, Standing, look_ahead, run_batch, usable_processors

__all__ = [
    "BatchRun",
    "Choices",
    "Defaults",
    "Merged",
    "Outlook",
    "ReadStudy",
    "Shard",
    "Stage",
    "Standing",
    "State",
    "StudyFiles",
    "assess_study",
    "look_ahead",
    "merge_shards",
    "parse_shard",
    "read_study",
    "run_batch",
    "usable_processors",
]
