"""``thresher supervise``: keeps ``thresher run`` and ``thresher agent`` running, and carries their updates.

```
systemd ─▶ supervise ─┬▶ wards: run, agent (from <install>/current): started, watched, restarted
                      ├▶ probe: looks at their work all the time
                      └▶ the update machine, while an order is there
```
It is small and runs from its own installation, so that it outlives what it updates.
"""
