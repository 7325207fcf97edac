"""Job documents of others: handlers and commands, under an allow-list, never through a shell.

```
RunHandler, RunCommand ─▶ performing ─▶ accounts   as whom, or refused
                              │        ─▶ programs   which file, opened and checked, or refused
                              └─▶ running ─▶ keeper (a process) ─▶ the program and all it starts
                                     └◀─ both pipes, how it ended
```
"""
