"""Where each kind of thing is installed, tried, and put in use (``device_agent.fleet.update.port.Target``).

```
application    <install_dir>/<release>/            <install_dir>/current               children restarted
model          <state_dir>/models/<release>/       <state_dir>/models/current          taken with the next scans
configuration  <state_dir>/configuration/<release> <state_dir>/configuration/current   taken within seconds
```
"""
