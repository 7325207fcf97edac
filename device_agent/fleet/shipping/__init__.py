"""Log lines to the cloud, within a budget: what is sent, from where, and what was left out."""
