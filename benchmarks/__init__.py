"""Speed beside other backtesters, on the same data, in the same session, on the same machine."""
