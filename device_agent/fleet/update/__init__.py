"""Updates that cannot brick a gateway: one machine for application, model and configuration.

```
performer, offline install ─▶ Updates (port) ─▶ machine (journal, table) ─┬─▶ Trust    what a bundle is worth
                                                                          ├─▶ Target   where its kind is installed
                                                                          └─▶ Probe    whether the work goes on
```
"""
