"""What an operator does to a fleet: keys, bundles, rollouts, identities."""
