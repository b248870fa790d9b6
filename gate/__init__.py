"""gate: a quality gate for machine-learning model releases on MLflow."""
