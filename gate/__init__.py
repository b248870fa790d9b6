"""gate: a quality gate for machine-learning model releases on MLflow."""

from gate.authors import ModelFailedError, check, inconclusive
from gate.domain import LossTest, Severity, Stage, Status, Task, Verdict

__all__ = ["LossTest", "ModelFailedError", "Severity", "Stage", "Status", "Task", "Verdict", "check", "inconclusive"]
__version__ = "0.1.0"
