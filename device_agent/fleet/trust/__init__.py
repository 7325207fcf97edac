"""Which bundles may be used: signatures, the chain of roots, counters, time, and for whom a bundle is.

```
bundle ─▶ layout ─▶ roots ─▶ signatures ─▶ manifest ─▶ rules ─▶ content's digest ─▶ VerifiedBundle
                      ▲                                  ▲
                 TrustStore: the newest root, counters, the latest time that is certain
```
Nothing is unpacked here, and nothing of a bundle is parsed further than the step before it allows.
"""
