"""Whether the gateway's *work* goes on under a new version: judged from outside the process that was updated.

```
run-status.json, agent-status.json, /proc ─▶ look ─▶ … looks ─▶ stretch (rates) ─┐
                                              before the activation ─▶ stretch ──┴▶ judgement ─▶ good | bad | not yet
```
Everything here works with the standard library and msgspec: it runs in the supervisor, which stays small.
"""
