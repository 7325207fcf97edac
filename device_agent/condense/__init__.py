"""From scores and scans to the few events worth sending."""
