"""``make faults``: every fault, injected into real processes, and an account of every event."""
