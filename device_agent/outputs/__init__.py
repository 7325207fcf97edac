"""What a gateway switches: relays, lamps, buzzers. A rule decides (``device_agent.rules``); here are port, drivers."""
