"""IoT Jobs as one thing sees it: a port, and its transports."""
