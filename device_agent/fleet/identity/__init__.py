"""A gateway's certificate: the first one by claim, the next ones by job.

```
claim certificate ─▶ provisioning ─▶ store ◀─ rotation ◀─ job
                                       │
                                    current ─▶ uplink
```
"""
