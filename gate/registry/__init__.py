"""MLflow's model registry: finding versions, copying them, recording verdicts, moving stages.

Nothing else in gate imports MLflow, save the worker that loads a model. Importing this room does not import MLflow:
that happens in `connect`.
"""

from gate.registry.batches import read_large
from gate.registry.columns import Columns, NoSuchColumnError, infer_columns, with_repeats_said
from gate.registry.connection import Registry, connect
from gate.registry.evaluation_data import Found, logged_data, read_data
from gate.registry.find import choose_baseline, ensure_form, holder, holders, resolve
from gate.registry.history import Chapter, LineageRow, history, lineage
from gate.registry.lease import Waiting
from gate.registry.looks import looks, short_digest
from gate.registry.moving import PromotionSettings
from gate.registry.promotion import Mover, promote, resume
from gate.registry.record import is_marked, record, recorded_files, recorded_report
from gate.registry.rollback import rollback
from gate.registry.sampling import capped
from gate.registry.snapshot import fresh_digest, snapshot
from gate.registry.sources import Place, exists, locate_data
from gate.registry.standing import ModelHistory, read_history
from gate.registry.survey import ModelSurvey, survey
from gate.registry.tenures import Tenure

__all__ = [
    "Chapter",
    "Columns",
    "Found",
    "LineageRow",
    "ModelHistory",
    "ModelSurvey",
    "Mover",
    "NoSuchColumnError",
    "Place",
    "PromotionSettings",
    "Registry",
    "Tenure",
    "Waiting",
    "capped",
    "choose_baseline",
    "connect",
    "ensure_form",
    "exists",
    "fresh_digest",
    "history",
    "holder",
    "holders",
    "infer_columns",
    "is_marked",
    "lineage",
    "locate_data",
    "logged_data",
    "looks",
    "promote",
    "read_data",
    "read_history",
    "read_large",
    "record",
    "recorded_files",
    "recorded_report",
    "resolve",
    "resume",
    "rollback",
    "short_digest",
    "snapshot",
    "survey",
    "with_repeats_said",
]
