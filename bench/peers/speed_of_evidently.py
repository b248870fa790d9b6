"""CPU seconds of Evidently's default presets on a whole frame: drift, summary and regression, with their tests."""

from __future__ import annotations

import json
import sys
import time
import warnings
from pathlib import Path

from cases import read
from evidently import Report
from evidently.presets import DataDriftPreset, DataSummaryPreset, RegressionPreset
from with_evidently import dataset


def main() -> None:
    """Read the case named first, run the presets twice, and write the seconds of the second time to the file named."""
    warnings.simplefilter("ignore")
    case = read(Path(sys.argv[1]), "number")
    seconds = {}
    for preset in (DataDriftPreset, DataSummaryPreset, RegressionPreset) * 2:
        start = time.process_time()
        report = Report([preset()], include_tests=True)
        report.run(dataset(case, case.candidate), dataset(case, case.baseline)).dict()
        seconds[preset.__name__] = round(time.process_time() - start, 3)
    Path(sys.argv[2]).write_text(json.dumps(seconds), encoding="utf-8")


if __name__ == "__main__":
    main()
