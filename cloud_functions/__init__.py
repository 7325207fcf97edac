"""What runs in the cloud: handlers over a pure core and thin adapters."""
