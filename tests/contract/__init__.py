"""Promises that a machine can hold: import rules, tidiness, docs that are complete and true."""
