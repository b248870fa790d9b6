"""Pure statistics on arrays: paired differences, shift, outliers, wrong rows, metrics, non-inferiority, latency."""
