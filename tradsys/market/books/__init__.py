"""Order books from feeds: one parser a venue, sequencing, checksums, and order-by-order (L3) books."""
