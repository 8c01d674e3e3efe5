"""The routes by noun: each parses, calls one function and answers."""
