"""Looks whether a gateway can work on this machine, before and while it does; changes nothing."""
