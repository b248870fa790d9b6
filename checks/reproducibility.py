"""Could somebody train this version again? The seven things that a rebuild needs."""

import pytest

from gate import check


@check(category="reproducibility", severity="info", each="reproducibility")
def check_item(item, reproducibility):
    """What a rebuild needs is kept with the version.

    Seven items: source code, metrics, parameters, model file, training data, preprocessing code, preprocessed data.
    Each is verified (looked at and found to agree), present (recorded, not verifiable from here), missing, or
    contradictory (what is recorded does not agree with what is found). A recorded commit is looked up in this
    repository; data files that can be read are hashed whole, since MLflow's own digest covers the first 10,000 rows
    only; whether the working tree was dirty is unknown unless the run says so, because MLflow does not record it.

    Default: info, so that it never decides until a team asks for more.
    A failure names the command or the line of code that mends it, for the next version.
    To change it: `severity: {reproducibility.training_data: critical}` in gate.yaml.
    """
    found = next((entry for entry in reproducibility.items if entry.name == item), None)
    if found is None:
        pytest.skip("the gate did not get to look at it")
    if found.state in {"missing", "contradictory"}:
        pytest.fail(
            f"{found.state}: {found.evidence.rstrip('.')}" + (f"; to mend it: {found.fix}" if found.fix else "")
        )
