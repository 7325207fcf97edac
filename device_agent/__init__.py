"""The edge library: sensing, filtering, condensing, spooling, forwarding."""
