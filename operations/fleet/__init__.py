"""What an operator does for a fleet: keys, signed bundles, and how they reach gateways."""
