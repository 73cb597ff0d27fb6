"""May we, by the regulator's rules: rule packs, surveillance, reports. Imports no other stage."""
