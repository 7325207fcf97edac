"""Greengrass components: each folder holds the `main.py` that its nucleus runs, over `device_agent.greengrass`."""
