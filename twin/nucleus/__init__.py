"""The nucleus emulator's beginnings: Greengrass IPC over a Unix socket, for the unmodified SDK."""
