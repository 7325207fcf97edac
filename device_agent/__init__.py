"""The edge library: sensing, filtering, condensing, spooling, forwarding."""

VERSION = "0.1.0.dev0"
