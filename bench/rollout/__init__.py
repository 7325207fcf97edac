"""New versions for fifty gateways: bad ones stop at the canaries and are taken back, a good one reaches all."""
