"""Computing metrics, comparisons and warnings from what was collected."""
