"""The Taylor expansion of the action: networks, their loss as a power series at zero, and what it can tell."""
