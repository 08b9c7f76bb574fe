"""The pure arithmetic of billing: no clock, no I/O, integers for money and days."""
