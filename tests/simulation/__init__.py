"""A deterministic simulation of trading processes, their disks, the network and a venue, with faults, from one seed."""
