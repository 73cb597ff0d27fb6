"""Where prices come from: files of many shapes, the embedded store, bars, data quality, corporate actions."""
