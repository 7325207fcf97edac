"""Rollouts: a wave at a time, judged by what its gateways do, taken back when they do worse."""
