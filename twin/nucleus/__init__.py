"""A Greengrass nucleus for a laptop: the IPC that the unmodified SDK talks to, and what stands behind it."""
