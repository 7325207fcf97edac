"""The fleet's side of a gateway: jobs, updates, identity, and what the fleet sees of it.

```
IoT Jobs ─▶ service (port) ─▶ engine ─▶ performers ─┬─▶ commands        documents of others, under an allow-list
                                 │                  ├─▶ update          download ▶ verify ▶ stage ▶ activate ▶ probe
                              journal               ├─▶ identity        certificates
                                                    └─▶ diagnostics …
```
"""
