"""The networks of `scratch`, written a second time as a user of each framework would."""
