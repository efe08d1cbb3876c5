"""Structs, status bits, the one bounded loop, checks of arguments: no physics."""
