"""May we, by our own rules?"""
