"""Updates under every fault: the real machine, journal, downloads and links, with a stub where a gateway's work is.

```
place (a state folder, releases, links) ─▶ the machine in a process of its own ─▶ killed, failed, hung, cut …
                                         ─▶ again, until its order is over      ─▶ judged: one version, one end
```
"""
