"""A healthy appliance under a normal load must keep quiet: `make soak d=90m`."""
